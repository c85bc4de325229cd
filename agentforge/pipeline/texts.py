"""What a file says and what it said: which lines are the same, and which code."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol

from agentforge.walk.git_contents import Hunk

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
    """Two versions of a file, and where they differ."""

    def __init__(self, old: str, new: str, hunks: Sequence[Hunk]) -> None:
        """Take the texts, with `\\n` line ends, and the places where they differ, in order."""
        self._old, self._new = old.split("\n"), new.split("\n")
        self._hunks = hunks
        self._starts = [_first_line(hunk) for hunk in hunks]

    def old_line(self, line: int) -> int | None:
        """The number that a line had, None where it is not one of before."""
        before = bisect_right(self._starts, line)
        if before == 0:
            return line
        hunk = self._hunks[before - 1]
        if line < self._starts[before - 1] + hunk.new_count:
            return None
        old_first = hunk.old_start + (hunk.old_count == 0)
        return line - self._starts[before - 1] - hunk.new_count + old_first + hunk.old_count

    def old_code(self, span: Span) -> str:
        """The code in a span of the old version, as it is however it is broken into lines."""
        return code(self._old, span)

    def new_code(self, span: Span) -> str:
        """The code in a span of the new version, as it is however it is broken into lines."""
        return code(self._new, span)


def _first_line(hunk: Hunk) -> int:
    """The first line that is new; of a hunk without one, git names the line before it."""
    return hunk.new_start + (hunk.new_count == 0)


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
