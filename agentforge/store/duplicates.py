"""The functions of projects that are compared with each other, as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentforge.model import Candidate, FunctionRef
from agentforge.store.lifecycle import current_files
from agentforge.store.queries import load

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agentforge.store.connection import Connection


@dataclass(frozen=True, slots=True)
class ComparedProject:
    """A project that may be read, as its last analysis left it.

    Attributes:
        branch: that was analysed last.
        analysis_id: of that analysis.
        has_previous: whether the branch was analysed before it; without, nothing in it is new.
        model_id: of the vectors, which may be compared with those of the same model only.
        model_name, model_version: of that model.
        layout: components of meaning, words and structure in its vectors; empty where it has one channel.
    """

    id: int
    key: str
    name: str
    branch: str
    analysis_id: int
    has_previous: bool
    model_id: int
    model_name: str
    model_version: str
    layout: list[int]

    @property
    def model(self) -> str:
        """Name and version of the model."""
        return f"{self.model_name} {self.model_version}"


@dataclass(frozen=True, slots=True)
class Compared:
    """n functions in the order of ids.

    Attributes:
        ids: of the functions.
        candidates: the functions.
        vectors: shape (n, dimension), float32.
        new: indexes of those that the last analysis of their project met first, or that a git ref does not have.
    """

    ids: list[int]
    candidates: list[Candidate]
    vectors: NDArray[np.float32]
    new: list[int]


class Comparison:
    """Reads what `embed.duplicates` compares."""

    def __init__(self, connection: Connection) -> None:
        """Read which projects there are."""
        self._connection = connection
        self._queries = load("duplicates")
        rows = connection.execute(self._queries["compared_projects"]).fetchall()
        self.projects = {row[0]: ComparedProject(*row) for row in rows}

    def functions(
        self, projects: Sequence[ComparedProject], *, min_lines: int, language: str | None, tests: bool
    ) -> Compared:
        """The functions of some projects of one model.

        Args:
            projects: at least one; all have the model of the first.
            min_lines: least lines of code.
            language: of the functions, None for all.
            tests: take those of test files, too.
        """
        import numpy as np
        from pgvector.psycopg import register_vector

        register_vector(self._connection)
        with self._connection.cursor(binary=True) as cursor:
            rows = cursor.execute(
                self._queries["candidates"],
                {
                    "project_ids": [project.id for project in projects],
                    "branches": [project.branch for project in projects],
                    "analysis_ids": [project.analysis_id for project in projects],
                    "has_previous": [project.has_previous for project in projects],
                    "model_id": projects[0].model_id,
                    "min_lines": min_lines,
                    "language": language,
                    "tests": tests,
                },
            ).fetchall()
        return Compared(
            ids=[row[0] for row in rows],
            candidates=[Candidate(*row[1:8]) for row in rows],
            vectors=np.array([row[8].to_numpy() for row in rows], dtype=np.float32),
            new=[index for index, row in enumerate(rows) if row[9]],
        )

    def not_embedded(self, projects: Sequence[ComparedProject]) -> int:
        """How many functions of these projects are not among those that `functions` gives, for want of a vector."""
        parameters = {
            "project_ids": [project.id for project in projects],
            "branches": [project.branch for project in projects],
            "model_id": projects[0].model_id,
        }
        row = self._connection.execute(self._queries["not_embedded"], parameters).fetchone()
        return row[0] if row else 0

    def content_hashes(self, project: ComparedProject) -> dict[str, str]:
        """SHA-256 of each file of a project as the last analysis of its branch read it, by path."""
        found = current_files(self._connection, project.id, project.branch)
        return {path: version.content_hash for path, version in found.items()}

    def shown(self, ids: Sequence[int]) -> dict[int, FunctionRef]:
        """Functions by id, with their code; one that has gone meanwhile is left out."""
        rows = self._connection.execute(self._queries["functions_by_id"], {"ids": list(ids)}).fetchall()
        found = {}
        for row in rows:
            values: list[Any] = [*row[1:], row[0]]
            found[row[0]] = FunctionRef(*values)
        return found
