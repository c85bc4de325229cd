"""`agentforge db migrate|sql|partitions|maintain`: what is done to any database, the embedded one or yours."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agentforge.cli.database import open_as_owner
from agentforge.errors import EXIT_CLEAN, EXIT_INTERNAL
from agentforge.store import maintenance
from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.maintenance import Options
from agentforge.store.migrate import migrate, script
from agentforge.store.requests import Request

SCHEMA_VERSION = 1


def print_sql() -> int:
    """The statements that make roles and schema, for whoever runs them by hand; the tool then finds them done."""
    sys.stdout.write(script())
    return EXIT_CLEAN


def run_migrate(settings: DatabaseSettings, *, as_json: bool) -> int:
    """Bring the schema up to date, and make the partitions of the next months."""
    with connect(settings, _say) as connection:
        applied = migrate(connection)
        maintenance.maintain(connection, Options())
    if as_json:
        _print_json({"applied": list(applied)})
    else:
        sys.stdout.write(f"applied {', '.join(applied)}\n" if applied else "The schema is up to date.\n")
    return EXIT_CLEAN


def show_partitions(settings: DatabaseSettings, *, as_json: bool) -> int:
    """All partitions with their ranges and sizes."""
    with open_as_owner(settings, _say, Request("db partitions")) as connection:
        found = maintenance.partitions(connection)
    if as_json:
        _print_json({"partitions": [dataclasses.asdict(partition) for partition in found]})
        return EXIT_CLEAN
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("partition", "from", "to"):
        table.add_column(column)
    for column in ("rows", "MB"):
        table.add_column(column, justify="right")
    for item in found:
        dates = [f"{edge:%Y-%m-%d}" if edge else "" for edge in (item.start, item.end)]
        table.add_row(item.name, *dates, f"{item.rows:,}", f"{item.bytes / 1e6:,.1f}")
    Console(highlight=False, markup=False).print(table)
    return EXIT_CLEAN


def run_maintain(settings: DatabaseSettings, options: Options, *, as_json: bool, quiet: bool) -> int:
    """Maintain; 3 where a step failed. A second run beside another does nothing, and that is no failure."""
    request = Request("db maintain")
    with open_as_owner(settings, _ignore if quiet else _say, request) as connection:
        steps = maintenance.maintain(connection, options)
        failed = any(step.error is not None for step in steps or ())
        request.status = EXIT_INTERNAL if failed else EXIT_CLEAN
    if steps is None:
        _say("Another maintenance is running: nothing to do.")
        return EXIT_CLEAN
    if as_json:
        sys.stdout.write(
            json.dumps({"schema_version": SCHEMA_VERSION, "steps": [_step(step) for step in steps]}) + "\n"
        )
    elif not quiet:
        console = Console(highlight=False, soft_wrap=True)
        for step in steps:
            console.print(Text.assemble(f"{step.name:<10} {step.seconds:6.2f} s  ", step.done))
    for step in steps:
        if step.error is not None:
            sys.stderr.write(f"agentforge: {step.name} failed: {step.error}\n")
    return request.status


def _step(step: maintenance.Step) -> dict[str, Any]:
    return {**dataclasses.asdict(step), "seconds": round(step.seconds, 3)}


def _print_json(members: dict[str, Any]) -> None:
    json.dump({"schema_version": SCHEMA_VERSION, **members}, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")


def _ignore(_: str) -> None:
    """Cron mails whatever is said."""


def _say(text: str) -> None:
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(text)
