"""What a file says and what it said: which lines are the same, and which code."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from functools import cached_property
from typing import Protocol

from agentforge import parse
from agentforge.walk import UnreadableSourceError, read_source

# What formatters put where they break lines: a comma before a closing bracket, parentheses around the whole.
_TRAILING_COMMA = re.compile(r",(?=[)\]}])")
_OF_FORMATTERS = str.maketrans({"(": None, ")": None, "'": '"'})


class Span(Protocol):
    """A part of a file: its lines and columns count from 1, the end column is exclusive."""

    @property
    def line(self) -> int: ...  # noqa: D102
    @property
    def column(self) -> int: ...  # noqa: D102
    @property
    def end_line(self) -> int: ...  # noqa: D102
    @property
    def end_column(self) -> int: ...  # noqa: D102


class Texts:
    """Two versions of a file, read when they are first asked for."""

    def __init__(self, old: str, new: str, max_size: int) -> None:
        """Read nothing yet. `old` and `new` say where to open them, `max_size` (bytes) how much of them is read."""
        self._places = (old, new)
        self._max_size = max_size

    def old_line(self, line: int) -> int | None:
        """The number that a line had, None where it is not one of before."""
        return self._lines(line)

    def old_code(self, span: Span) -> str:
        """The code in a span of the old version, as it is however it is broken into lines."""
        return code(self._old, span)

    def new_code(self, span: Span) -> str:
        """The code in a span of the new version, as it is however it is broken into lines."""
        return code(self._new, span)

    @cached_property
    def _old(self) -> list[str]:
        return self._read(self._places[0])

    @cached_property
    def _new(self) -> list[str]:
        return self._read(self._places[1])

    @cached_property
    def _lines(self) -> Callable[[int], int | None]:
        return line_map(self._old, self._new)

    def _read(self, place: str) -> list[str]:
        try:
            return parse.decode(read_source(place, self._max_size)).text.split("\n")
        except UnreadableSourceError:
            return []


def code(lines: list[str], span: Span) -> str:
    """What a span holds, without what a formatter changes: white space, kinds of quotes, parentheses, last commas.

    Args:
        lines: of the file.
        span: in it.
    """
    chosen = lines[span.line - 1 : max(span.line, span.end_line)]
    if not chosen:
        return ""
    if span.end_line >= span.line and len(chosen) == span.end_line - span.line + 1:
        chosen[-1] = chosen[-1][: max(0, span.end_column - 1)]
    chosen[0] = chosen[0][max(0, span.column - 1) :]
    joined = "".join("".join(line.rstrip().removesuffix("\\").split()) for line in chosen)
    return _TRAILING_COMMA.sub("", joined).translate(_OF_FORMATTERS)


def line_map(old: list[str], new: list[str]) -> Callable[[int], int | None]:
    """A function from a line's number in a new text to its number in the old one, None for one that was changed.

    Args:
        old, new: lines of two texts. Those that differ in white space alone are equal.
    """
    old_lines = ["".join(line.split()) for line in old]
    new_lines = ["".join(line.split()) for line in new]
    start = 0
    while start < min(len(old_lines), len(new_lines)) and old_lines[start] == new_lines[start]:
        start += 1
    end = 0
    most = min(len(old_lines), len(new_lines)) - start
    while end < most and old_lines[-1 - end] == new_lines[-1 - end]:
        end += 1
    middle_old, middle_new = old_lines[start : len(old_lines) - end], new_lines[start : len(new_lines) - end]
    blocks = difflib.SequenceMatcher(None, middle_old, middle_new).get_matching_blocks()
    moved = {start + block.b + i + 1: start + block.a + i + 1 for block in blocks for i in range(block.size)}
    shift = len(old_lines) - len(new_lines)
    first_of_end = len(new_lines) - end + 1

    def old_number(line: int) -> int | None:
        if line <= start:
            return line
        return line + shift if first_of_end <= line <= len(new_lines) else moved.get(line)

    return old_number
