"""Logging in and out: a password is exchanged for a session, which a token presents from then on."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from agentforge.errors import UsageError
from agentforge.store import passwords
from agentforge.store.lifecycle import storable
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

DEFAULT_LIFETIME = timedelta(hours=12)
LONGEST_LIFETIME = timedelta(days=30)
_TOKEN_BYTES = 32
_BUSY_PAUSES = (0.1, 0.2, 0.4, 0.8)  # seconds


@dataclass(frozen=True, slots=True)
class Login:
    """A session that has begun; nobody but the client knows its token."""

    username: str
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the database takes the caller for; the local user has no session."""

    user_id: int
    username: str
    email: str | None
    role: str
    session_id: int | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has not ended."""

    id: int
    username: str
    created_at: datetime
    expires_at: datetime
    ip_address: str | None
    user_agent: str | None
    is_current: bool


def log_in(
    connection: Connection,
    username: str,
    password: str,
    lifetime: timedelta,
    user_agent: str,
    weakest: passwords.Parameters = passwords.WEAKEST,
) -> Login | UsageError:
    """Begin a session. An error is returned and not raised: in a transaction, that would undo what was recorded of it.

    Args:
        connection: as the application; whose token it presents does not matter.
        username: of whoever logs in.
        password: of his.
        lifetime: of the session, from a minute to 30 days.
        user_agent: name and version of the program, for the list of sessions.
        weakest: the least that a server may ask to compute.

    Returns:
        The session, or an error: name or password are wrong, or there were too many wrong ones.
    """
    queries = load("users")
    proof = prove(connection, username, password, weakest)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    parameters = {
        "username": storable(username),
        "proof": proof,
        "token_digest": hashlib.sha256(token.encode()).digest(),
        "lifetime": lifetime,
        "user_agent": user_agent,
    }

    def attempt() -> tuple[str, int, datetime]:
        outcome, _, expires_at, retry_after = _row(connection, queries["login"], parameters)
        return outcome, retry_after, expires_at

    answer = insist(attempt)
    return refusal(answer[0], answer[1]) or Login(username, token, answer[2])


def prove(connection: Connection, username: str, password: str, weakest: passwords.Parameters) -> bytes:
    """Compute what shows that the password of a user is known."""
    (challenge,) = _row(connection, load("users")["challenge"], {"username": storable(username)})
    return passwords.proof(password, challenge, weakest)


def insist(attempt: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...]:
    """The server's answer to a guess at a password, asked again while another guess at the same one is under way.

    Args:
        attempt: asks the server; its answer begins with the outcome.
    """
    with refusals():
        answer = attempt()
        for pause in _BUSY_PAUSES:
            if answer[0] != "busy":
                break
            time.sleep(pause)
            answer = attempt()
    return answer


def refusal(outcome: str, retry_after_seconds: int) -> UsageError | None:
    """The error for an outcome of the server; None where the password was right."""
    if outcome == "ok":
        return None
    if outcome == "throttled":
        return UsageError(
            "There were too many failed logins.",
            f"Try again in {retry_after_seconds} seconds, or ask an admin for a new password.",
        )
    if outcome == "busy":
        return UsageError("Somebody else is trying to log in as this user.", "Try again in a moment.")
    return UsageError("User name or password are wrong.")


def log_out(connection: Connection, *, everywhere: bool, user_agent: str) -> int:
    """End the session that the connection presents, or all of its user's; how many ended."""
    parameters = {"everywhere": everywhere, "user_agent": user_agent}
    return int(_row(connection, load("users")["logout"], parameters)[0])


def whoami(connection: Connection) -> Identity | None:
    """Who the database takes the caller for; None for nobody."""
    row = connection.execute(load("users")["whoami"]).fetchone()
    return Identity(*row) if row else None


def sessions(connection: Connection) -> tuple[Session, ...]:
    """The caller's sessions; for admins and auditors, everybody's."""
    with refusals():
        return tuple(Session(*row) for row in connection.execute(load("users")["sessions"]))


def revoke_session(connection: Connection, session_id: int) -> None:
    """End a session of one's own, or as an admin anybody's.

    Raises:
        UsageError: there is none of this number.
    """
    with refusals():
        connection.execute(load("users")["revoke_session"], {"id": session_id})


@contextmanager
def refusals() -> Iterator[None]:
    """What the database's own functions refuse, as they word it.

    Raises:
        UsageError: they refused.
    """
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        if error.diag.source_function != "exec_stmt_raise":
            raise
        raise UsageError(error.diag.message_primary or "", error.diag.message_hint or "") from error


def _row(connection: Connection, query: bytes, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    row = connection.execute(query, parameters).fetchone()
    return row if row is not None else ()
