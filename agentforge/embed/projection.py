"""Words and syntax as few numbers, by tables that were learned: a row a feature, and a function is the sum of its rows.

All that is added up are whole numbers below 2^24 held as float32, which no order of additions changes: vectors depend
neither on the platform nor on what shares a batch. training/README.md has the model card, training/projection.py
writes the tables.
"""

from __future__ import annotations

import zlib
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agentforge.embed.features import mix
from agentforge.embed.packaged import content, intact, unpacked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.embed.features import Ids

    Array = NDArray[Any]
    Channel = tuple[Ids, Array, Array]  # as `features.unpack` gives it

TABLES = Path(__file__).with_name("projection.npz")
BUCKETS = 1 << 16
_SALT = np.uint32(0x27D4EB2F)
_WEIGHT_STEPS = 1024
_LOG_COUNT = 1 + np.log(np.maximum(np.arange(256), 1))
_SUM_BITS = 17  # the weights of a function add up to less than 2^17, and with entries of 127 to less than 2^24
_AT_ONCE = 4096  # features: so many rows of a table are copied


class Rows:
    """Feature -> row of a table: the common ones have their own, all others share some, each with a sign.

    Args:
        own: the buckets of the common features, in the order of their rows.
        shared: how many rows there are behind those.
    """

    def __init__(self, own: Array, shared: int) -> None:
        self._own, self._shared = len(own), shared
        self._place = np.full(BUCKETS, -1)
        self._place[own] = np.arange(len(own))

    def of(self, ids: Ids) -> tuple[Array, Array]:
        """The row of each feature and its sign, 1 or -1."""
        place = self._place[bucket(ids)]
        hashed = mix(ids ^ _SALT)
        rare = place < 0
        other = self._own + ((hashed >> np.uint32(8)).astype(np.int64) * self._shared >> 24)
        return np.where(rare, other, place), np.where(rare & ((hashed & np.uint32(1)) == 1), -1, 1)


def bucket(ids: Ids) -> Array:
    """The bucket of each feature, in which its rarity is counted."""
    found: Array = ids & np.uint32(BUCKETS - 1)
    return found


def weights(ids: Ids, counts: Array, idf: Array) -> Array:
    """(1 + ln count) * idf of some features, in whole steps."""
    found: Array = np.rint(_LOG_COUNT[counts] * idf[bucket(ids)] * _WEIGHT_STEPS)
    return found


class Table:
    """What one channel is projected by."""

    def __init__(self, own: Array, table: Array) -> None:
        """Take the buckets of the common features, and the rows as whole numbers from -127 to 127."""
        self._rows = Rows(own, len(table) - len(own))
        self._table = table.astype(np.float32)
        self.dimension = table.shape[1]

    def vectors(self, channel: Channel, idf: Array, count: int) -> Array:
        """Of `count` functions, each a row of length 1, or 0 where a function has no features."""
        ids, counts, function = channel
        row, sign = self._rows.of(ids)
        weight = weights(ids, counts, idf)
        total = np.bincount(function, weights=weight, minlength=count)
        room = _SUM_BITS - np.frexp(total)[1]
        weight = (sign * np.trunc(np.ldexp(weight, room[function]))).astype(np.float32)
        sums = np.zeros((count, self.dimension), np.float32)
        bounds = np.searchsorted(function, np.arange(count + 1)).tolist()
        for place, (first, end) in enumerate(pairwise(bounds)):
            for start in range(first, end, _AT_ONCE):
                part = slice(start, min(start + _AT_ONCE, end))
                sums[place] += weight[part] @ self._table[row[part]]
        whole = np.rint(sums / 4).astype(np.float64)  # 256 squares of such numbers add up to 2^52 at most, exactly
        lengths = np.sqrt(np.square(whole).sum(axis=1))
        unit: Array = whole / np.where(lengths == 0, 1, lengths)[:, None]
        return unit


class Projection:
    """The tables of both channels. They are read when they are needed first."""

    def __init__(self, path: Path = TABLES) -> None:
        """Read nothing yet."""
        self._path = path

    @cached_property
    def checksum(self) -> int:
        """Of the file."""
        return zlib.crc32(self._bytes)

    @cached_property
    def words(self) -> Table:
        """For the words."""
        return self._read("words")

    @cached_property
    def structure(self) -> Table:
        """For the structure."""
        return self._read("structure")

    @cached_property
    def _bytes(self) -> bytes:
        return content(self._path, "The tables of the embedder are")

    def _read(self, channel: str) -> Table:
        with intact(f"The tables of the embedder in {self._path} are"):
            return unpacked(self._bytes, lambda stored: Table(stored[f"{channel}.own"], stored[f"{channel}.table"]))
