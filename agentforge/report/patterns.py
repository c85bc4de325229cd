"""Patterns for people: one with all about it, and the functions that fall within some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from agentforge.model import FunctionRef
from agentforge.report.similar import name_of, place_of
from agentforge.report.text import block, count, one_line


@dataclass(frozen=True, slots=True)
class Row:
    """A function that falls within a pattern.

    Attributes:
        score: similarity to the pattern, `least` is where it begins.
        example: number of the nearest example, in `language`.
        text: what both have in common, empty where that is not known.
    """

    pattern: str
    type: str
    title: str
    score: float
    least: float
    function: FunctionRef
    example: int
    language: str
    text: str


def matches(rows: Sequence[Row], total: int) -> Group:
    """The functions, pattern by pattern, nearest first."""
    return Group(*_matches(rows, total))


def _matches(rows: Sequence[Row], total: int) -> Iterator[RenderableType]:
    if not rows:
        yield Text("No function falls within a pattern.", "green")
        return
    pattern = None
    for row in rows:
        if row.pattern != pattern:
            lead = "" if pattern is None else "\n"
            pattern = row.pattern
            yield Text.assemble(
                lead, (pattern, "bold"), f"  {one_line(row.title)}", (f"  {row.type}, from {row.least:.2f} on", "dim")
            )
        function = row.function
        yield Text.assemble(
            f"  {row.score:.2f}  {name_of(function)}",
            (f"  {place_of(function)}, {count(function.lines_of_code, 'line')}", "dim"),
        )
        reason = f": {row.text}" if row.text else ""
        yield Text(f"        like example {row.example} ({row.language}){one_line(reason)}", "italic")
    if total > len(rows):
        yield Text(f"\n{len(rows):,} of {total:,} are shown; --limit 0 shows all.", "dim")


def page(facts: Iterable[tuple[str, str]], why: str, suggestion: str, codes: Iterable[tuple[str, str]]) -> Group:
    """All about a pattern: facts (those without a text are left out), prose, and code under headings."""
    parts: list[Text] = []
    for name, value in facts:
        if value and not name:
            parts.append(Text(one_line(value), "bold"))
        elif value:
            parts.append(Text(f"  {name:<13}{one_line(value)}"))
    parts += [Text(), Text(one_line(why)), Text(one_line(suggestion))]
    for heading, code in codes:
        shown = "\n".join(f"  {line}" for line in block(code).split("\n"))
        parts += [Text(), Text(heading, "bold"), Text(shown)]
    return Group(*parts)
