"""The nearest functions of each function, by comparing all with all: as exact as float32 is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LENGTH = 64  # as in the CHECK of function_neighbours
_LEAST_ALIVE = 48
_BLOCK = 2048
_WAITING = 32 * _BLOCK

# A candidate is one number, so that sorting numbers sorts candidates: the place of the row in its block (11 bits), how
# far the score is below 1 in units of 2^-20 (21 bits), and the row of the candidate (31 bits).
_SCORE_UNIT = 2.0**20
_SCORE_SHIFT, _PLACE_SHIFT = 31, 52
_NOBODY = (1 << _PLACE_SHIFT) - 1


@dataclass(slots=True)
class Lists:
    """The functions of a model, n rows in the order of ids, and their lists.

    Attributes:
        ids: of the functions.
        vectors: shape (n, dimension), of length 1.
        members: shape (n, LENGTH): the rows of the nearest functions, best first, then -1.
        known: whether the list of a function was there before; the others are new, or have a new vector.
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
            functions: ids of functions.
            neighbours: shape (functions, LENGTH): ids of functions, best first; 0 for none.
        """
        rows, members = self._rows(functions), self._rows(neighbours)
        self.members[rows[rows >= 0]] = members[rows >= 0]
        self.known[rows[rows >= 0]] = True

    def refresh(self) -> NDArray[np.int64]:
        """Make the lists that are missing or have lost too many, and put the new functions into the others.

        Returns:
            The rows whose lists have changed.
        """
        changed = self._drop_unknown()
        anew = ~self.known | ((self.members >= 0).sum(1) < min(_LEAST_ALIVE, len(self.ids) - 1))
        made = [_Block.of_new(self, rows) for rows in _split(np.flatnonzero(anew))]
        kept = [_Block.of_old(self, rows) for rows in _split(np.flatnonzero(~anew))] if made else []
        while made:
            block = made.pop(0)
            vectors, is_new = block.vectors(), ~self.known[block.rows]
            for other in made:
                scores = vectors @ other.vectors().T
                block.see(scores, other.rows)
                other.be_seen(scores, block.rows)
            for other in kept:
                scores = vectors @ other.vectors().T
                block.see(scores, other.rows)
                other.be_seen(scores[is_new], block.rows[is_new])
            block.store()
        for block in kept:
            changed[block.store()] = True
        return np.flatnonzero(changed | anew)

    def named(self, rows: NDArray[np.int64]) -> list[int]:
        """The lists of some rows, as ids of functions, one after the other; 0 for none."""
        members = self.members[rows]
        return np.where(members >= 0, self.ids[members], 0).ravel().tolist()

    def _rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of functions, -1 for those that are not there."""
        places = np.searchsorted(self.ids, ids).clip(max=len(self.ids) - 1)
        return np.where(self.ids[places] == ids, places, -1)

    def _drop_unknown(self) -> NDArray[np.bool_]:
        """Take out of the lists what has a new vector: wherever it is now, it is not there. Returns which had any."""
        changed = np.zeros(len(self.ids), np.bool_)
        for start in range(0, len(self.ids), _WAITING):
            members = self.members[start : start + _WAITING]
            dropped = (members >= 0) & ~self.known[members]
            members[dropped] = -1
            changed[start : start + _WAITING] = dropped.any(1)
            order = np.argsort(members < 0, axis=1, kind="stable")
            self.members[start : start + _WAITING] = np.take_along_axis(members, order, 1)
        return changed


def _split(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]


def _packed(place: NDArray[np.int64], scores: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Candidates as numbers, the best first when they are sorted."""
    below = ((1 - scores) * _SCORE_UNIT).astype(np.int64).clip(0, 2 * int(_SCORE_UNIT) - 1)
    return (place << _PLACE_SHIFT) | (below << _SCORE_SHIFT) | rows


class _Block:
    """Some functions, the best candidates of each so far, and those that wait to be compared with these.

    Attributes:
        rows: of the functions, at most `_BLOCK`.
    """

    def __init__(self, lists: Lists, rows: NDArray[np.int64], worst: NDArray[np.float32]) -> None:
        """Functions of which nothing is known but the scores that a candidate must exceed."""
        self.rows = rows
        self._lists = lists
        self._worst = worst
        self._best = np.full((len(rows), LENGTH), _NOBODY, np.int64)
        self._waiting: list[NDArray[np.int64]] = []
        self._count = 0
        self._changed = np.zeros(len(rows), np.bool_)

    @classmethod
    def of_new(cls, lists: Lists, rows: NDArray[np.int64]) -> _Block:
        """Functions whose lists are made; they are compared with each other here."""
        block = cls(lists, rows, np.full(len(rows), -np.inf, np.float32))
        block._changed[:] = True
        vectors = block.vectors()
        scores = vectors @ vectors.T
        np.fill_diagonal(scores, -np.inf)
        if (others := len(rows) - LENGTH) > 0:
            worst = np.partition(scores, others, axis=1)[:, others]
            block._worst = np.nextafter(worst, np.float32(-np.inf))
        block.see(scores, rows)
        return block

    @classmethod
    def of_old(cls, lists: Lists, rows: NDArray[np.int64]) -> _Block:
        """Functions with a list. Beyond its last there may be others that are nearer than a candidate."""
        members = lists.members[rows]
        last = members[np.arange(len(rows)), (members >= 0).sum(1) - 1]
        vectors = lists.vectors[rows].astype(np.float32)
        return cls(lists, rows, np.einsum("rd,rd->r", vectors, lists.vectors[last].astype(np.float32)))

    def vectors(self) -> NDArray[np.float32]:
        """Of the functions, a row each."""
        return self._lists.vectors[self.rows].astype(np.float32)

    def see(self, scores: NDArray[np.float32], rows: NDArray[np.int64]) -> None:
        """Take scores of shape (functions, candidates) for candidates that were not seen before."""
        place, column = np.divmod(np.flatnonzero(scores > self._worst[:, None]), scores.shape[1])
        self._wait(place, scores[place, column], rows[column])

    def be_seen(self, scores: NDArray[np.float32], rows: NDArray[np.int64]) -> None:
        """The same of shape (candidates, functions): a transposed array takes three times as long."""
        row, place = np.divmod(np.flatnonzero(scores > self._worst), scores.shape[1])
        self._wait(place, scores[row, place], rows[row])

    def _wait(self, place: NDArray[np.int64], scores: NDArray[np.float32], rows: NDArray[np.int64]) -> None:
        if len(place):
            self._waiting.append(_packed(place, scores, rows))
            self._count += len(place)
            if self._count > _WAITING:
                self._settle()

    def store(self) -> NDArray[np.int64]:
        """Put the best into the lists; returns the rows of those that have changed."""
        if self._count:
            self._settle()
        best = self._best[self._changed]
        members = best & ((1 << _SCORE_SHIFT) - 1)
        self._lists.members[self.rows[self._changed]] = np.where(best == _NOBODY, -1, members)
        return self.rows[self._changed]

    def _settle(self) -> None:
        """Keep the best of those that are known and those that wait."""
        waiting = np.concatenate(self._waiting)
        self._waiting, self._count = [], 0
        places = np.arange(len(self.rows))
        touched = np.zeros(len(self.rows), np.bool_)
        touched[waiting >> _PLACE_SHIFT] = True
        for place in np.flatnonzero(touched & ~self._changed):
            self._best[place] = self._known(int(place))
        self._changed |= touched
        candidates = np.concatenate([((places[:, None] << _PLACE_SHIFT) | self._best).ravel(), waiting])
        candidates.sort()
        first = np.searchsorted(candidates >> _PLACE_SHIFT, places)
        self._keep(candidates[first[:, None] + np.arange(LENGTH)] & _NOBODY)

    def _known(self, place: int) -> NDArray[np.int64]:
        """The list of a function as it was, as candidates."""
        vectors, members = self._lists.vectors, self._lists.members[self.rows[place]]
        members = members[members >= 0]
        scores = vectors[members].astype(np.float32) @ vectors[self.rows[place]].astype(np.float32)
        known = np.full(LENGTH, _NOBODY, np.int64)
        known[: len(members)] = np.sort(_packed(np.zeros(1, np.int64), scores, members.astype(np.int64)))
        return known

    def _keep(self, best: NDArray[np.int64]) -> None:
        """Keep these of the functions that have changed; of the others nothing is known yet."""
        self._best = best
        last = best[:, -1]
        worst = np.where(last == _NOBODY, -np.inf, 1 - (last >> _SCORE_SHIFT) / _SCORE_UNIT).astype(np.float32)
        self._worst = np.where(self._changed, worst, self._worst)
