"""Errors of the database driver, as sentences that say what to do."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from agentforge.errors import DatabaseError

# What the driver logs of a lost connection, we say; without a handler Python would write it to stderr, too.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

# What to do, by SQLSTATE or the beginning of one (https://www.postgresql.org/docs/18/errcodes-appendix.html).
BY_STATE = {
    "28": "Check the user name and the password, and pg_hba.conf on the server.",
    "3D000": "Create the database with `createdb`, or name one that exists.",
    "53100": "The server's disk is full: free some space, then run again; nothing was half-written.",
    "53200": "The server has run out of memory: run again later, or lower work_mem.",
    "53300": "The server has no connection left: end other programs, or raise max_connections.",
    "25006": "The server accepts no writes: it is a standby or set to read-only; name the primary.",
    "42501": "Ask the database's owner for the privilege, or connect as another user.",
    "0A000": "The server lacks something that agentforge needs: PostgreSQL 17 or later with pgvector 0.7 or later.",
    "58P01": "A file of an extension is missing on the server: install pgvector for this version of PostgreSQL.",
    "57P": "The server was stopped or ended the connection: run again when it is back; nothing was half-written.",
    "08": "The connection was lost: run again when the server is back; nothing was half-written.",
    "40": "Another session changed the same rows: run again.",
    "55P03": "Another session holds a lock: run again when it has finished.",
    "57014": "The server gave up after its statement_timeout, or somebody cancelled the statement: run again.",
    "XX": "The server reports damaged data: look at its log before anything else.",
}

# A refused connection carries no SQLSTATE, only text: the server's or libpq's.
BY_TEXT = (
    (r"password authentication failed|no password supplied|authentication failed|pg_hba\.conf", BY_STATE["28"]),
    (r'database ".*" does not exist', BY_STATE["3D000"]),
    (r'role ".*" does not exist', BY_STATE["28"]),
    (r"too many clients|too many connections|connection slots", BY_STATE["53300"]),
    (r"No space left on device", BY_STATE["53100"]),
    (
        r"starting up|shutting down|recovery mode|not yet accepting",
        "The server is starting or stopping: run again in a moment.",
    ),
    (r"server closed the connection|terminating connection|connection is closed|consuming input|EOF", BY_STATE["57P"]),
    (r"resolve|translate host name|Name or service", "Check the host name in the database URL."),
    (r"timeout|timed out", "Check the host and port in the database URL, and that no firewall is between."),
    (r"SSL|certificate", "Check sslmode and the certificates in the database URL."),
    (
        r"Connection refused|No such file|No route|unreachable",
        "Check that the server runs and that host and port are right; "
        "or leave the database URL out to use the embedded database.",
    ),
)
DEFAULT_HINT = "Check the database URL and the server's log."
MALFORMED_HINT = (
    "Write it as postgresql://user:password@host:5432/name, with @ : / ? # % in the password percent-encoded "
    "(%40 %3A %2F %3F %23 %25), or keep the password in ~/.pgpass."
)
HIDDEN = "***"
HOST = re.compile(r"[A-Za-z0-9_.:%-]*")


def parse_url(url: str) -> dict[str, Any]:
    """The parameters in a connection URL or string.

    A password whose special characters were not encoded is cut apart by the parser, so that a piece of it becomes the
    host, which messages show; such a URL is refused here without a word of it.

    Raises:
        DatabaseError: it cannot be parsed; the message holds nothing of it.
    """
    try:
        parameters = conninfo_to_dict(url)
    except psycopg.Error:
        parameters = None
    if parameters is None or not _plausible(url, parameters):
        raise DatabaseError("the database URL cannot be understood.", MALFORMED_HINT)
    return parameters


def _plausible(url: str, parameters: dict[str, Any]) -> bool:
    hosts = str(parameters.get("host") or "").split(",")
    ports = str(parameters.get("port") or "").split(",")
    if not all(host.startswith(("/", "@")) or HOST.fullmatch(host) for host in hosts):
        return False
    if not all(port.isdigit() or not port for port in ports):
        return False
    _, sign, rest = url.partition("://")[2].partition("@")
    cut = sign and ("user" not in parameters or "@" in rest.split("?", 1)[0])
    return not cut and not any(host.startswith("@") and "://" in url for host in hosts)


@contextmanager
def wrap_errors(secret: str = "") -> Iterator[None]:  # nosec B107 - no secret to hide
    """Turn errors of psycopg that leave the block into `DatabaseError`, with a hint for each kind.

    Args:
        secret: text that must not be shown, wherever a message holds it; empty for none.

    Raises:
        DatabaseError: instead of `psycopg.Error`; other errors pass as they are.
    """
    try:
        yield
    except psycopg.Error as error:
        told = described(error, "the database reports", secret)
        raise told from (error if not secret or secret not in str(error) else None)


def described(error: psycopg.Error, what: str, secret: str = "") -> DatabaseError:  # nosec B107
    """An error of psycopg as a sentence with a hint.

    Args:
        error: of the driver or the server.
        what: failed; the beginning of the sentence.
        secret: text that must not be shown; empty for none.
    """
    message = _first_line(error)
    shown = message.replace(secret, HIDDEN) if secret else message
    notes = getattr(error, "__notes__", [])
    return DatabaseError(f"{what}: {shown}", "\n".join([hint_for(error.sqlstate, message), *notes]))


def hint_for(state: str | None, message: str) -> str:
    """What to do about an error.

    Args:
        state: SQLSTATE, None when the connection was refused.
        message: what the server or libpq said.
    """
    for length in (5, 3, 2):
        if state and state[:length] in BY_STATE:
            return BY_STATE[state[:length]]
    for pattern, hint in BY_TEXT:
        if not state and re.search(pattern, message, re.IGNORECASE):
            return hint
    return DEFAULT_HINT if not state else "Run again with --debug for details; the transaction was rolled back."


def _first_line(error: psycopg.Error) -> str:
    """The message without `DETAIL`, `CONTEXT` and the driver's advice, which may quote data."""
    primary = error.diag.message_primary
    lines = [line.strip() for line in str(primary or error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    if primary is None and len(lines) > 1 and re.search(r"failed: *$|connection is bad: *$", lines[0]):
        return f"{lines[0]} {lines[1]}"
    return lines[0]
