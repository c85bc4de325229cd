"""Bringing a database to the schema that this version of the tool wants."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from agentforge.errors import DatabaseError
from agentforge.store.queries import folder, load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file of sql/migrations; `checksum` is the SHA-256 of its text."""

    name: str
    sql: bytes
    checksum: str


@cache
def migrations() -> tuple[Migration, ...]:
    """All migrations in the order of their names."""
    files = sorted(folder().joinpath("migrations").iterdir(), key=lambda file: file.name)
    texts = [(file.name.removesuffix(".sql"), file.read_bytes()) for file in files if file.name.endswith(".sql")]
    return tuple(Migration(name, sql, hashlib.sha256(sql).hexdigest()) for name, sql in texts)


def migrate(connection: Connection) -> tuple[str, ...]:
    """Apply what is missing, all of it or nothing, one session at a time.

    Args:
        connection: as a role that may create the schema.

    Returns:
        The names of the migrations that were applied now.

    Raises:
        DatabaseError: the database is newer than the tool, or was migrated by a different text.
    """
    queries = load("migrations")
    with connection.transaction():
        connection.execute(queries["lock"])
        connection.execute(queries["prepare"])
        applied = {str(name): str(checksum) for name, checksum in connection.execute(queries["applied"]).fetchall()}
        pending = _pending(applied)
        for migration in pending:
            connection.execute(migration.sql)
            connection.execute(queries["record"], {"name": migration.name, "checksum": migration.checksum})
    return tuple(migration.name for migration in pending)


def _pending(applied: dict[str, str]) -> list[Migration]:
    known = {migration.name: migration for migration in migrations()}
    newer = sorted(set(applied) - set(known))
    if newer:
        raise DatabaseError(
            f"The database is newer than this agentforge: it has the migration {newer[-1]}.", "Upgrade agentforge."
        )
    for name, checksum in applied.items():
        if known[name].checksum != checksum:
            raise DatabaseError(
                f"The migration {name} was applied to the database with another text than this agentforge carries.",
                "Use the version of agentforge that migrated the database.",
            )
    return [migration for name, migration in known.items() if name not in applied]
