"""Partitions of the tables that grow with time: what there is, what is made ahead, how long it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from agentforge.errors import UsageError
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

MONTHS_AHEAD = 3
FOREVER = "forever"


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of a table that grows with time; the default has no range. `rows` is exact, or an estimate."""

    table: str
    name: str
    is_default: bool
    start: datetime | None
    end: datetime | None
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Made:
    """A partition that was made, or would be; `rows` were moved to it out of the default."""

    name: str
    rows: int


def partitions(connection: Connection, *, exact: bool = False) -> tuple[Partition, ...]:
    """All partitions, by table and range, defaults last.

    Args:
        connection: as a role that may read them.
        exact: count their rows, which reads them.
    """
    found = tuple(Partition(*row) for row in connection.execute(load("partitions")["partitions"]))
    return tuple(replace(item, rows=_count(connection, item.name)) for item in found) if exact else found


def _count(connection: Connection, name: str) -> int:
    row = connection.execute(load("partitions")["count_rows"], {"partition": name}).fetchone()
    counted = connection.execute(row[1].encode()).fetchone() if row else None
    return counted[0] if counted else 0


def tables(connection: Connection) -> tuple[str, ...]:
    """The names of the partitioned tables."""
    return tuple(name for (name,) in connection.execute(load("partitions")["tables"]))


def missing(connection: Connection, table: str, months_ahead: int) -> tuple[str, ...]:
    """The names of the partitions that `rollover` would make."""
    parameters = {"table": table, "months_ahead": months_ahead}
    return tuple(row[0] for row in connection.execute(load("partitions")["missing"], parameters))


def rollover(connection: Connection, table: str, months_ahead: int = MONTHS_AHEAD) -> tuple[Made, ...]:
    """Make the partitions that a table lacks, and move what strayed into its default there.

    Strays are copied first, a transaction each month, while everybody writes on; the lock that follows is short.

    Args:
        connection: as the owner, outside a transaction.
        table: one of `tables`.
        months_ahead: how many months after this one have partitions then.

    Raises:
        psycopg.Error: the lock was not to be had, after a bounded number of attempts. Nothing is lost then.
    """
    queries, parameters = load("partitions"), {"table": table, "months_ahead": months_ahead}
    connection.execute(queries["forget"], parameters)
    for name, low, high in connection.execute(queries["missing"], parameters).fetchall():
        connection.execute(queries["prepare"], {"table": table, "partition": name, "low": low, "high": high})
    return tuple(Made(*row) for row in connection.execute(queries["rollover"], parameters))


def is_due(connection: Connection) -> bool:
    """Whether a default has held rows for a day, and nobody tried to mend that meanwhile."""
    row = connection.execute(load("partitions")["is_due"]).fetchone()
    return bool(row and row[0])


@contextmanager
def one_attempt(connection: Connection) -> Iterator[None]:
    """Within, a lock that is not to be had at once is not waited for again: somebody waits for his command."""
    queries = load("partitions")
    connection.execute(queries["one_attempt"])
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(queries["usual_attempts"])


def expired(connection: Connection) -> tuple[str, ...]:
    """The partitions that ended longer ago than their table is kept, oldest first."""
    return tuple(name for (name,) in connection.execute(load("partitions")["expired"]))


def older_than(connection: Connection, age: str) -> tuple[str, ...]:
    """The partitions that ended longer ago than an interval of PostgreSQL (`18 months`), oldest first.

    Raises:
        UsageError: it is no interval, or one that lies ahead.
    """
    import psycopg

    queries, parameters = load("partitions"), {"age": age}
    try:
        if connection.execute(queries["is_age"], parameters).fetchone() == (True,):
            return tuple(name for (name,) in connection.execute(queries["older"], parameters))
    except psycopg.DataError:
        pass
    raise UsageError(f"{age} is no age.", "Write it like '18 months' or '2 years'.")


def named(connection: Connection, name: str) -> str:
    """The partition of that name.

    Raises:
        UsageError: there is none, or it is a default.
    """
    row = connection.execute(load("partitions")["named"], {"partition": name}).fetchone()
    if row is None:
        raise UsageError(f"There is no partition {name}.", "`agentforge db partitions` lists them.")
    return str(row[0])


def retentions(connection: Connection) -> dict[str, str]:
    """How long each table is kept: an interval as PostgreSQL shows it, or `forever`."""
    return dict(connection.execute(load("partitions")["retentions"]).fetchall())


def set_retention(connection: Connection, table: str, retention: str) -> str:
    """Keep a table for so long from now on.

    Args:
        connection: as the owner.
        table: one of `tables`.
        retention: an interval of PostgreSQL of a month or more, or `forever`.

    Returns:
        The interval as PostgreSQL shows it.

    Raises:
        UsageError: there is no such table, or it is no such interval.
    """
    import psycopg

    try:
        row = connection.execute(
            load("partitions")["set_retention"], {"table": table, "retention": retention}
        ).fetchone()
    except psycopg.errors.CheckViolation:
        raise UsageError(f"{retention} is less than a month.", "A month is the least that can be dropped.") from None
    except psycopg.DataError:
        raise UsageError(
            f"{retention} is no length of time.", "Write it like '18 months', '2 years', or forever."
        ) from None
    if row is None:
        raise UsageError(f"{table} is not partitioned by time.", f"Name one of {', '.join(tables(connection))}.")
    return str(row[0])
