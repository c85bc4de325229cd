"""Findings of other tools: a run of its own for each tool, beside the analyses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentforge.errors import UsageError
from agentforge.model import Project, Violation
from agentforge.store.lifecycle import Run, one, storable
from agentforge.store.load import StoredViolation, violation_row
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Standing:
    """How many of a tool's findings an import left on a branch: found for the first time, found again, known before
    and waived; and how many of those before are gone.
    """

    new: int
    reopened: int
    known: int
    waived: int
    fixed: int


@dataclass(frozen=True, slots=True)
class Target:
    """Which findings an import is about."""

    project_id: int
    branch: str
    tool: str


def project_named(connection: Connection, name: str) -> Project:
    """The project of a key or a name.

    Raises:
        UsageError: there is none that the user may see, or several have that name.
    """
    rows = connection.execute(load("imports")["projects_named"], {"name": name}).fetchall()
    if not rows:
        raise UsageError(
            f"No project {name} is visible to you.", "Run agentforge analyze there first, or check the name."
        )
    if len(rows) > 1:
        raise UsageError(f"Several projects are called {name}.", f"Give a key: {', '.join(row[1] for row in rows)}.")
    id_, key, found, repository_url, local_path = rows[0]
    return Project(id_, found, key, local_path or "", repository_url)


def latest_branch(connection: Connection, project_id: int) -> str:
    """The branch of a project that was analysed last, else its default branch; empty where neither is known."""
    return str(one(connection, load("imports")["latest_branch"], {"project_id": project_id}))


def stored_paths(connection: Connection, project_id: int, branch: str) -> frozenset[str]:
    """The files of a branch as of its last analysis."""
    rows = connection.execute(load("imports")["paths"], {"project_id": project_id, "branch": branch})
    return frozenset(row[0] for row in rows)


class Import:
    """One run over a tool's report. `store` puts its findings in place, all or none."""

    def __init__(self, connection: Connection, target: Target, version: str, commit: str | None) -> None:
        """Record that it has begun.

        Args:
            connection: that holds the project's lock.
            target: the findings that it is about.
            version: of the tool, empty where nobody knows.
            commit: that the tool looked at.
        """
        self._connection = connection
        self._queries = load("imports")
        self._parameters: dict[str, Any] = {
            "project_id": target.project_id,
            "branch": target.branch,
            "tool": target.tool,
        }
        engine = storable(f"{target.tool} {version}".strip())
        row = connection.execute(
            self._queries["begin"], self._parameters | {"commit": commit, "engine_version": engine}
        ).fetchone()
        if row is None:
            raise RuntimeError("INSERT ... RETURNING gave no row")
        self.run = Run(row[0], row[1])
        self._parameters["analysis_id"] = self.run.id

    def last_commit(self) -> str | None:
        """The commit that the last import of this tool was of."""
        row = self._connection.execute(self._queries["last_commit"], self._parameters).fetchone()
        return row[0] if row else None

    def unresolved(self) -> list[StoredViolation]:
        """The tool's findings that are not fixed, in the order in which they were first found."""
        rows = self._connection.execute(self._queries["unresolved"], self._parameters)
        return [StoredViolation(*row) for row in rows]

    def store(self, found: Iterable[tuple[Violation, int | None]], fixed: Sequence[int]) -> None:
        """Put the findings in place. Call it inside a transaction; it can be called again.

        Args:
            found: with the id of the stored violation that each is.
            fixed: ids of stored ones that are gone.
        """
        connection, queries = self._connection, self._queries
        connection.execute(queries["create_incoming"])
        with connection.cursor() as cursor, cursor.copy(queries["copy_incoming"]) as copy:
            for violation, known in found:
                copy.write_row(violation_row(violation, known))
        connection.execute(queries["analyze_incoming"])
        parameters = self._parameters | {"fixed": list(fixed)}
        for name in ("fix", "update", "reopen", "insert", "waive", "unwaive"):
            connection.execute(queries[name], parameters)

    def standing(self, fixed: int) -> Standing:
        """How the findings stand now; `fixed` is how many went."""
        row = self._connection.execute(self._queries["standing"], self._parameters).fetchone()
        new, reopened, known, waived = row or (0, 0, 0, 0)
        return Standing(new, reopened, known, waived, fixed)
