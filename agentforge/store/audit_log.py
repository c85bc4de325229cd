"""Reading the audit trail."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agentforge.errors import UsageError
from agentforge.store.audit_encryption import decrypt
from agentforge.store.audit_key import AuditKey, is_encrypted
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

ENCRYPTED = "[encrypted]"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are wanted; None for any.

    Attributes:
        user: name of a user, or of a role of the database.
        project: name or key of a project.
        resource: name of a table.
        resource_id: id of a row of it.
        action: `INSERT`, `UPDATE`, `DELETE`, `TRUNCATE` or another that stands in the trail.
        since: the earliest.
        until: the first that is too late.
        limit: how many at most.
    """

    user: str | None = None
    project: str | None = None
    resource: str | None = None
    resource_id: int | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the trail.

    Attributes:
        user: name of the user; None where he is gone, or the caller may not see him, or there was none.
        resource: table that was written to.
        project: its name; None where it is gone, or may not be seen, or there was none.
        row_count: rows that the statement wrote; None where they were not counted.
        old_values: of the changed columns, by name; `[encrypted]` where the key is not at hand.
        new_values: likewise.
        ip_address: of the client; None for a connection on the same machine by socket.
    """

    id: int
    created_at: datetime
    user: str | None
    user_id: int | None
    database_user: str
    action: str
    resource: str
    resource_id: int | None
    project: str | None
    project_id: int | None
    row_count: int | None
    old_values: Any
    new_values: Any
    request_id: uuid.UUID | None
    ip_address: str | None
    user_agent: str | None


def entries(connection: Connection, wanted: Filter, key: AuditKey | None = None) -> Iterator[Entry]:
    """The entries that the caller may see, newest first, decrypted as far as the key allows."""
    for row in connection.execute(load("audit_log")["entries"], dataclasses.asdict(wanted)):
        entry = Entry(*row)
        yield dataclasses.replace(
            entry,
            old_values=_readable(key, entry.old_values, entry.id, "old_values"),
            new_values=_readable(key, entry.new_values, entry.id, "new_values"),
        )


def _readable(key: AuditKey | None, value: Any, log_id: int, column: str) -> Any:
    if not is_encrypted(value):
        return value
    if key is None or key.id != value["key"]:
        return ENCRYPTED
    try:
        return decrypt(key, value, log_id, column)
    except UsageError:
        return ENCRYPTED  # damaged, and it is for `verify` to say so
