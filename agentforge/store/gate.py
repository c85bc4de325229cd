"""What the gate asks of a stored branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


class StoredFunction(NamedTuple):
    """A function of a branch; `copy` names one that is nearly the same code, empty where there is none."""

    path: str
    name: str
    qualified_name: str
    signature: str
    start_line: int
    end_line: int
    lines_of_code: int
    cyclomatic: int
    cognitive: int
    code_hash: str
    copy: str


def branch_functions(
    connection: Connection, project_id: int, branch: str, *, with_copies: bool = False
) -> list[StoredFunction]:
    """All functions of a branch as of its last analysis.

    Args:
        connection: of a user who may read the project.
        project_id: of the project.
        branch: of it.
        with_copies: look for near-duplicates.
    """
    parameters = {"project_id": project_id, "branch": branch, "with_copies": with_copies}
    rows = connection.execute(load("gate")["functions"], parameters).fetchall()
    return [StoredFunction._make((*row[:-3], _place(*row[-3:]))) for row in rows]


def default_branch_name(connection: Connection, project_id: int) -> str | None:
    """The default branch of a project, analysed or not; None where nobody knows it."""
    row = connection.execute(load("gate")["default_branch"], {"project_id": project_id}).fetchone()
    return row[0] if row else None


def _place(name: str | None, path: str, line: int) -> str:
    return f"{name}, {path}:{line}" if name is not None else ""


def project_of(connection: Connection, key: str) -> int | None:
    """The id of the project of a key, None where there is none yet."""
    row = connection.execute(load("analyses")["find_project"], {"key": key}).fetchone()
    return int(row[0]) if row else None
