"""Looking functions up, and the nearest ones to a vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from agentforge.model import FunctionRef, Match
from agentforge.store.centres import StoredCentres, centres_of
from agentforge.store.lifecycle import storable
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


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


@dataclass(frozen=True, slots=True)
class StoredVector:
    """A vector, and the model whose vectors it may be compared with.

    Attributes:
        model_id: of the model.
        model: its name.
        vector: as text of pgvector; None for the one that the database has of a function.
        function_id: of that function, None where `vector` is given.
        version: of the model.
    """

    model_id: int
    model: str
    vector: str | None
    function_id: int | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class Lacking:
    """What has no meaning yet.

    Attributes:
        functions: how many of those that are searched.
        subject: whether the function in question is stored without.
    """

    functions: int
    subject: bool

    @property
    def total(self) -> int:
        """How many functions that is."""
        return max(self.functions, int(self.subject))

    def __bool__(self) -> bool:
        return self.total > 0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What is searched, and compared with nothing.

    Attributes:
        projects: names of those whose vectors are of another model or version.
        functions: how many have no vector.
    """

    projects: tuple[str, ...] = ()
    functions: int = 0


@dataclass(frozen=True, slots=True)
class Filters:
    """Which of the nearest functions are wanted.

    Attributes:
        project_ids: to search; None for all.
        language: of the functions; None for all.
        limit: how many, at least 1.
        min_cosine: least cosine of the two vectors.
    """

    project_ids: tuple[int, ...] | None
    language: str | None
    limit: int
    min_cosine: float


class Search:
    """Searches the branch of each project that was analysed last."""

    def __init__(self, connection: Connection) -> None:
        """Ask nothing yet."""
        self._connection = connection
        self._queries = load("similar")

    @cached_property
    def projects(self) -> dict[int, SearchedProject]:
        """The projects that may be read and have been analysed, by id; read once."""
        return {row[0]: SearchedProject(*row) for row in self._rows("searched_projects")}

    def functions_named(self, name: str) -> list[StoredFunction]:
        """Functions whose last part of the name is this one, whatever its case; by project and place."""
        return [_function(row) for row in self._rows("functions_named", name=storable(name))]

    def functions_at(self, path: str, line: int, content_hash: str | None = None) -> list[StoredFunction]:
        """Functions around a line, innermost first in each file.

        Args:
            path: of the file, or the end of it.
            line: from 1.
            content_hash: take only files with this content; None for any.
        """
        path = storable(path)
        name = path.rsplit("/", 1)[-1]
        rows = self._rows("functions_at", path=path, file_name=name, line=line, content_hash=content_hash)
        return [_function(row) for row in rows]

    def function_names(self) -> list[str]:
        """All qualified names, once each."""
        return [row[0] for row in self._rows("function_names")]

    def vector_of(self, function_id: int, model: str | None) -> StoredVector | None:
        """The vector of a stored function, by the model of this name or, for None, by any."""
        rows = self._rows("model_of", function_id=function_id, model=model)
        return StoredVector(rows[0][0], rows[0][1], None, function_id, rows[0][2]) if rows else None

    def vector_by_hash(self, code_hash: str, model_id: int, model: str, version: str) -> StoredVector | None:
        """The vector of any stored function with the same code."""
        rows = self._rows("vector_by_hash", code_hash=code_hash, model_id=model_id)
        return StoredVector(model_id, model, rows[0][0], version=version) if rows else None

    def centres(self, model_id: int) -> StoredCentres | None:
        """The means by which a model is centred; None for one that is not."""
        return centres_of(self._connection, model_id)

    def models(self) -> list[tuple[int, str, str]]:
        """Id, name and version of the models of the projects' last analyses, that of most projects first."""
        return [(row[0], row[1], row[2]) for row in self._rows("models")]

    def without_meaning(self, vector: StoredVector, filters: Filters) -> Lacking:
        """What of those who would be compared has words and structure only, so far."""
        (row,) = self._rows(
            "without_meaning",
            function_id=vector.function_id,
            model_id=vector.model_id,
            project_ids=None if filters.project_ids is None else list(filters.project_ids),
            language=filters.language,
        )
        return Lacking(*row)

    def left_out(self, model_id: int | None, filters: Filters) -> LeftOut:
        """What cannot be compared with a vector of a model; without one, only which functions have no vector."""
        ids = None if filters.project_ids is None else list(filters.project_ids)
        ((names, functions),) = self._rows("left_out", model_id=model_id, project_ids=ids, language=filters.language)
        return LeftOut(tuple(names), functions)

    def nearest(
        self, vector: StoredVector, filters: Filters, here: Place | None, *, by_features: bool = False
    ) -> list[Match]:
        """The nearest functions, best first: from lists that the database keeps, by a scan, or nearly all by an index.

        What a cosine means is not known here: it is the score of each.

        Args:
            vector: of the function in question.
            filters: which functions are wanted.
            here: where the function in question is, if it is in a project: what overlaps it is no match. A stored
                function, which `vector` names, is where it is stored.
            by_features: compare words and structure only, as must be done where `without_meaning` finds something.
        """
        return self._nearest(filters, here, vector.function_id, vector.model_id, vector.vector, by_features=by_features)

    def nearest_to(self, function_id: int, filters: Filters) -> list[Match]:
        """The functions nearest to a stored one, by the last model that has a vector of it; best first."""
        return self._nearest(filters, None, function_id, None, None)

    def _nearest(
        self,
        filters: Filters,
        here: Place | None,
        function_id: int | None,
        model_id: int | None,
        vector: str | None,
        *,
        by_features: bool = False,
    ) -> list[Match]:
        rows = self._rows(
            "nearest",
            by_features=by_features,
            function_id=function_id,
            vector=vector,
            model_id=model_id,
            here_project=here.project_id if here else None,
            here_path=here.path if here else None,
            here_start=here.start_line if here else None,
            here_end=here.end_line if here else None,
            project_ids=None if filters.project_ids is None else list(filters.project_ids),
            language=filters.language,
            limit=filters.limit,
            max_distance=1 - filters.min_cosine,
        )
        cosines = [min(1.0, 1 - row[14]) for row in rows]
        return [Match(cosine, _function(row).ref, cosine) for cosine, row in zip(cosines, rows, strict=True)]

    def _rows(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(self._queries[query], parameters).fetchall()


def _function(row: Sequence[Any]) -> StoredFunction:
    ref: list[Any] = [row[13], *row[3:13], row[0]]
    return StoredFunction(row[0], row[1], row[2], FunctionRef(*ref))
