"""What keeps a database well over the years, step by step: none ends the others, none makes writers wait for long."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentforge.store import partitions
from agentforge.store.maintenance_steps import STEPS, Options, Work, archive_partition
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

__all__ = ["AFTER_MIGRATING", "STEPS", "Options", "Step", "alone", "archive_partition", "maintain", "rollover_at_once"]

LOST = "the connection was lost"
AFTER_MIGRATING = frozenset({"rollover", "retention", "sessions"})  # who has no cron is safe so


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a maintenance.

    Attributes:
        name: one of `STEPS`.
        seconds: of wall time.
        done: what it did, in words; empty for nothing.
        error: why it failed, or a part of it; None where all of it was done.
    """

    name: str
    seconds: float
    done: str
    error: str | None


def maintain(connection: Connection, options: Options, only: Collection[str] | None = None) -> tuple[Step, ...] | None:
    """Do the steps in order, whatever becomes of each. When the connection is lost, that step is the last.

    Args:
        connection: as the owner of the schema, outside a transaction.
        options: how.
        only: the names of the steps to do; None for all.

    Returns:
        The steps in order; None where another maintenance is under way.
    """
    steps: list[Step] = []
    with alone(connection) as free:
        if not free:
            return None
        for name, action in STEPS.items():
            if only is None or name in only:
                steps.append(_timed(connection, name, action, options))
            if connection.closed:
                break
    return tuple(steps)


def rollover_at_once(connection: Connection) -> None:
    """Make partitions for who has no cron, inside another command: a lock that is not to be had is not waited for.

    Args:
        connection: as the owner of the schema, outside a transaction.
    """
    with partitions.one_attempt(connection):
        maintain(connection, Options(), {"rollover"})


@contextmanager
def alone(connection: Connection) -> Iterator[bool]:
    """Within, this is the only maintenance of the database (False where another one is); waits for locks are short."""
    queries = load("maintenance")
    row = connection.execute(queries["try_lock"]).fetchone()
    if not row or not row[0]:
        yield False
        return
    try:
        connection.execute(queries["patience"])
        yield True
    finally:
        if not connection.closed:
            connection.execute(queries["impatience"])
            connection.execute(queries["unlock"])


def _timed(connection: Connection, name: str, action: Callable[[Work], None], options: Options) -> Step:
    import psycopg
    from psycopg.types.json import Jsonb

    started = time.perf_counter()
    work = Work(connection, options)
    try:
        with work.part():
            action(work)
        error = "; ".join(work.errors) or None
        seconds = time.perf_counter() - started
        if not options.dry_run:
            tags = Jsonb({"step": name, "error": error})
            connection.execute(load("maintenance")["record"], {"seconds": seconds, "tags": tags})
    except psycopg.Error as fault:
        reason = LOST if connection.closed else "it could not be recorded"
        error = "; ".join([*work.errors, f"{reason}: {str(fault).splitlines()[0]}"])
    return Step(name, time.perf_counter() - started, ", ".join(work.done), error)
