"""What keeps a database well over the years, step by step: none ends the others, none makes writers wait for long."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentforge.errors import AgentForgeError
from agentforge.store import partitions, vector_indexes
from agentforge.store.archive import write_archive
from agentforge.store.partitions import MONTHS_AHEAD
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.audit_key import AuditKey
    from agentforge.store.connection import Connection

LOST = "the connection was lost"
AFTER_MIGRATING = frozenset({"rollover", "retention", "sessions"})  # who has no cron is safe so
_ATTEMPTS = 3
_PAUSE_SECONDS = 1.0


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


@dataclass(frozen=True, slots=True)
class Options:
    """How to maintain.

    Attributes:
        months_ahead: for which partitions are made, at least 0.
        dry_run: say what would be done, and change nothing.
        keep_detached: detach what is past its retention, and keep it as a table of its own.
        archive_to: folder for what is past its retention, before it is dropped; None to drop it.
        audit_key: encrypts the values in the audit trail and keys its chain; None for neither.
    """

    months_ahead: int = MONTHS_AHEAD
    dry_run: bool = False
    keep_detached: bool = False
    archive_to: Path | None = None
    audit_key: AuditKey | None = None


@dataclass(slots=True)
class Work:
    """A step under way: it says here what it did, and what it could not do."""

    connection: Connection
    options: Options
    done: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @contextmanager
    def part(self, name: str = "") -> Iterator[None]:
        """A part of the step. When it fails, that is noted, and the next one is done, unless the connection is lost."""
        import psycopg

        try:
            yield
        except psycopg.Error as fault:
            if self.connection.closed:
                raise
            self._note(name, str(fault.diag.message_primary or fault))
        except AgentForgeError as fault:
            self._note(name, str(fault).replace("\n", " "))

    def run(self, statement: bytes) -> Any:
        """Run a statement, again a few times where another session holds a lock; returns its cursor."""
        import psycopg

        for _ in range(_ATTEMPTS - 1):
            try:
                return self.connection.execute(statement)
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                time.sleep(_PAUSE_SECONDS)
        return self.connection.execute(statement)

    def _note(self, name: str, why: str) -> None:
        self.errors.append(f"{name}: {why}" if name else why)


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
        for name, action in _STEPS:
            if only is None or name in only:
                steps.append(_timed(connection, name, action, options))
            if connection.closed:
                break
    return tuple(steps)


def rollover_when_due(connection: Connection) -> Step | None:
    """For who has no cron: make partitions when rows are in a default. On nearly all days it asks one question.

    Args:
        connection: as the owner of the schema, outside a transaction.

    Returns:
        What was done, None where nothing was to be done.
    """
    if not partitions.is_due(connection):
        return None
    with partitions.one_attempt(connection):
        steps = maintain(connection, Options(), {"rollover"})
    return steps[0] if steps else None


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


def archive_partition(connection: Connection, name: str, folder: Path, *, retire: bool, keep: bool = False) -> str:
    """Write a partition to a file; then retire it, if it still is what the file holds.

    Args:
        connection: as the owner, outside a transaction.
        name: of a partition that is no default.
        folder: for the file.
        retire: False to leave the partition as it is.
        keep: detach it, and do not drop it.

    Returns:
        What was written, in words.

    Raises:
        AgentForgeError: the file could not be written, or the partition is being written to. Nothing was dropped then.
        psycopg.Error: the partition could not be locked. Nothing was dropped then, and no file is left.
    """
    import psycopg

    for _ in range(_ATTEMPTS):
        archive = write_archive(connection, name, folder)
        try:
            if not retire or _retire(connection, name, keep=keep, rows=archive.rows, since=archive.since):
                return f"{name} to {archive.file} ({archive.rows:,} rows)"
        except psycopg.Error:
            if not connection.closed:  # otherwise nobody knows whether it was dropped
                archive.remove()
            raise
        archive.remove()
    raise AgentForgeError(f"{name} is being written to.", "It was not dropped: run again.")


def _retire(
    connection: Connection, name: str, *, keep: bool, rows: int | None = None, since: str | None = None
) -> bool:
    parameters = {"partition": name, "keep": keep, "rows": rows, "since": since}
    row = connection.execute(load("partitions")["retire"], parameters).fetchone()
    return bool(row and row[0])


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


def _rollover(work: Work) -> None:
    made: list[str] = []
    moved = 0
    for table in partitions.tables(work.connection):
        if work.options.dry_run:
            made += partitions.missing(work.connection, table, work.options.months_ahead)
            continue
        with work.part(table):
            for item in partitions.rollover(work.connection, table, work.options.months_ahead):
                made.append(item.name)
                moved += item.rows
    if made:
        work.done.append(("would make " if work.options.dry_run else "made ") + ", ".join(made))
    if moved:
        work.done.append(f"{moved:,} rows moved out of the defaults")


def _retention(work: Work) -> None:
    options = work.options
    folder, keep = options.archive_to, options.keep_detached
    retired = []
    for name in partitions.expired(work.connection):
        with work.part(name):
            said = name
            if folder is not None and not options.dry_run:
                said = archive_partition(work.connection, name, folder, retire=True, keep=keep)
            elif not options.dry_run:
                _retire(work.connection, name, keep=keep)
            retired.append(said)
    verbs = ("would detach" if keep else "would drop") if options.dry_run else "detached" if keep else "dropped"
    if folder is not None:
        verbs = verbs.replace("would ", "would archive and ") if options.dry_run else f"archived and {verbs}"
    if retired:
        work.done.append(f"{verbs} {', '.join(retired)}")


def _sessions(work: Work) -> None:
    queries = load("maintenance")
    if work.options.dry_run:
        row = work.connection.execute(queries["expired_sessions"]).fetchone()
        count, verb = row[0] if row else 0, "would delete"
    else:
        count, verb = work.run(queries["expire_sessions"]).rowcount, "deleted"
    if count:
        work.done.append(f"{verb} {count:,} expired sessions")


def _refresh(work: Work) -> None:
    if work.options.dry_run:
        return
    for view, statement in work.connection.execute(load("maintenance")["refresh"]).fetchall():
        with work.part(view or ""):
            if statement is None:
                raise AgentForgeError("A view is missing.", "Restore it from a backup.")
            work.run(statement.encode())  # names quoted by the server's own format(), here and below


def _audit(work: Work) -> None:
    from agentforge.store.audit_chain import chain

    if work.options.dry_run:
        return
    key = work.options.audit_key
    if key is not None:
        from agentforge.store.audit_encryption import encrypt_pending

        encrypted = encrypt_pending(work.connection, key)
        if encrypted:
            work.done.append(f"encrypted {encrypted:,} rows")
    chained = chain(work.connection, key)
    if chained:
        work.done.append(f"chained {chained:,} rows")


def _analyze(work: Work) -> None:
    due = work.connection.execute(load("maintenance")["analyze"]).fetchall()
    for table, statement in due if not work.options.dry_run else ():
        with work.part(table):
            work.run(statement.encode())
    if due:
        work.done.append(f"{'would analyse' if work.options.dry_run else 'analysed'} {len(due)} tables")


def _indexes(work: Work) -> None:
    finders = [vector_indexes.leftovers, vector_indexes.wanted, vector_indexes.bloated]
    if not work.options.dry_run:
        finders.append(vector_indexes.leftovers)  # of what has just failed
    for find in finders:
        for task in find(work.connection):
            if work.options.dry_run:
                work.done.append(f"{task.name} would be {task.verb}")
                continue
            with work.part(task.name), vector_indexes.resources(work.connection):
                vector_indexes.do(work.connection, task)
                work.done.append(f"{task.name} {task.verb}")


def _health(work: Work) -> None:
    from agentforge.store.health import health_checks

    severities = [finding.severity for finding in health_checks(work.connection)]
    found = [f"{severities.count(name)} {name}" for name in ("critical", "warning") if name in severities]
    if found:  # what is not well is no failure of the maintenance
        work.done.append(f"found {' and '.join(found)}: agentforge db doctor says what to do")


_STEPS: tuple[tuple[str, Callable[[Work], None]], ...] = (
    ("rollover", _rollover),
    ("retention", _retention),
    ("sessions", _sessions),
    ("refresh", _refresh),
    ("audit", _audit),
    ("analyze", _analyze),
    ("indexes", _indexes),
    ("health", _health),
)
STEPS = tuple(name for name, _ in _STEPS)
