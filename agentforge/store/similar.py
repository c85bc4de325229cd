"""Looking functions up, and the nearest ones to a vector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, Any

from agentforge.model import FunctionRef, Match
from agentforge.store.lifecycle import storable
from agentforge.store.queries import load

if TYPE_CHECKING:
    from psycopg import sql

    from agentforge.store.connection import Connection

_OVERLAPPING = 10  # more than are wanted: the function in question itself, and what lies in it
_FETCH_FACTOR = 8

# docs/adr/0003-approximate-search.md has the measurements behind these.
_SCANNED = 10_000  # as many candidates are always scanned: 5 ms
_BALANCE = 222
_NARROWEST, _WIDEST = 60, 1000  # more hnsw.ef_search is not allowed
_MAX_SCAN_TUPLES = 40_000


def exact_limit(rows: int) -> int:
    """How many candidates are scanned at most, where the index of all rows could be searched instead.

    A scan costs in proportion to the candidates, a search of the index in proportion to its width (`search_width`).
    They are even where candidates^2 = rows * sqrt(rows * a constant).

    Args:
        rows: vectors of the model.
    """
    return max(_SCANNED, isqrt(rows * isqrt(rows * _BALANCE)))


def search_width(rows: int, candidates: int) -> int:
    """How many of the nearest rows the index is asked for (hnsw.ef_search), so that enough of them are candidates.

    The more rows there are, the more of them are nearly as near as the nearest: 70 of 100,000, 199 of 500,000. Fitted
    to a recall of 0.97 with and without filters.
    """
    width = 0.0394 * rows**0.65 * (rows / max(candidates, 1)) ** 1.15
    return max(_NARROWEST, min(_WIDEST, int(width)))


@dataclass(frozen=True, slots=True)
class SearchedProject:
    """A project that may be read, and its branch that is searched.

    `functions` says how many there are of each language; None where no analysis has counted them.
    """

    id: int
    key: str
    name: str
    branch: str
    functions: Mapping[str, int] | None

    def count(self, language: str | None) -> int:
        """Functions of a language, None for all."""
        counts = self.functions or {}
        return sum(counts.values()) if language is None else counts.get(language, 0)


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


@dataclass(frozen=True, slots=True)
class _Index:
    """How an approximate index is searched: the statement, and settings for its transaction."""

    statement: sql.Composed
    settings: dict[str, str]


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
        """The nearest functions, best first: all of them where few are candidates, else nearly all, by an index.

        Args:
            vector: of the function in question.
            filters: which functions are wanted.
            here: where the function in question is, if it is in a project: what overlaps it is no match.
        """
        wanted = filters.project_ids
        projects = [item for item in self.projects.values() if wanted is None or item.id in wanted]
        parameters = {
            "vector": vector.vector,
            "model_id": vector.model_id,
            "language": filters.language,
            "project_ids": [project.id for project in projects],
            "branches": [project.branch for project in projects],
        }
        candidates = sum(project.count(filters.language) for project in projects)
        index = self._approximate(vector.model_id, candidates)
        fetch = filters.limit + _OVERLAPPING
        while True:
            rows = self._nearest(index, {**parameters, "fetch": fetch})
            if index is not None and len(rows) < fetch:
                index = None  # it gave up before it had enough
                continue
            near = [(function_id, 1 - distance) for function_id, distance in rows if 1 - distance >= filters.min_score]
            matches = [
                Match(min(1.0, score), function.ref)
                for function, score in self._matched(near)
                if here is None or not here.overlaps(function)
            ]
            exhausted = len(rows) < fetch or len(near) < len(rows)
            if len(matches) >= filters.limit or exhausted:
                return matches[: filters.limit]
            fetch *= _FETCH_FACTOR

    def _approximate(self, model_id: int, candidates: int) -> _Index | None:
        """The index of a model and how to search it, None where there is none or a scan is better."""
        if candidates <= _SCANNED:
            return None
        from psycopg import sql

        dimension, rows, usable = self._rows("vector_index", model_id=model_id)[0]
        if not usable or candidates <= exact_limit(rows):
            return None
        statement = sql.SQL(self._queries["nearest_approximate"].decode())
        return _Index(
            statement.format(dimension=sql.Literal(dimension), model=sql.Literal(model_id)),
            {"ef_search": str(search_width(rows, candidates)), "max_scan_tuples": str(_MAX_SCAN_TUPLES)},
        )

    def _matched(self, near: Sequence[tuple[int, float]]) -> list[tuple[StoredFunction, float]]:
        """The functions of ids with their scores, best first; one that has gone meanwhile is left out."""
        found = self._functions(self._rows("functions_by_id", ids=[function_id for function_id, _ in near]))
        scores = dict(near)
        return sorted(((item, scores[item.id]) for item in found), key=lambda pair: (-pair[1], pair[0].id))

    def _nearest(self, index: _Index | None, parameters: Mapping[str, Any]) -> list[tuple[int, float]]:
        """Ids and distances of a search. It is planned each time, as the filters decide which plan is right."""
        if index is None:
            return self._connection.execute(self._queries["nearest"], parameters, prepare=False).fetchall()
        with self._connection.pipeline():  # one round trip, and one transaction, for which the settings hold
            self._connection.execute(self._queries["search_settings"], index.settings)
            cursor = self._connection.execute(index.statement, parameters, prepare=False)
        return cursor.fetchall()

    def _functions(self, rows: Iterable[Sequence[Any]]) -> list[StoredFunction]:
        found = []
        for row in rows:
            ref: list[Any] = [self.projects[row[1]].name, *row[3:13], row[0]]
            found.append(StoredFunction(row[0], row[1], row[2], FunctionRef(*ref)))
        return found

    def _rows(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(self._queries[query], self._scope | parameters).fetchall()
