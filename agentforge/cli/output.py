"""How commands that list something show it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Container, Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from agentforge.report.text import block, showable

if TYPE_CHECKING:
    from rich.console import Console

SCHEMA_VERSION = 1
_WIDE = 10_000  # characters; no table of ours is wider
_TWO_BODIES = 200


def print_json(members: Mapping[str, Any], version: int = SCHEMA_VERSION) -> None:
    """One JSON document on stdout, of this schema version."""
    json.dump({"schema_version": version, **members}, sys.stdout, indent=2, ensure_ascii=False, default=_plain)
    sys.stdout.write("\n")


def stdout(*, width: int = _WIDE, soft_wrap: bool = True) -> Console:
    """Stdout as plain text.

    Args:
        width: of a pipe or a file, unless COLUMNS says how wide; by default a table is as wide as what it holds.
        soft_wrap: lines that are longer are left to the terminal.
    """
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=soft_wrap)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = width
    return console


def functions_console(*, show_code: bool) -> Console:
    """Stdout for functions that were found: two bodies side by side are folded, in a file to 100 characters each."""
    return stdout(width=_TWO_BODIES, soft_wrap=False) if show_code else stdout()


def print_table(columns: Iterable[str], rows: Iterable[Iterable[Any]], right: Container[str] = ()) -> None:
    """A table on stdout: times in the local zone to the minute, yes and no, and nothing for None.

    What moves the cursor or turns the direction of text is escaped, as values may be what others wrote.

    Args:
        columns: their names; the first, which names the row, is not broken.
        rows: a value for each column.
        right: the columns whose values end in line.
    """
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        justify: Literal["left", "right"] = "right" if column in right else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=not number)
    for row in rows:
        table.add_row(*(showable(cell(value)) for value in row))
    stdout().print(table)


def cell(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M}"
    return str(value)


def say(text: str) -> None:
    """A note on stderr."""
    from rich.console import Console

    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(block(text))


def ignore(_: str) -> None:
    """Say nothing: cron mails whatever is said."""


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)  # a datetime is a date
