"""Users and what they may do, changed by functions of the database that check who asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agentforge.errors import UsageError
from agentforge.store import passwords
from agentforge.store.lifecycle import one, storable
from agentforge.store.logins import insist, prove, refusal, refusals
from agentforge.store.queries import load
from agentforge.store.retry import retrying

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


@dataclass(frozen=True, slots=True)
class User:
    """A row of `users`; `can_log_in` says that he is active and has a password."""

    id: int
    username: str
    email: str | None
    role: str
    is_active: bool
    can_log_in: bool
    failed_logins: int
    created_at: datetime
    last_login: datetime | None
    sessions: int


@dataclass(frozen=True, slots=True)
class Permission:
    """What a user may do on a project: `read`, `write` or `admin`."""

    username: str
    role: str
    level: str
    granted_by: str | None
    granted_at: datetime


def add(
    connection: Connection,
    username: str,
    email: str | None,
    role: str,
    password: str,
    parameters: passwords.Parameters = passwords.RECOMMENDED,
) -> int:
    """Add a user and give his id. The caller must be an admin, as in all that follows.

    Raises:
        UsageError: the caller may not, the name is taken or no name, or the password is too easily guessed.
    """
    passwords.check_new(password, username)
    digest = passwords.digest(password, parameters)
    return int(_call(connection, "add", username=username, email=email, role=role, digest=digest))


def users(connection: Connection) -> tuple[User, ...]:
    """Everybody, for admins and auditors."""
    with refusals():
        return tuple(User(*row) for row in connection.execute(load("users")["users"]))


def set_active(connection: Connection, username: str, *, active: bool) -> None:
    """Enable or disable a user; disabling ends his sessions."""
    _call(connection, "set_active", username=username, active=active)


def set_role(connection: Connection, username: str, role: str) -> None:
    """Make a user an admin, developer, auditor or viewer, from the next statement on."""
    _call(connection, "set_role", username=username, role=role)


def set_password(
    connection: Connection,
    username: str,
    password: str,
    old_password: str | None,
    parameters: passwords.Parameters = passwords.RECOMMENDED,
    weakest: passwords.Parameters = passwords.WEAKEST,
) -> UsageError | None:
    """Set a password and end all other sessions of its user.

    Args:
        connection: presents the session of the user himself, or of an admin.
        username: whose password it is.
        password: the new one.
        old_password: of the user himself; None where an admin sets that of somebody else.
        parameters: what it shall cost to compute.
        weakest: the least that the server may ask to compute of the old one.

    Returns:
        An error where the old password is wrong; raised in a transaction, it would undo what was recorded of it.

    Raises:
        UsageError: the caller may not, or the new password is too easily guessed.
    """
    passwords.check_new(password, username)
    proof = None if old_password is None else prove(connection, username, old_password, weakest)
    given = {"username": storable(username), "digest": passwords.digest(password, parameters), "proof": proof}
    query = load("users")["set_password"]
    outcome, retry_after = insist(
        lambda: retrying(connection, lambda: connection.execute(query, given).fetchone() or ())
    )
    return refusal(outcome, retry_after)


def remove(connection: Connection, username: str) -> None:
    """Remove a user with his sessions and permissions; what he did stays in the audit trail."""
    _call(connection, "remove", username=username)


def grant(connection: Connection, username: str, level: str, project: str) -> None:
    """Give a user a level on a project, instead of what he had there.

    Args:
        connection: presents the session of an admin, or of an admin of the project.
        username: who gets it.
        level: `read`, `write` or `admin`.
        project: its key or name.

    Raises:
        UsageError: the caller may not, or there is no such user or project.
    """
    _call(connection, "grant", username=username, level=level, project=project)


def revoke(connection: Connection, username: str, project: str, level: str | None) -> str:
    """Take from a user what he has on a project, and give the level that it was.

    Args:
        connection: as for `grant`.
        username: who loses it.
        project: its key or name.
        level: which it has to be; None for any.
    """
    return str(_call(connection, "revoke", username=username, project=project, level=level))


def permissions(connection: Connection, project: str) -> tuple[Permission, ...]:
    """Who may do what on a project, besides admins and auditors."""
    with refusals():
        rows = connection.execute(load("users")["permissions"], {"project": storable(project)})
        return tuple(Permission(*row) for row in rows)


def _call(connection: Connection, query: str, **given: Any) -> Any:
    """The value of a query, tried again after a deadlock; texts without what PostgreSQL cannot hold."""
    parameters = {name: storable(value) if isinstance(value, str) else value for name, value in given.items()}
    with refusals():
        return retrying(connection, lambda: one(connection, load("users")[query], parameters))
