"""Functions whose vectors are not complete yet, and completing them, so that several sessions may do it at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from agentforge.store.near_pairs import EmbeddedFunctions, embedded_functions
from agentforge.store.queries import load

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A project that the caller may write, and how many of its functions have no complete vector."""

    id: int
    key: str
    name: str
    functions: int


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model that the database knows."""

    id: int
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A function without meaning, or without any vector of the model.

    Attributes:
        function_id: of the function.
        code_hash: equal for equal code.
        language: name, None where it is not known.
        name: of the function.
        code: its text.
        partial: its vector without meaning; None where it has none of the model.
        known: the complete vector of a function with equal code, None where there is none.
    """

    function_id: int
    code_hash: str
    language: str | None
    name: str
    code: str
    partial: NDArray[np.float16] | None
    known: NDArray[np.float16] | None


def unfinished(connection: Connection, model_id: int) -> list[Unfinished]:
    """The projects that the caller may write, by id."""
    rows = connection.execute(load("meaning")["writable"], {"model_id": model_id}).fetchall()
    return [Unfinished(*row) for row in rows]


def models_of(connection: Connection, project_ids: Sequence[int]) -> list[StoredModel]:
    """The models that embedded the functions of some projects, that of most functions first."""
    rows = connection.execute(load("meaning")["models"], {"project_ids": list(project_ids)}).fetchall()
    return [StoredModel(*row) for row in rows]


def lacking(connection: Connection, project_id: int, model_id: int) -> int:
    """How many functions of a project have no meaning yet."""
    parameters = {"project_id": project_id, "model_id": model_id}
    row = connection.execute(load("meaning")["lacking"], parameters).fetchone()
    return row[0] if row else 0


class Gaps:
    """The gaps of one project and one model. A claim and what is stored of it belong into one transaction."""

    def __init__(self, connection: Connection, project_id: int, model_id: int) -> None:
        """Ask nothing yet."""
        from pgvector.psycopg import register_vector

        register_vector(connection)
        self._connection = connection
        self._queries = load("meaning")
        self._keys = {"project_id": project_id, "model_id": model_id}

    def claim(self, after: int, most: int, *, missing: bool) -> list[Gap]:
        """The next gaps, in the order of ids, which no other session takes until the end of the transaction.

        Args:
            after: ids up to this one were looked at.
            most: so many at most.
            missing: functions without any vector of the model, else those without meaning.
        """
        query = self._queries["claim_missing" if missing else "claim_lacking"]
        with self._connection.cursor(binary=True) as cursor:
            rows = cursor.execute(query, {**self._keys, "after": after, "most": most}).fetchall()
        return [Gap(row[0], row[1], row[2], row[3], row[4], _halves(row[5]), _halves(row[6])) for row in rows]

    def store(self, ids: Sequence[int], vectors: NDArray[np.float16], *, missing: bool) -> None:
        """Give claimed functions their complete vectors; what they have of other models goes.

        Args:
            ids: of the functions.
            vectors: shape (ids, dimension).
            missing: as they were claimed.
        """
        from pgvector import HalfVector

        parameters = {**self._keys, "ids": list(ids), "vectors": [HalfVector(vector) for vector in vectors]}
        self._connection.execute(self._queries["insert" if missing else "fill"], parameters)

    def compact(self, rewritten: int) -> bool:
        """Give back the room of the rows that `store` rewrote. Call it outside a transaction.

        Args:
            rewritten: how many rows.

        Returns:
            Whether it was done: where it pays, the session is one of the owner's, and nobody else uses the table.
            Elsewhere autovacuum lets others use it.
        """
        from psycopg import OperationalError

        row = self._connection.execute(self._queries["compact"], {**self._keys, "rewritten": rewritten}).fetchone()
        if row is None:
            return False
        statement, role, patience = row
        # Others would wait behind it.
        self._connection.execute(self._queries["work_as"], {"role": "agentforge_owner", "patience": "100ms"})
        try:
            self._connection.execute(statement.encode())  # made and quoted by the server's own format()
        except OperationalError:  # a lock, or no room for both: all is well without it
            return False
        finally:
            if not self._connection.closed:
                self._connection.execute(self._queries["work_as"], {"role": role, "patience": patience})
        return True

    def adopt(self) -> dict[str, list[int]]:
        """Note that files, and last analyses, whose functions all have vectors of the model are up to date with it.

        Returns:
            Ids of the files that were not until now, by branch.
        """
        found: dict[str, list[int]] = {}
        for file_id, branch in self._connection.execute(self._queries["adopt_files"], self._keys).fetchall():
            found.setdefault(branch, []).append(file_id)
        self._connection.execute(self._queries["adopt_analyses"], self._keys)
        return found

    def embedded_functions(self, branch: str, files: Sequence[int], min_lines: int) -> EmbeddedFunctions:
        """The functions of a branch with at least `min_lines` lines of code; those of some files must be compared."""
        parameters = {**self._keys, "branch": branch, "files": list(files), "min_lines": min_lines}
        return embedded_functions(self._connection, self._queries["embedded_functions"], parameters)

    def replace_pairs(self, functions: Sequence[int], pairs: Sequence[tuple[int, int, float]]) -> None:
        """Store the near-duplicates of some functions in place of those that were found by another model.

        Args:
            functions: ids.
            pairs: function id, other function id and cosine.
        """
        self._connection.execute(self._queries["delete_pairs"], {**self._keys, "ids": list(functions)})
        parameters = {
            "ids": [pair[0] for pair in pairs],
            "others": [pair[1] for pair in pairs],
            "scores": [pair[2] for pair in pairs],
        }
        self._connection.execute(self._queries["insert_pairs"], {**self._keys, **parameters})


def _halves(vector: Any) -> NDArray[np.float16] | None:
    return None if vector is None else np.asarray(vector.to_numpy(), np.float16)
