"""Functions by words and by the vector of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentforge.model import FunctionRef
from agentforge.store.lifecycle import storable
from agentforge.store.queries import load
from agentforge.store.similar import Filters, LeftOut, Search, StoredVector

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which functions are wanted.

    Attributes:
        project_ids: to search; None for all.
        language: of the functions, None for all.
        kind: `function` or `method`, None for both.
        tests: those of test files, too.
        limit: how many, at least 1.
    """

    project_ids: tuple[int, ...] | None
    language: str | None
    kind: str | None
    tests: bool
    limit: int


class TextSearch:
    """Searches the branch of each project that was analysed last."""

    def __init__(self, connection: Connection, search: Search) -> None:
        """Ask nothing yet. `search` knows the projects, and finds vectors."""
        self._connection = connection
        self._queries = load("search")
        self.search = search

    def by_words(self, text: str, wanted: Wanted) -> list[int]:
        """Ids of functions that have the words of a text, best first."""
        rows = self._connection.execute(
            self._queries["functions_by_words"],
            {
                "text": storable(text),
                "project_ids": None if wanted.project_ids is None else list(wanted.project_ids),
                "language": wanted.language,
                "kind": wanted.kind,
                "tests": wanted.tests,
                "most": wanted.limit,
            },
        ).fetchall()
        return [row[0] for row in rows]

    def without_meaning(self, vector: StoredVector, wanted: Wanted) -> int:
        """How many of the functions that a vector would be compared with have no meaning yet."""
        return self.search.without_meaning(vector, _filters(wanted)).functions

    def left_out(self, model_id: int | None, wanted: Wanted) -> LeftOut:
        """What cannot be compared with a vector of a model; as `Search.left_out`."""
        return self.search.left_out(model_id, _filters(wanted))

    def by_vector(self, vector: StoredVector, wanted: Wanted, *, by_features: bool = False) -> list[int]:
        """Ids of functions near a vector, best first; fewer than the limit where many near ones are not wanted.

        Args:
            vector: of a text.
            wanted: which functions.
            by_features: compare words and structure only.
        """
        matches = self.search.nearest(vector, _filters(wanted), None, by_features=by_features)
        found = [match.function.id for match in matches if match.function.id is not None]
        rows = self._connection.execute(
            self._queries["near_functions"], {"ids": found, "kind": wanted.kind, "tests": wanted.tests}
        ).fetchall()
        usable = {row[0] for row in rows}
        return [function_id for function_id in found if function_id in usable]

    def functions(self, ids: Sequence[int]) -> dict[int, FunctionRef]:
        """Functions by id, with their code and description; one that has gone meanwhile is left out."""
        rows = self._connection.execute(self._queries["functions_by_id"], {"ids": list(ids)}).fetchall()
        functions = [FunctionRef(*row) for row in rows]
        return {function.id: function for function in functions if function.id is not None}


def _filters(wanted: Wanted) -> Filters:
    return Filters(wanted.project_ids, wanted.language, wanted.limit, -1.0)
