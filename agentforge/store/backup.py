"""Saving the schema to a file and bringing it back, by PostgreSQL's own programs."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from agentforge.errors import DatabaseError, UsageError
from agentforge.store.embedded.binaries import find_binaries
from agentforge.store.queries import load
from agentforge.store.roles import prepare

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

_SCHEMA_ENTRY = " SCHEMA - agentforge "


def backup(connection: Connection, file: Path) -> int:
    """Write the schema `agentforge` with all its rows to a file of pg_dump's custom format.

    Args:
        connection: to the database; a role that may read everything.
        file: replaced when the dump is whole, and not before.

    Returns:
        Its size in bytes.

    Raises:
        UsageError: the folder of the file cannot be written to.
        DatabaseError: pg_dump failed; says why.
    """
    try:
        handle, work = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)  # mode 0600: it holds source code
        os.close(handle)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.", "Choose another folder.") from None
    try:
        arguments = ["--format=custom", "--schema=agentforge", "--no-owner", f"--file={work}"]
        _run(connection, "pg_dump", arguments)
        Path(work).replace(file)
    finally:
        Path(work).unlink(missing_ok=True)
    return file.stat().st_size


def restore(connection: Connection, file: Path) -> None:
    """Bring a backup into a database without the schema, all of it or nothing.

    Args:
        connection: to the database; a role that may create schemas and extensions.
        file: written by `backup`.

    Raises:
        UsageError: there is no such file, or the database has tables of ours already.
        DatabaseError: pg_restore failed; says why. Nothing of the backup is left then.
    """
    if not file.is_file():
        raise UsageError(f"{file} does not exist.", "Name a file that `agentforge db backup` wrote.")
    queries = load("backup")
    found = connection.execute(queries["tables"]).fetchone()
    if found and found[0]:
        raise UsageError(
            "The database holds the schema agentforge already.",
            "Restore into an empty database, or drop the schema first.",
        )
    listed = _run(connection, "pg_restore", ["--list", str(file)])
    entries = [line for line in listed.splitlines() if _SCHEMA_ENTRY not in line]
    prepare(connection)
    with tempfile.NamedTemporaryFile("w", suffix=".list") as wanted:
        wanted.write("\n".join(entries) + "\n")
        wanted.flush()
        options = ["--single-transaction", "--exit-on-error", "--no-owner"]
        # The owner is bound by policies, too, which let it see everything.
        options += ["--role=agentforge_owner", "--enable-row-security"]
        database = f"--dbname={connection.info.dbname}"
        _run(connection, "pg_restore", [*options, f"--use-list={wanted.name}", database, str(file)])


def _run(connection: Connection, program: str, arguments: list[str]) -> str:
    """Run a program of PostgreSQL against the connection's database.

    The password goes through the environment of the program, which other accounts cannot read.
    """
    info = connection.info
    environment = {
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "PGHOST": info.host,
        "PGPORT": str(info.port),
        "PGUSER": info.user,
        "PGDATABASE": info.dbname,
        "PGPASSWORD": info.password,
        "PGSSLMODE": info.get_parameters().get("sslmode", "prefer"),
    }
    path = find_binaries(None).program(program)
    try:
        done = subprocess.run([path, *arguments], capture_output=True, text=True, env=environment, check=False)
    except OSError as error:
        raise DatabaseError(
            f"{program} cannot be run: {error.strerror}.", "Install PostgreSQL's client programs."
        ) from None
    if done.returncode:
        reasons = [line for line in done.stderr.strip().splitlines() if line]
        raise DatabaseError(
            f"{program} failed: {reasons[0] if reasons else 'it gave no reason'}", "Nothing was half-written."
        )
    return done.stdout
