"""Lists of the nearest functions of each function, so that a search for a stored one need not search.

A list is exact: it holds the 64 (`LENGTH`) nearest of all functions with a vector of the same model, up to an id.
Younger functions are compared one by one by the search (`agentforge.known_neighbours`), until the next `update`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agentforge.store.queries import load

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.store.connection import Connection

LENGTH = 64  # as in the CHECK of function_neighbours
ROWS = 10_000  # as many are scanned in 10 ms
_LARGEST_ID = 2**31 - 1
_LEAST_ALIVE = 48
_ROWS_AT_ONCE, _FIRST_COLUMNS, _COLUMNS_AT_ONCE = 512, 4096, 32_768
_STORED_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Model:
    """A model whose functions have lists, or should have."""

    id: int
    dimension: int


def due(connection: Connection, rows: int = ROWS) -> list[Model]:
    """The models with at least so many functions, some of which are younger than their lists."""
    parameters = {"rows": rows, "largest_id": _LARGEST_ID}
    return [Model(*row) for row in connection.execute(load("neighbours")["due"], parameters).fetchall()]


def update(connection: Connection, model: Model) -> int:
    """Make the lists of a model's functions, or bring them up to date; returns how many were written.

    Time grows with the number of functions times that of those which are new, memory with the number of functions:
    0.8 kB for each.

    Args:
        connection: as the owner, outside a transaction.
        model: of the functions.

    Raises:
        psycopg.errors.LockNotAvailable: functions are being written all the time; nothing was done.
    """
    queries = load("neighbours")
    up_to = _settled(connection, model)
    lists = _read(connection, model, up_to)
    changed = lists.refresh()
    parameters = {"model_id": model.id, "up_to": up_to, "length": LENGTH}
    with connection.transaction():
        for start in range(0, len(changed), _STORED_AT_ONCE):
            rows = changed[start : start + _STORED_AT_ONCE]
            values = {"ids": lists.ids[rows].tolist(), "neighbours": lists.named(rows)}
            connection.execute(queries["store"], {**parameters, **values})
        connection.execute(queries["delete_gone"], parameters)
        connection.execute(queries["note"], parameters)
    return len(changed)


def _settled(connection: Connection, model: Model) -> int:
    """The last id of a function with a complete vector, when whoever made an id up to it has committed or given up."""
    with connection.transaction():
        connection.execute(load("neighbours")["wait_for_writers"])
        row = connection.execute(load("neighbours")["last_id"], {"model_id": model.id}).fetchone()
    return row[0] if row and row[0] else 0


def _read(connection: Connection, model: Model, up_to: int) -> Lists:
    from pgvector.psycopg import register_vector

    register_vector(connection)
    queries, parameters = load("neighbours"), {"model_id": model.id, "up_to": up_to}
    ids, vectors = [], []
    with connection.transaction(), connection.cursor("vectors", binary=True) as cursor:
        cursor.itersize = _STORED_AT_ONCE
        for function_id, vector in cursor.execute(queries["vectors"], parameters):
            ids.append(function_id)
            vectors.append(vector.to_numpy().astype(np.float16))
    lists = Lists.empty(np.array(ids, np.int64), np.array(vectors, np.float16).reshape(len(ids), model.dimension))
    with connection.transaction(), connection.cursor("lists", binary=True) as cursor:
        cursor.itersize = _STORED_AT_ONCE
        cursor.execute(queries["lists"], parameters)
        while found := cursor.fetchmany(_STORED_AT_ONCE):
            lists.know(np.array([row[0] for row in found]), np.array([row[1] for row in found]))
    return lists


@dataclass(slots=True)
class Lists:
    """The functions of a model, n rows in the order of ids, and their lists.

    Attributes:
        ids: of the functions.
        vectors: shape (n, dimension), of length 1.
        members: shape (n, LENGTH): the rows of the nearest functions, best first, then -1.
        known: whether the list of a function was there before.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float16]
    members: NDArray[np.int32]
    known: NDArray[np.bool_]

    @classmethod
    def empty(cls, ids: NDArray[np.int64], vectors: NDArray[np.float16]) -> Lists:
        """No list is known."""
        members = np.full((len(ids), LENGTH), -1, np.int32)
        return cls(ids, vectors, members, np.zeros(len(ids), np.bool_))

    def know(self, functions: NDArray[np.int64], neighbours: NDArray[np.int64]) -> None:
        """Take lists as they were. Functions that have gone are left out; what remains is as exact as before.

        Args:
            functions: ids of n functions.
            neighbours: shape (n, LENGTH): ids of functions, best first; 0 for none.
        """
        rows, members = self._rows(functions), self._rows(neighbours)
        members = np.take_along_axis(members, np.argsort(members < 0, axis=1, kind="stable"), 1)
        self.members[rows[rows >= 0]] = members[rows >= 0]
        self.known[rows[rows >= 0]] = True

    def refresh(self) -> NDArray[np.int64]:
        """Make the lists that are missing or have lost too many, and put the new functions into the others.

        Returns:
            The rows whose lists have changed.
        """
        anew = ~self.known | ((self.members >= 0).sum(1) < min(_LEAST_ALIVE, len(self.ids) - 1))
        changed = anew.copy()
        changed[self._join(np.flatnonzero(~anew), np.flatnonzero(~self.known))] = True
        rows = np.flatnonzero(anew)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            self._make(rows[start : start + _ROWS_AT_ONCE])
        return np.flatnonzero(changed)

    def named(self, rows: NDArray[np.int64]) -> list[int]:
        """The lists of some rows, as ids of functions, one after the other; 0 for none."""
        members = self.members[rows]
        return np.where(members >= 0, self.ids[members], 0).ravel().tolist()

    def _rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of functions, -1 for those that are not there."""
        places = np.searchsorted(self.ids, ids).clip(max=len(self.ids) - 1)
        return np.where(self.ids[places] == ids, places, -1)

    def _make(self, rows: NDArray[np.int64]) -> None:
        """The lists of some rows: all others are compared."""
        empty = (len(rows), LENGTH)
        best = _Best(np.full(empty, -np.inf, np.float32), np.full(empty, -1, np.int32))
        own = self.vectors[rows].astype(np.float32)
        start = 0
        while start < len(self.ids):
            end = start + (_COLUMNS_AT_ONCE if start else _FIRST_COLUMNS)
            scores = own @ self.vectors[start:end].astype(np.float32).T
            mine = np.flatnonzero((rows >= start) & (rows < end))
            scores[mine, rows[mine] - start] = -np.inf
            best.add(scores, np.arange(start, start + scores.shape[1]))
            start = end
        self.members[rows] = best.ordered()

    def _join(self, old: NDArray[np.int64], new: NDArray[np.int64]) -> NDArray[np.int64]:
        """Put new functions into lists where they belong; returns the rows whose lists have changed."""
        last = self.members[old, (self.members[old] >= 0).sum(1) - 1]
        changed = []
        step = max(1, _ROWS_AT_ONCE * _COLUMNS_AT_ONCE // max(len(new), _COLUMNS_AT_ONCE))
        for start in range(0, len(old) if len(new) else 0, step):
            rows = old[start : start + step]
            own = self.vectors[rows].astype(np.float32)
            # Beyond the last of a list there may be others that are nearer than a new function.
            radius = np.einsum("rd,rd->r", own, self.vectors[last[start : start + step]].astype(np.float32))
            scores = own @ self.vectors[new].astype(np.float32).T
            scores[scores <= radius[:, None]] = -np.inf
            touched = np.flatnonzero((scores > -np.inf).any(1))
            members = self.members[rows[touched]]
            known = np.einsum("rd,rld->rl", own[touched], self.vectors[members].astype(np.float32))
            best = _Best(np.where(members >= 0, known, -np.inf), members)
            best.add(scores[touched], new)
            self.members[rows[touched]] = best.ordered()
            changed.append(rows[touched])
        return np.concatenate(changed) if changed else np.empty(0, np.int64)


class _Best:
    """The best of what was added, for each of some rows."""

    def __init__(self, scores: NDArray[np.float32], members: NDArray[np.int32]) -> None:
        """Begin with `scores` of `members`, both of shape (rows, LENGTH); -inf and -1 for none."""
        self._scores, self._members = scores, members

    def add(self, scores: NDArray[np.float32], members: NDArray[np.int64]) -> None:
        """Take scores of shape (rows, n) for n members. Only what is better than the worst so far is moved about."""
        row, column = np.nonzero(scores > self._scores.min(1, keepdims=True))
        if not len(row):
            return
        counts = np.bincount(row, minlength=len(self._scores))
        place = np.arange(len(row)) - (np.cumsum(counts) - counts)[row]
        length = self._scores.shape[1]
        found = np.full((len(self._scores), length + int(counts.max())), -np.inf, np.float32)
        names = np.full(found.shape, -1, np.int32)
        found[:, :length], names[:, :length] = self._scores, self._members
        found[row, place + length], names[row, place + length] = scores[row, column], members[column]
        chosen = np.argpartition(-found, length - 1, axis=1)[:, :length]
        self._scores, self._members = np.take_along_axis(found, chosen, 1), np.take_along_axis(names, chosen, 1)

    def ordered(self) -> NDArray[np.int32]:
        """The members, best first."""
        return np.take_along_axis(self._members, np.argsort(-self._scores, axis=1, kind="stable"), 1)
