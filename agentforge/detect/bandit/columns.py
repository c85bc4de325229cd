"""Columns of bandit's findings as those of all others: in characters."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from agentforge.model import Violation

# It finds one character in the text itself: it counts characters, from 1 and not from 0, and says nothing of an end.
_FINDS_CHARACTERS = "B613"


def in_characters(violations: Iterable[Violation], text: str) -> list[Violation]:
    """The same violations with columns in characters; Python's tree, and so bandit, counts bytes of UTF-8.

    Args:
        violations: as bandit makes them.
        text: of the file, line ends as `\\n`.
    """
    if text.isascii():
        return list(violations)
    lines = text.split("\n")
    return [_with_end(item) if item.rule_id == _FINDS_CHARACTERS else _converted(item, lines) for item in violations]


def _with_end(item: Violation) -> Violation:
    return dataclasses.replace(item, column=item.column - 1, end_line=item.line, end_column=item.column)


def _converted(item: Violation, lines: Sequence[str]) -> Violation:
    column, end_column = _column(lines, item.line, item.column), _column(lines, item.end_line, item.end_column)
    return dataclasses.replace(item, column=column, end_column=end_column)


def _column(lines: Sequence[str], line: int, column: int) -> int:
    if not 0 < line <= len(lines) or lines[line - 1].isascii():
        return column
    return len(lines[line - 1].encode("utf-8", "replace")[: column - 1].decode("utf-8", "ignore")) + 1
