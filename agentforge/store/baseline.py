"""When the default branch of a project was last analysed, and what is new: what that branch has is not new on another.

Which branch that is stands in `projects.default_branch`; `lifecycle.ensure_project` keeps it as git says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Analysed:
    """The last completed analysis of the default branch; `commit` is None where there was none."""

    analysis_id: int
    branch: str
    commit: str | None
    completed_at: datetime


def default_branch_analysis(connection: Connection, project_id: int) -> Analysed | None:
    """The last completed analysis of the default branch; None where that is not known or was never analysed."""
    row = connection.execute(load("baseline")["last_analysis"], {"project_id": project_id}).fetchone()
    return Analysed(*row) if row else None


def new_violations(connection: Connection, project_id: int, branch: str, analysis_id: int) -> frozenset[str]:
    """Fingerprints of the violations of a branch that count as new, as of the last analysis of that branch.

    On the default branch, and where nobody knows which one that is, these are the ones that the analysis found for the
    first time or again. On another branch they are those that this branch brought, in whichever of its analyses, and
    that the default branch does not have by now: a second push does not make them old. Waived ones are never among
    them.

    Args:
        connection: of a user who may read the project.
        project_id: of the project.
        branch: that was analysed.
        analysis_id: of its last analysis.
    """
    parameters = {"project_id": project_id, "branch": branch, "analysis_id": analysis_id}
    return frozenset(row[0] for row in connection.execute(load("baseline")["new"], parameters))
