"""Old and new values of the audit trail, encrypted by this program: the server never has the key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from agentforge.errors import UsageError
from agentforge.store.audit_chain import BATCH_ROWS, Link, check_key, check_link, genesis, link_hash, read_links
from agentforge.store.audit_key import AuditKey, is_encrypted
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

_OLD, _NEW = 7, 8  # where the values stand among the columns of a link
Values = tuple[int, datetime, str | None, str | None]


def encrypt_pending(connection: Connection, key: AuditKey, batch_rows: int = BATCH_ROWS) -> int:
    """Encrypt the values of rows that are not chained yet, each batch in a transaction of its own.

    Args:
        connection: as the owner of the schema, outside a transaction.
        key: encryption key.
        batch_rows: how many at once.

    Returns:
        How many rows were encrypted.

    Raises:
        UsageError: the chain was made with another key, so that these rows could not be chained.
    """
    return _replace_all(connection, "plain", None, key, batch_rows)


def rotate(connection: Connection, old: AuditKey | None, new: AuditKey, batch_rows: int = BATCH_ROWS) -> Iterator[date]:
    """Encrypt everything with another key and chain it anew, each month in a transaction of its own.

    Whatever stops it, calling it again goes on with the months that are left. Verify the chain before: a month that is
    broken is not chained anew.

    Args:
        connection: as the owner of the schema, outside a transaction.
        old: key until now; None for none.
        new: key from now on.
        batch_rows: how many rows are in memory at once.

    Yields:
        Each month when it is done.

    Raises:
        UsageError: a row was changed since it was chained, or cannot be decrypted.
    """
    queries = load("audit_chain")
    for (month,) in connection.execute(queries["months"]).fetchall():
        with connection.transaction():
            connection.execute(queries["lock"])
            head = connection.execute(queries["head"], {"month": month}).fetchone()
            if head is None or head[2] == new.id:
                continue
            _rotate_month(connection, month, old, new, batch_rows)
        yield month
    if old is not None:
        _replace_all(connection, "unchained_of_key", old, new, batch_rows)


def decrypt(key: AuditKey, value: object, log_id: int, column: str) -> object:
    """The JSON value that stands encrypted in a column of audit_logs; a plain one is given back."""
    return json.loads(key.decrypt(value, log_id, column)) if isinstance(value, dict) and is_encrypted(value) else value


def _replace_all(connection: Connection, query: str, old: AuditKey | None, new: AuditKey, batch_rows: int) -> int:
    queries = load("audit_chain")
    total = 0
    while True:
        with connection.transaction():
            connection.execute(queries["lock"])
            parameters = {"batch_rows": batch_rows, "key_id": old.id if old else None}
            rows = connection.execute(queries[query], parameters).fetchall()
            if rows:
                check_key(connection, new)
                _store(connection, [_encrypted(row, old, new) for row in rows])
        total += len(rows)
        if len(rows) < batch_rows:
            return total


def _rotate_month(connection: Connection, month: date, old: AuditKey | None, new: AuditKey, batch_rows: int) -> None:
    queries = load("audit_chain")
    old_id = old.id if old else None
    position, previous, renewed = 0, genesis(month), genesis(month)
    for links in read_links(connection, month, batch_rows):
        for link in links:
            problem = check_link(connection, link, position, previous, old_id, {old_id: old})
            if problem or link.columns is None:
                raise UsageError(
                    f"{month:%Y-%m} cannot be chained anew. {problem.text if problem else ''}",
                    "Look into it with `agentforge audit verify`; months before it are done, the others untouched.",
                )
            position, previous = link.position, link.hash
        stored = _store(connection, [_encrypted(_values(link), old, new) for link in links])
        hashes = []
        for link in links:
            renewed = link_hash(renewed, _with_values(link, stored), new)
            hashes.append(renewed)
        positions = [link.position for link in links]
        parameters = {"month": month, "positions": positions, "hashes": hashes, "key_id": new.id}
        connection.execute(queries["replace_links"], parameters)


def _values(link: Link) -> Values:
    columns = link.columns or ()
    return link.log_id, link.log_created_at, columns[_OLD], columns[_NEW]


def _with_values(link: Link, stored: Mapping[tuple[int, datetime], tuple[str | None, str | None]]) -> list[str | None]:
    columns = list(link.columns or ())
    columns[_OLD], columns[_NEW] = stored[link.log_id, link.log_created_at]
    return columns


def _encrypted(row: Values, old: AuditKey | None, new: AuditKey) -> Values:
    log_id, created_at, before, after = row
    before, after = _renew(before, log_id, "old_values", old, new), _renew(after, log_id, "new_values", old, new)
    return log_id, created_at, before, after


def _renew(text: str | None, log_id: int, column: str, old: AuditKey | None, new: AuditKey) -> str | None:
    """A value under the new key."""
    if text is None:
        return None
    value = json.loads(text)
    if is_encrypted(value):
        if value["key"] == new.id:
            return text
        if old is None:
            raise UsageError(
                f"{column} of row {log_id} of audit_logs is encrypted.",
                "Name its key where the key until now is named.",
            )
        text = old.decrypt(value, log_id, column)
    return new.encrypt(text, log_id, column)


def _store(connection: Connection, rows: Sequence[Values]) -> dict[tuple[int, datetime], tuple[str | None, str | None]]:
    """Put values in place. Returns them, by id and time of their rows, in the text that the server makes of them."""
    cursor = connection.execute(
        load("audit_chain")["replace_values"],
        {
            "ids": [row[0] for row in rows],
            "times": [row[1] for row in rows],
            "old": [row[2] for row in rows],
            "new": [row[3] for row in rows],
        },
    )
    return {(log_id, created_at): (old, new) for log_id, created_at, old, new in cursor.fetchall()}
