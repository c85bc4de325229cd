"""Bringing a database to the schema that this version of the tool wants."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from agentforge.errors import DatabaseError
from agentforge.store.queries import folder, load
from agentforge.store.retry import retrying
from agentforge.store.roles import prepare, standing

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
    """Apply what is missing, all of it or nothing, one session at a time, as agentforge_owner.

    Args:
        connection: as an operator, or as a role that may make roles and schema where they are not there yet.

    Returns:
        The names of the migrations that were applied now.

    Raises:
        DatabaseError: the database is newer than the tool, was migrated by a different text, or the role may not do it;
            or a migration failed, which the message names: nothing of any is left then.
    """
    import psycopg

    from agentforge.store.faults import described

    found = standing(connection)
    if found.schema and found.operator and not pending(connection):
        return ()
    prepare(connection)
    begun: list[str] = []
    try:
        return retrying(connection, lambda: _apply(connection, begun))
    except psycopg.Error as error:
        if not begun:
            raise
        raise described(error, f"the migration {begun[-1]} failed") from error


def _apply(connection: Connection, begun: list[str]) -> tuple[str, ...]:
    """Apply what is missing, inside a transaction; `begun` gets the name of each migration before it runs."""
    queries = load("migrations")
    connection.execute(load("roles")["migrate_as_owner"])
    connection.execute(queries["lock"])
    connection.execute(queries["prepare"])
    missing = pending(connection)
    for migration in missing:
        begun.append(migration.name)
        connection.execute(migration.sql)
        connection.execute(queries["record"], {"name": migration.name, "checksum": migration.checksum})
    return tuple(migration.name for migration in missing)


def script() -> str:
    """Everything that a database administrator runs instead of the tool, in psql or any other client."""
    queries, parts = load("migrations"), [folder().joinpath("setup.sql").read_text("utf-8")]
    parts.append("BEGIN;\nSET LOCAL ROLE agentforge_owner;\nSET LOCAL search_path = agentforge, pg_catalog;")
    parts.append(queries["prepare"].decode())
    for migration in migrations():
        parts += [f"-- {migration.name}", migration.sql.decode()]
        parts.append(queries["script_record"].decode().format(name=migration.name, checksum=migration.checksum))
    return "\n".join([*parts, "COMMIT;", ""])


def check_current(connection: Connection) -> None:
    """Refuse a schema that is older than the tool, for a role that may not migrate it.

    Raises:
        DatabaseError: it is older, newer, or was migrated by a different text.
    """
    missing = pending(connection)
    if missing:
        raise DatabaseError(
            f"The database is older than this agentforge: it lacks the migration {missing[-1].name}.",
            "Ask its owner to run `agentforge db migrate`.",
        )


def pending(connection: Connection) -> list[Migration]:
    """The migrations that the database lacks; it has the table of those that were applied.

    Raises:
        DatabaseError: the database is newer than the tool, or was migrated by a different text.
    """
    rows = connection.execute(load("migrations")["applied"]).fetchall()
    return missing_from({str(name): str(checksum) for name, checksum in rows})


def missing_from(applied: dict[str, str]) -> list[Migration]:
    """The migrations that are not among those applied, each with its checksum.

    Raises:
        DatabaseError: one of them is newer than the tool, or was made by a different text.
    """
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
