"""Looking functions up, and the nearest ones to a vector."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentforge.model import FunctionRef, Match
from agentforge.store.lifecycle import storable
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

_FETCH_FACTOR = 8


@dataclass(frozen=True, slots=True)
class SearchedProject:
    """A project that may be read, and its branch that is searched."""

    id: int
    key: str
    name: str
    branch: str


@dataclass(frozen=True, slots=True)
class StoredFunction:
    """A function in the database."""

    id: int
    project_id: int
    code_hash: str
    ref: FunctionRef


@dataclass(frozen=True, slots=True)
class Place:
    """Lines of a file of a project."""

    project_id: int
    path: str
    start_line: int
    end_line: int

    def overlaps(self, function: StoredFunction) -> bool:
        """Whether a function lies around it, in it or across its edge."""
        ref = function.ref
        if (self.project_id, self.path) != (function.project_id, ref.path):
            return False
        return self.start_line <= ref.end_line and ref.start_line <= self.end_line


@dataclass(frozen=True, slots=True)
class StoredVector:
    """A vector as text of pgvector, and the model whose vectors it may be compared with."""

    model_id: int
    model: str
    vector: str


@dataclass(frozen=True, slots=True)
class Filters:
    """Which of the nearest functions are wanted.

    Attributes:
        project_ids: to search; None for all.
        language: of the functions; None for all.
        limit: how many, at least 1.
        min_score: least cosine similarity.
    """

    project_ids: tuple[int, ...] | None
    language: str | None
    limit: int
    min_score: float


class Search:
    """Searches the branch of each project that was analysed last."""

    def __init__(self, connection: Connection) -> None:
        """Read which projects there are."""
        self._connection = connection
        self._queries = load("similar")
        rows = connection.execute(self._queries["searched_projects"]).fetchall()
        self.projects = {row[0]: SearchedProject(*row) for row in rows}
        self._scope = {
            "project_ids": list(self.projects),
            "branches": [project.branch for project in self.projects.values()],
        }

    def functions_named(self, name: str) -> list[StoredFunction]:
        """Functions whose last part of the name is this one, whatever its case; by project and place."""
        return self._functions(self._rows("functions_named", name=storable(name)))

    def functions_at(self, path: str, line: int, content_hash: str | None = None) -> list[StoredFunction]:
        """Functions around a line, innermost first in each file.

        Args:
            path: of the file, or the end of it.
            line: from 1.
            content_hash: take only files with this content; None for any.
        """
        return self._functions(self._rows("functions_at", path=storable(path), line=line, content_hash=content_hash))

    def function_names(self) -> list[str]:
        """All qualified names, once each."""
        return [row[0] for row in self._rows("function_names")]

    def vector_of(self, function_id: int, model: str | None) -> StoredVector | None:
        """The vector of a stored function, by the model of this name or, for None, by any."""
        rows = self._rows("vector_of", function_id=function_id, model=model)
        return StoredVector(*rows[0]) if rows else None

    def vector_by_hash(self, code_hash: str, model_id: int, model: str) -> StoredVector | None:
        """The vector of any stored function with the same code."""
        rows = self._rows("vector_by_hash", code_hash=code_hash, model_id=model_id)
        return StoredVector(model_id, model, rows[0][0]) if rows else None

    def find_model(self, name: str, version: str) -> int | None:
        """The id of a model, None where no analysis has used it."""
        rows = self._rows("find_model", name=name, version=version)
        return rows[0][0] if rows else None

    def nearest(self, vector: StoredVector, filters: Filters, here: Place | None) -> list[Match]:
        """The nearest functions, best first.

        Args:
            vector: of the function in question.
            filters: which functions are wanted.
            here: where the function in question is, if it is in a project: what overlaps it is no match.
        """
        fetch = filters.limit * 4 + 20
        while True:
            rows = self._rows(
                "nearest",
                vector=vector.vector,
                model_id=vector.model_id,
                only=None if filters.project_ids is None else list(filters.project_ids),
                language=filters.language,
                fetch=fetch,
            )
            wanted = [row for row in rows if row[14] and row[0] >= filters.min_score]
            functions = self._functions(row[1:14] for row in wanted)
            matches = [
                Match(min(1.0, row[0]), function.ref)
                for row, function in zip(wanted, functions, strict=True)
                if here is None or not here.overlaps(function)
            ]
            exhausted = len(rows) < fetch or rows[-1][0] < filters.min_score
            if len(matches) >= filters.limit or exhausted:
                return matches[: filters.limit]
            fetch *= _FETCH_FACTOR

    def _functions(self, rows: Iterable[Sequence[Any]]) -> list[StoredFunction]:
        found = []
        for row in rows:
            ref: list[Any] = [self.projects[row[1]].name, *row[3:13], row[0]]
            found.append(StoredFunction(row[0], row[1], row[2], FunctionRef(*ref)))
        return found

    def _rows(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(self._queries[query], self._scope | parameters).fetchall()
