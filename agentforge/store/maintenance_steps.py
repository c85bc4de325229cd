"""The steps of a maintenance: what each one does, and how it goes on when a part of it fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentforge.errors import AgentForgeError
from agentforge.store import partitions, vector_indexes
from agentforge.store.archive import write_archive
from agentforge.store.audit_chain import chain
from agentforge.store.audit_encryption import encrypt_pending
from agentforge.store.audit_key import AuditKey
from agentforge.store.health import health_checks
from agentforge.store.partitions import MONTHS_AHEAD
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

_ATTEMPTS = 3
_PAUSE_SECONDS = 1.0
_NAMED = 16  # names of partitions that a step says; the months of an ordinary rollover
_CHOSEN = ("settings", "memory")  # findings about what an administrator has set, which no night changes


@dataclass(frozen=True, slots=True)
class Options:
    """How to maintain.

    Attributes:
        months_ahead: for which partitions are made, at least 0.
        dry_run: say what would be done, and change nothing.
        keep_detached: detach what is past its retention, and keep it as a table of its own.
        archive_to: folder for what is past its retention, before it is dropped; None to drop it.
        audit_key: what encrypts the values of the audit trail before they are chained; None for nothing.
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
        work.done.append(f"{'would make' if work.options.dry_run else 'made'} {_named(made)}")
    if moved:
        work.done.append(f"{moved:,} rows moved out of the defaults")


def _named(things: Sequence[str]) -> str:
    """Their names, where these are not too many to read."""
    if len(things) <= _NAMED:
        return ", ".join(things)
    return f"{', '.join(things[:3])} ... {things[-1]}, {len(things):,} in all"


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
        work.done.append(f"{verbs} {_named(retired)}")


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
        with work.part(view):
            if statement is None:
                raise AgentForgeError("A view is missing.", "Restore it from a backup.")
            work.run(statement.encode())  # names quoted by the server's own format(), here and below


def _chain(work: Work) -> None:
    if work.options.dry_run:
        return
    key = work.options.audit_key
    if key is not None:
        encrypted = encrypt_pending(work.connection, key)
        if encrypted:
            work.done.append(f"encrypted {encrypted:,} rows of the audit trail")
    chained = chain(work.connection, key)
    if chained:
        work.done.append(f"chained {chained:,} rows of the audit trail")


def _analyze(work: Work) -> None:
    due = work.connection.execute(load("maintenance")["analyze"]).fetchall()
    for table, statement in due if not work.options.dry_run else ():
        with work.part(table):
            work.run(statement.encode())
    if due:
        work.done.append(f"{'would analyse' if work.options.dry_run else 'analysed'} {len(due)} tables")


def _indexes(work: Work) -> None:
    finders = [vector_indexes.leftovers, vector_indexes.wanted, vector_indexes.superseded, vector_indexes.bloated]
    if not work.options.dry_run:
        finders.append(vector_indexes.leftovers)  # of what has just failed
    made = []
    for find in finders:
        for task in find(work.connection):
            if work.options.dry_run:
                work.done.append(f"{task.name} would be {task.verb}")
                continue
            with work.part(task.name), vector_indexes.resources(work.connection):
                vector_indexes.do(work.connection, task)
                work.done.append(f"{task.name} {task.verb}")
                if task.verb != "dropped":
                    made.append(task.name)
    if not work.options.dry_run:
        with work.part():
            vector_indexes.spare(work.connection, made)


def _neighbours(work: Work) -> None:
    import psycopg

    from agentforge.store import neighbours  # loads numpy

    for model in neighbours.due(work.connection):
        name = f"the lists of neighbours of model {model.id}"
        if work.options.dry_run:
            work.done.append(f"{name} would be brought up to date")
            continue
        with work.part(name):
            try:
                if written := neighbours.update(work.connection, model):
                    work.done.append(f"{written:,} of {name} written")
            except psycopg.errors.LockNotAvailable:  # the search does without
                work.done.append(f"{name} wait for the next time: functions are being written")


def _health(work: Work) -> None:
    found = [item for item in health_checks(work.connection) if item.severity in ("critical", "warning")]
    for item in found:
        if item.severity == "critical" and item.id not in _CHOSEN:
            work.errors.append(f"{item.what} ({item.remedy})" if item.remedy else item.what)
    if found:
        work.done.append(f"{len(found)} findings: see `agentforge db doctor`")


STEPS: dict[str, Callable[[Work], None]] = {
    "rollover": _rollover,
    "retention": _retention,
    "sessions": _sessions,
    "refresh": _refresh,
    "chain": _chain,
    "analyze": _analyze,
    "indexes": _indexes,
    "neighbours": _neighbours,
    "health": _health,
}
