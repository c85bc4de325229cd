"""Lines of code, comment lines and blank lines, from the places of the comments."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import accumulate

from agentforge.model import LineCounts

_NOT_LINE_END = re.compile(rb"[^\n]")


def blank_out(data: bytes, spans: Iterable[tuple[int, int]]) -> bytes:
    """`data` with every byte of the spans a space, line ends kept, so that offsets and lines stay the same."""
    pieces: list[bytes] = []
    position = 0
    for start, end in spans:
        if start < position:
            continue
        pieces.append(data[position:start])
        pieces.append(_NOT_LINE_END.sub(b" ", data[start:end]))
        position = end
    if not pieces:
        return data
    pieces.append(data[position:])
    return b"".join(pieces)


def count(data: bytes, code: bytes) -> LineCounts:
    """Count the lines of a file.

    Args:
        data: the file.
        code: the same with its comments blanked out.
    """
    written = data.split(b"\n")
    if written and not written[-1]:
        written.pop()
    physical = len(written)
    blank = list(map(bytes.strip, written)).count(b"")
    with_code = sum(map(bool, map(bytes.strip, code.split(b"\n"))))
    return LineCounts(physical=physical, code=with_code, comment=physical - blank - with_code, blank=blank)


def code_line_index(code: bytes) -> list[int]:
    """Running totals: element i is how many of the first i lines hold code, so a span's count is a difference."""
    return [0, *accumulate(map(bool, map(bytes.strip, code.split(b"\n"))))]
