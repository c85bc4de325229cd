"""Texts of files and of people, made fit for one line of a report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentforge.model import FlowStep

# Controls, what ends a line or turns its direction, and halves of surrogate pairs.
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(text: str, limit: int | None = None) -> str:
    """A text on one line: white space collapsed, what cannot be shown as `\\xNN` or `\\uNNNN`.

    Args:
        text: any.
        limit: characters at most; a longer text ends in `…`.
    """
    return shortened(showable(" ".join(text.split())), limit)


def showable(text: str) -> str:
    """A text with what cannot be shown, line ends and tabs among it, as `\\xNN` or `\\uNNNN`."""
    return _UNSHOWABLE.sub(_escaped, text)


def block(text: str) -> str:
    """Code or prose of several lines: line ends stay, a tab is four columns, what cannot be shown is as in `showable`.

    A carriage return before a line end is a part of it.
    """
    return "\n".join(showable(line.removesuffix("\r").expandtabs(4)) for line in text.split("\n"))


def shortened(text: str, limit: int | None) -> str:
    """The text, or as much of it as fits with a `…` behind it."""
    return text if limit is None or len(text) <= limit else text[: max(0, limit - 1)] + "…"


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def origin(flow: Sequence[FlowStep]) -> str:
    """Where a value comes from, on one line: ``from parameter `name`, line 12``; empty where nobody knows."""
    return f"from {one_line(flow[0].message)}, line {flow[0].line}" if flow else ""


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 file`, `2,000 files`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def quantity(value: float) -> str:
    """A number of a gate: whole numbers without a point, others with at most two decimals."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}".rstrip("0")
