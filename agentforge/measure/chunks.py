"""Code outside functions, cut into pieces small enough to be embedded."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from agentforge.measure.functions import Definition
from agentforge.model import Chunk

# Fewer lines of code say too little to be found by; more than this many lines say too much for one vector.
MIN_CODE_LINES = 3
MAX_LINES = 60


def chunks(data: bytes, code: bytes, definitions: Sequence[Definition]) -> tuple[Chunk, ...]:
    """The pieces of a file outside its functions, in order.

    Args:
        data: the file.
        code: the same with its comments blanked out.
        definitions: of the file, in order of appearance.
    """
    classes = [item for item in definitions if item.is_class]
    found = []
    line, counted = 1, 0
    for start, end in _pieces(data, definitions, classes):
        if _code_lines(code[start:end]) < MIN_CODE_LINES:
            continue
        line, counted = line + data.count(b"\n", counted, start), start
        owner = next((item for item in reversed(classes) if item.start_byte <= start < item.end_byte), None)
        found.append(
            Chunk(
                kind="class" if owner else "module",
                name=owner.qualified_name if owner else "",
                start_line=line,
                end_line=line + data.count(b"\n", start, end),
                start_byte=start,
                end_byte=end,
                code=data[start:end].decode("utf-8", "replace"),
                code_hash=hashlib.sha256(b" ".join(code[start:end].split())).hexdigest()[:32],
            )
        )
    return tuple(found)


def _code_lines(code: bytes) -> int:
    return sum(not line.isspace() for line in code.splitlines() if line)


def _pieces(data: bytes, definitions: Sequence[Definition], classes: Sequence[Definition]) -> Iterator[tuple[int, int]]:
    """Byte ranges between functions and the edges of classes, without white space around them, cut to `MAX_LINES`."""
    position = 0
    edges = sorted({edge for item in classes for edge in (item.start_byte, item.end_byte)})
    functions = [(item.start_byte, item.end_byte) for item in definitions if item.is_function]
    for start, end in [*functions, (len(data), len(data))]:
        if start >= position:
            inner = edges[bisect_right(edges, position) : bisect_left(edges, start)]
            for first, last in pairwise([position, *inner, start]):
                yield from _cut(data, first, last)
        position = max(position, end)


def _cut(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = start
        for _ in range(MAX_LINES):
            stop = data.find(b"\n", stop, end) + 1 or end
            if stop == end:
                break
        first = stop - len(data[start:stop].lstrip())
        last = start + len(data[start:stop].rstrip())
        if first < last:
            yield first, last
        start = stop
