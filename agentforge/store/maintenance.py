"""What keeps a database well over the years: partitions made ahead and dropped in time, views refreshed, statistics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

MONTHS_AHEAD = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a maintenance.

    Attributes:
        name: `rollover`, `retention`, `sessions`, `refresh` or `analyze`.
        seconds: of wall time.
        done: what it did, in words; empty for nothing.
        error: why it failed; None where it did not.
    """

    name: str
    seconds: float
    done: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of a table that grows with time; the default has no range. `rows` is the planner's estimate."""

    table: str
    name: str
    is_default: bool
    start: datetime | None
    end: datetime | None
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Options:
    """How to maintain.

    Attributes:
        months_ahead: for which partitions are made, at least 0.
        dry_run: say what retention would drop, and change nothing.
        keep_detached: detach what is past its retention, and keep it as a table of its own.
    """

    months_ahead: int = MONTHS_AHEAD
    dry_run: bool = False
    keep_detached: bool = False


def maintain(connection: Connection, options: Options) -> tuple[Step, ...] | None:
    """Do every step, whatever becomes of the others.

    Args:
        connection: as the owner of the schema.
        options: how.

    Returns:
        The steps in order; None where another maintenance is under way.
    """
    queries = load("maintenance")
    with _alone(connection) as alone:
        if not alone:
            return None
        connection.execute(queries["patience"])
        try:
            return tuple(_timed(connection, name, step, options) for name, step in _STEPS)
        finally:
            if not connection.closed:
                connection.execute(queries["impatience"])


def partitions(connection: Connection) -> tuple[Partition, ...]:
    """All partitions, by table and range, defaults last."""
    return tuple(Partition(*row) for row in connection.execute(load("maintenance")["partitions"]))


@contextmanager
def _alone(connection: Connection) -> Iterator[bool]:
    queries = load("maintenance")
    row = connection.execute(queries["try_lock"]).fetchone()
    alone = bool(row and row[0])
    try:
        yield alone
    finally:
        if alone and not connection.closed:
            connection.execute(queries["unlock"])


def _timed(connection: Connection, name: str, step: Callable[[Connection, Options], str], options: Options) -> Step:
    import psycopg
    from psycopg.types.json import Jsonb

    started = time.perf_counter()
    done, error = "", None
    try:
        done = step(connection, options)
    except psycopg.OperationalError as fault:
        if connection.closed:
            raise  # nothing that follows could be done either
        error = str(fault.diag.message_primary or fault)
    except psycopg.Error as fault:
        error = str(fault.diag.message_primary or fault)
    seconds = time.perf_counter() - started
    if not options.dry_run:
        tags = Jsonb({"step": name, "error": error})
        connection.execute(load("maintenance")["record"], {"seconds": seconds, "tags": tags})
    return Step(name, seconds, done, error)


def _rollover(connection: Connection, options: Options) -> str:
    queries = load("maintenance")
    made, moved = [], 0
    if options.dry_run:
        return ""
    for (table,) in connection.execute(queries["tables"]).fetchall():
        parameters = {"table": table, "months_ahead": options.months_ahead}
        for partition, rows in connection.execute(queries["rollover"], parameters).fetchall():
            made.append(partition)
            moved += rows
    strays = f", {moved:,} rows moved out of the defaults" if moved else ""
    return f"made {', '.join(made)}{strays}" if made else ""


def _retention(connection: Connection, options: Options) -> str:
    queries = load("maintenance")
    expired = [partition for (partition,) in connection.execute(queries["expired"]).fetchall()]
    if not options.dry_run:
        for partition in expired:
            connection.execute(queries["retire"], {"partition": partition, "keep": options.keep_detached})
    verb = "would drop" if options.dry_run else "detached" if options.keep_detached else "dropped"
    return f"{verb} {', '.join(expired)}" if expired else ""


def _sessions(connection: Connection, options: Options) -> str:
    if options.dry_run:
        return ""
    deleted = connection.execute(load("maintenance")["expire_sessions"]).rowcount
    return f"deleted {deleted:,} expired sessions" if deleted else ""


def _refresh(connection: Connection, options: Options) -> str:
    if not options.dry_run:
        connection.execute(load("maintenance")["refresh"])
    return ""


def _analyze(connection: Connection, options: Options) -> str:
    statements = [statement for (statement,) in connection.execute(load("maintenance")["analyze"]).fetchall()]
    if not options.dry_run:
        for statement in statements:
            connection.execute(statement.encode())  # names quoted by the server's own format()
    return f"analysed {len(statements)} tables" if statements and not options.dry_run else ""


_STEPS: tuple[tuple[str, Callable[[Connection, Options], str]], ...] = (
    ("rollover", _rollover),
    ("retention", _retention),
    ("sessions", _sessions),
    ("refresh", _refresh),
    ("analyze", _analyze),
)
