"""Saving the schema to a file and bringing it back, by PostgreSQL's own programs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agentforge.errors import DatabaseError, UsageError
from agentforge.store.migrate import missing_from
from agentforge.store.programs import run_program
from agentforge.store.queries import load
from agentforge.store.roles import prepare

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

LOCK_WAIT_SECONDS = 60.0
_SCHEMA_ENTRY = " SCHEMA - agentforge "
_MIGRATIONS_ENTRY = " TABLE DATA agentforge schema_migrations "
_AS_OWNER = ["--role=agentforge_owner", "--enable-row-security"]


def backup(connection: Connection, file: Path, lock_wait_seconds: float = LOCK_WAIT_SECONDS) -> int:
    """Write the schema `agentforge` with all its rows, privileges and policies to a file of pg_dump's custom format.

    Args:
        connection: to the database, of an operator.
        file: replaced when the dump is whole, and not before.
        lock_wait_seconds: how long to wait for somebody who is changing a table.

    Returns:
        Its size in bytes.

    Raises:
        UsageError: the folder of the file cannot be written to.
        DatabaseError: pg_dump failed, or would leave rows out; says why.
    """
    arguments = ["--format=custom", "--schema=agentforge", "--no-owner"]
    arguments += [f"--lock-wait-timeout={lock_wait_seconds * 1000:.0f}"]
    if not _answer(connection, "sees_all"):
        hidden = [table for (table,) in connection.execute(load("backup")["hidden"])]
        if hidden:
            raise DatabaseError(
                f"A backup would lack rows: policies hide rows of {', '.join(hidden)} from agentforge_owner.",
                "Run `agentforge db doctor`, or make the backup as a superuser.",
            )
        arguments += _AS_OWNER
    try:
        handle, work = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)  # mode 0600: it holds source code
        os.close(handle)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.", "Choose another folder.") from None
    try:
        run_program(connection, "pg_dump", [*arguments, f"--file={work}"])
        Path(work).replace(file)
    except OSError as error:  # a folder has that name
        raise UsageError(f"{file} cannot be written: {error.strerror}.", "Choose another name.") from None
    finally:
        Path(work).unlink(missing_ok=True)
    return file.stat().st_size


def restore(connection: Connection, file: Path) -> None:
    """Bring a backup into a database without the schema, all of it or nothing.

    Args:
        connection: to the database; a role that may make roles, schema and extension where they are not there.
        file: written by `backup`; read as a whole before the database is touched.

    Raises:
        UsageError: there is no such file, it is no whole backup, or the database has tables of ours already.
        DatabaseError: the backup is of a newer agentforge, or pg_restore failed; says why. Nothing of it is left then.
    """
    if not file.is_file():
        raise UsageError(f"{file} does not exist.", "Name a file that `agentforge db backup` wrote.")
    _refuse_existing(connection)
    entries = _check(connection, file)
    had_schema = _answer(connection, "has_schema")
    prepare(connection)
    queries = load("backup")
    with _no_migration(connection):
        _refuse_existing(connection)
        try:
            _load(connection, file, entries)
        except (Exception, KeyboardInterrupt):
            if not had_schema:
                connection.execute(queries["remove"])
            raise
    with connection.transaction():
        connection.execute(queries["become_owner"])
        connection.execute(queries["default_privileges"])
        connection.execute(queries["compress"])
        for (statement,) in connection.execute(queries["analyze"]).fetchall():
            connection.execute(statement.encode())  # names quoted by the server's own format()


def _check(connection: Connection, file: Path) -> list[str]:
    """Read the whole file; gives its table of contents without the schema itself, which is there when it is used."""
    entries = run_program(connection, "pg_restore", ["--list", str(file)]).splitlines()
    if not any(_MIGRATIONS_ENTRY in entry for entry in entries):
        raise UsageError(
            f"{file} is a dump of something else than agentforge.", "Name a file that `agentforge db backup` wrote."
        )
    run_program(connection, "pg_restore", [f"--file={os.devnull}", str(file)])
    only = ["--data-only", "--schema=agentforge", "--table=schema_migrations", "--file=-"]
    applied = [line.split("\t") for line in run_program(connection, "pg_restore", [*only, str(file)]).splitlines()]
    missing_from({fields[0]: fields[1] for fields in applied if len(fields) == 3})
    return [entry for entry in entries if _SCHEMA_ENTRY not in entry]


def _load(connection: Connection, file: Path, entries: list[str]) -> None:
    from psycopg.conninfo import make_conninfo

    options = ["--single-transaction", "--exit-on-error", "--no-owner", *_AS_OWNER]
    with tempfile.NamedTemporaryFile("w", suffix=".list") as wanted:
        wanted.write("\n".join(entries) + "\n")
        wanted.flush()
        database = "--dbname=" + make_conninfo(
            "", dbname=connection.info.dbname
        )  # a name alone might be taken for a URL
        run_program(connection, "pg_restore", [*options, f"--use-list={wanted.name}", database, str(file)])


@contextmanager
def _no_migration(connection: Connection) -> Iterator[None]:
    """Hold other sessions back from making the schema meanwhile."""
    queries = load("backup")
    connection.execute(queries["hold_migrations"])
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(queries["release_migrations"])


def _refuse_existing(connection: Connection) -> None:
    if _answer(connection, "tables"):
        raise UsageError(
            "The database holds the schema agentforge already.",
            "Restore into an empty database, or drop the schema first.",
        )


def _answer(connection: Connection, query: str) -> bool:
    row = connection.execute(load("backup")[query]).fetchone()
    return bool(row and row[0])
