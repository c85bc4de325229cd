"""`agentforge db partitions` and `db archive`."""

from __future__ import annotations

import dataclasses
import sys
from datetime import datetime
from pathlib import Path

from agentforge.cli.database import open_as_owner
from agentforge.cli.maintenance import interruptible
from agentforge.cli.output import print_json, print_table, say
from agentforge.errors import EXIT_CLEAN, AgentForgeError, UsageError
from agentforge.store import maintenance, partitions
from agentforge.store.connection import DatabaseSettings
from agentforge.store.requests import Request


def show_partitions(settings: DatabaseSettings, *, exact: bool, as_json: bool) -> int:
    """All partitions with their ranges, rows and sizes, and how long their tables are kept."""
    request = Request("db partitions")
    with open_as_owner(settings, say, request) as connection:
        found = partitions.partitions(connection, exact=exact)
        kept = partitions.retentions(connection)
    if as_json:
        rows = [dataclasses.asdict(partition) for partition in found]
        print_json({"partitions": rows, "exact": exact, "retention": kept})
        return EXIT_CLEAN
    count = "rows" if exact else "rows, about"
    print_table(
        ("partition", "from", "to", count, "MB", "kept for"),
        (
            (each.name, _day(each.start), _day(each.end), f"{each.rows:,}", _megabytes(each.bytes), kept[each.table])
            for each in found
        ),
        right={count, "MB"},
    )
    return EXIT_CLEAN


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}"


def _day(edge: datetime | None) -> str:
    return f"{edge:%Y-%m-%d}" if edge else ""


def run_retention(settings: DatabaseSettings, table: str, retention: str, *, as_json: bool) -> int:
    """Keep a table for so long from now on."""
    with open_as_owner(settings, say, Request("db partitions retention")) as connection:
        kept = partitions.set_retention(connection, table, retention)
    if as_json:
        print_json({"table": table, "retention": kept})
    else:
        sys.stdout.write(f"{table} is kept for {kept}.\n" if kept != partitions.FOREVER else f"{table} is kept.\n")
    return EXIT_CLEAN


def run_archive(
    settings: DatabaseSettings, folder: str, partition: str | None, older_than: str | None, *, drop: bool, as_json: bool
) -> int:
    """Write partitions to files: one by its name, those of an age, or those that are past their retention."""
    if partition is not None and older_than is not None:
        raise UsageError("--partition names one and --older-than many.", "Give one of them.")
    request = Request("db archive")
    said = []
    with (
        interruptible(request),
        open_as_owner(settings, say, request) as connection,
        maintenance.alone(connection) as free,
    ):
        if not free:
            raise AgentForgeError("Another maintenance is running.", "Run again when it has finished.")
        if partition is not None:
            names: tuple[str, ...] = (partitions.named(connection, partition),)
        elif older_than is not None:
            names = partitions.older_than(connection, older_than)
        else:
            names = partitions.expired(connection)
        for name in names:
            said.append(maintenance.archive_partition(connection, name, Path(folder), retire=drop))
            if not as_json:
                sys.stdout.write(f"{'archived and dropped' if drop else 'archived'} {said[-1]}\n")
        request.status = EXIT_CLEAN
    if as_json:
        print_json({"archived": list(names), "dropped": drop, "folder": folder})
    elif not names:
        say("No partition is old enough.")
    return EXIT_CLEAN
