"""The hash chain over the audit trail: whoever changes, removes or slips in a row breaks it.

Each month of UTC has a chain of its own. A link is the SHA-256 of the link before it and of one row of audit_logs as it
is stored; with a key it is an HMAC, which cannot be computed anew without that key. Rows are chained after they are
committed, in batches, so writers never wait for each other, and one that commits late is chained later.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import takewhile
from typing import TYPE_CHECKING

from agentforge.errors import UsageError
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.audit_key import AuditKey
    from agentforge.store.connection import Connection

BATCH_ROWS = 5000
Columns = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Head:
    """How far the chain of a month goes.

    Attributes:
        month: its first day.
        position: of the last link, from 1; 0 where nothing is chained.
        hash: of the last link, in hexadecimal digits; empty where nothing is chained.
        key_id: of the key that it was made with; None for none.
    """

    month: date
    position: int
    hash: str
    key_id: str | None


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing that is wrong with the chain of a month.

    Attributes:
        kind: `changed`, `removed`, `inserted` or `replaced` (it is not the chain that a saved head is of).
        position: in the chain; None where the row is not in it.
        log_id: id of the row of audit_logs; None where it is not known any more.
        text: a sentence about it.
    """

    kind: str
    position: int | None
    log_id: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Month:
    """What became of the chain of a month: its head, and the first problem; None where it is whole."""

    head: Head
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class Link:
    """A row of audit_chain with the columns of its row of audit_logs, None where that is not there."""

    position: int
    log_id: int
    log_created_at: datetime
    hash: bytes
    key_id: str | None
    columns: Columns | None


def serialise(columns: Columns) -> bytes:
    """One row as bytes: two rows give the same only if they are the same, column by column."""
    parts = [b"%d:" % len(columns)]
    for value in columns:
        raw = None if value is None else value.encode()
        parts.append(b"-" if raw is None else b"%d:%b" % (len(raw), raw))
    return b"".join(parts)


def link_hash(previous: bytes, columns: Columns, key: AuditKey | None) -> bytes:
    """The 32 bytes that follow `previous` in a chain."""
    message = previous + serialise(columns)
    if key is None:
        return hashlib.sha256(message).digest()
    return hmac.digest(key.chain_secret, message, "sha256")


def genesis(month: date) -> bytes:
    """The 32 bytes that stand before the first link of a month."""
    return hashlib.sha256(b"agentforge audit chain 1 " + month.isoformat().encode()).digest()


def chain(connection: Connection, key: AuditKey | None = None, batch_rows: int = BATCH_ROWS) -> int:
    """Chain the rows that are not chained yet, each batch in a transaction of its own.

    Args:
        connection: as the owner of the schema, outside a transaction.
        key: encryption key; the first row whose values are not encrypted yet, and all after it, wait for the next time.
        batch_rows: how many at once.

    Returns:
        How many rows were chained.

    Raises:
        UsageError: the chain was made with another key.
    """
    queries = load("audit_chain")
    total = 0
    while True:
        with connection.transaction():
            connection.execute(queries["lock"])
            rows = connection.execute(queries["unchained"], {"batch_rows": batch_rows}).fetchall()
            if key is not None:
                rows = list(takewhile(lambda row: not row[3], rows))
            if rows:
                check_key(connection, key)
                _append(connection, rows, key)
        total += len(rows)
        if len(rows) < batch_rows:
            return total


def check_key(connection: Connection, key: AuditKey | None) -> None:
    """Refuse another key than the one with which the chain was made.

    Raises:
        UsageError: says what to do.
    """
    latest = connection.execute(load("audit_chain")["latest_key"]).fetchone()
    if latest is not None and latest[0] != (key.id if key else None):
        over = "go over to another one with `agentforge audit rotate-key --new-key-file FILE`."
        raise UsageError(
            f"The audit chain was made with {_named(latest[0])}, and {_named(key.id if key else None)} is given.",
            f"Give that key (--encryption-key-file FILE), or {over}" if latest[0] else f"Give none, or {over}",
        )


def _named(key_id: str | None) -> str:
    return f"the key {key_id}" if key_id else "no key"


def _append(
    connection: Connection, rows: Sequence[tuple[int, datetime, date, bool, Columns]], key: AuditKey | None
) -> None:
    queries = load("audit_chain")
    heads: dict[date, tuple[int, bytes]] = {}
    positions, hashes = [], []
    for _, _, month, _, columns in rows:
        if month not in heads:
            head = connection.execute(queries["head"], {"month": month}).fetchone()
            heads[month] = (head[0], head[1]) if head else (0, genesis(month))
        position, previous = heads[month]
        heads[month] = position + 1, link_hash(previous, columns, key)
        positions.append(position + 1)
        hashes.append(heads[month][1])
    connection.execute(
        queries["append"],
        {
            "months": [row[2] for row in rows],
            "positions": positions,
            "ids": [row[0] for row in rows],
            "times": [row[1] for row in rows],
            "hashes": hashes,
            "key_id": key.id if key else None,
        },
    )


def verify(
    connection: Connection, key: AuditKey | None = None, saved: Sequence[Head] = (), *, next_key: AuditKey | None = None
) -> tuple[Month, ...]:
    """Compute the whole chain again and compare, in one snapshot of the database.

    Args:
        connection: as the owner of the schema, outside a transaction.
        key: encryption key; None for none.
        saved: heads of an earlier time, which the chain must still hold.
        next_key: months may be chained with it, too: a rotation has begun.

    Returns:
        Every month with a chain or a problem, in order.
    """
    queries = load("audit_chain")
    keys = {key.id if key else None: key} | ({next_key.id: next_key} if next_key else {})
    with connection.transaction():
        connection.execute(queries["snapshot"])
        late = _by_month(connection, "chained_late", "was chained after rows that are younger by more than a day")
        never = _by_month(connection, "never_chained", "is not in the chain, though younger rows are")
        months = [month for (month,) in connection.execute(queries["months"]).fetchall()]
        found = {month: _verify_month(connection, month, keys) for month in months}
        for month in sorted({*late, *never} - found.keys()):
            found[month] = Month(Head(month, 0, "", None), None)
        for month, report in found.items():
            problem = report.problem or late.get(month) or never.get(month)
            found[month] = replace(report, problem=problem)
        for head in saved:
            found[head.month] = _compare(connection, head, found.get(head.month))
    return tuple(found[month] for month in sorted(found))


def _by_month(connection: Connection, query: str, what: str) -> dict[date, Problem]:
    problems = {}
    for month, *place, log_id in connection.execute(load("audit_chain")[query]).fetchall():
        text = f"Row {log_id} of audit_logs {what}: it was inserted afterwards."
        problems[month] = Problem("inserted", place[0] if place else None, log_id, text)
    return problems


def read_links(connection: Connection, month: date, batch_rows: int = BATCH_ROWS) -> Iterator[list[Link]]:
    """The chain of a month in batches. Call it inside a transaction."""
    with connection.cursor(name="links") as cursor:
        cursor.execute(load("audit_chain")["chained"], {"month": month})
        while rows := cursor.fetchmany(batch_rows):
            yield [Link(*row) for row in rows]


def _verify_month(connection: Connection, month: date, keys: Mapping[str | None, AuditKey | None]) -> Month:
    previous, position, key_id = genesis(month), 0, None
    problem: Problem | None = None
    for links in read_links(connection, month):
        for link in links:
            key_id = link.key_id if position == 0 else key_id
            problem = problem or check_link(connection, link, position, previous, key_id, keys)
            position, previous = link.position, link.hash
    return Month(Head(month, position, previous.hex(), key_id), problem)


def check_link(
    connection: Connection,
    link: Link,
    position: int,
    previous: bytes,
    key_id: str | None,
    keys: Mapping[str | None, AuditKey | None],
) -> Problem | None:
    """What is wrong with a link, given the position and the hash of the one before it and the key of the month."""
    if link.position != position + 1:
        text = f"The chain goes from position {position} to {link.position}: what was between them was removed."
        return Problem("removed", position + 1, None, text)
    if link.columns is None:
        found = connection.execute(load("audit_chain")["elsewhere"], {"log_id": link.log_id}).fetchone()
        written = f"Row {link.log_id} of audit_logs, written at {link.log_created_at.isoformat(' ')},"
        if found:
            return Problem("changed", link.position, link.log_id, f"{written} now says another time.")
        return Problem("removed", link.position, link.log_id, f"{written} was removed.")
    if link.key_id != key_id or key_id not in keys:
        given = " and ".join(map(_named, keys))
        text = f"Row {link.log_id} of audit_logs was chained with {_named(link.key_id)}, and {given} is given."
        return Problem("changed", link.position, link.log_id, text)
    if not hmac.compare_digest(link_hash(previous, link.columns, keys[key_id]), link.hash):
        text = f"Row {link.log_id} of audit_logs is not what was chained at position {link.position}: it was changed."
        return Problem("changed", link.position, link.log_id, text)
    return None


def _compare(connection: Connection, saved: Head, report: Month | None) -> Month:
    """The month with the problem that its chain is not the one of the saved head."""
    queries = load("audit_chain")
    report = report or Month(Head(saved.month, 0, "", None), None)
    if report.problem or saved.position == 0:
        return report
    place = {"month": saved.month, "position": saved.position}
    row = connection.execute(queries["at_position"], place).fetchone()
    if row is not None and row[0].hex() == saved.hash:
        return report
    if row is not None and row[1] != saved.key_id:
        text = "The chain was made anew with another key since the head was saved; compare with heads saved after that."
    elif row is not None:
        text = f"Position {saved.position} of the chain is not what it was when the head was saved: it was made anew."
    elif report.head.position:
        text = f"The chain ends at {report.head.position}; when the head was saved it went to {saved.position}."
    else:
        retained = connection.execute(queries["is_retained"], place).fetchone()
        if retained is not None and not retained[0]:
            return report
        text = "The month was there when the head was saved, and is not past its retention: it was removed."
    kind = "removed" if row is None else "replaced"
    return replace(report, problem=Problem(kind, saved.position, None, text))
