"""Rows in order, most of them on disk: the memory of a run stays the same however many files it has.

Rows come in any order. What is full is sorted and written behind what was written before, and reading merges these
pieces, of each of which a few rows are in memory.
"""

from __future__ import annotations

import heapq
import itertools
import pickle  # nosec B403
import tempfile
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import IO, Any, Generic, TypeVar

from agentforge.errors import AgentForgeError

# Rows that are held in memory before they are written, how many of them are read back at once, and how many pieces of a
# size become one of the next: reading holds a few rows of each piece.
FULL, TOGETHER, MOST_PIECES = 200, 8, 16

Row = TypeVar("Row")


class Spool(Collection[Row], Generic[Row]):
    """Sorted rows, to be read as often as one likes once all are there.

    Args:
        key: by which they are sorted; no two rows have the same.
    """

    def __init__(self, key: Callable[[Row], Any]) -> None:
        self._key = key
        self._rows: list[Row] = []
        self._pieces: list[list[tuple[int, int]]] = []
        self._file: IO[bytes] | None = None
        self._count = 0

    def add(self, row: Row) -> None:
        """Take a row.

        Raises:
            AgentForgeError: the disk is full, or there is no folder for temporary files.
        """
        self._rows.append(row)
        self._count += 1
        if len(self._rows) >= FULL:
            self._write()

    def __len__(self) -> int:
        return self._count

    def __contains__(self, row: object) -> bool:
        return any(row == other for other in self)

    def __iter__(self) -> Iterator[Row]:
        pieces = [self._read(*piece) for level in self._pieces for piece in level]
        return heapq.merge(*pieces, sorted(self._rows, key=self._key), key=self._key)

    def _write(self) -> None:
        """Write what is in memory, and merge pieces where there are many of a size."""
        try:
            piece = self._append(sorted(self._rows, key=self._key))
            for level in self._pieces:
                level.append(piece)
                if len(level) < MOST_PIECES:
                    break
                piece = self._append(heapq.merge(*(self._read(*one) for one in level), key=self._key))
                level.clear()
            else:
                self._pieces.append([piece])
        except OSError as error:
            raise AgentForgeError(
                f"Temporary files cannot be written: {error.strerror or error}.",
                "Make room, or set TMPDIR to a folder that has some.",
            ) from None
        self._rows.clear()

    def _append(self, rows: Iterable[Row]) -> tuple[int, int]:
        """Write sorted rows behind all others; gives where they begin and end."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="agentforge-")  # noqa: SIM115 - it goes with this object
            weakref.finalize(self, self._file.close)
        begin = end = self._file.seek(0, 2)
        waiting = iter(rows)
        while together := list(itertools.islice(waiting, TOGETHER)):
            self._file.seek(end)  # reading the rows may have moved it
            pickle.dump(together, self._file, pickle.HIGHEST_PROTOCOL)
            end = self._file.tell()
        self._file.flush()
        return begin, end

    def _read(self, begin: int, end: int) -> Iterator[Row]:
        if self._file is None:
            return
        while begin < end:
            self._file.seek(begin)
            rows: list[Row] = pickle.load(self._file)  # nosec B301  # noqa: S301 - a file without a name, which only we have open
            begin = self._file.tell()
            yield from rows
