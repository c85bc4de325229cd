"""`agentforge user ...`, `grant`, `revoke`, `permissions`: who there is, and what each may do."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping

from agentforge.cli import prompt
from agentforge.cli.database import open_database
from agentforge.cli.login import who
from agentforge.cli.output import print_json, print_table, say
from agentforge.errors import EXIT_CLEAN, UsageError
from agentforge.report.text import showable
from agentforge.store import passwords, users
from agentforge.store.connection import DatabaseSettings
from agentforge.store.requests import Request


def run_add(
    settings: DatabaseSettings, username: str, email: str | None, role: str, password_fd: int | None, *, as_json: bool
) -> int:
    """Add a user with a password."""
    username = username.lower()
    password = prompt.read_new_password(password_fd, f"Password for {username}")
    passwords.check_new(password, username)
    with open_database(settings, say, Request("user add"), needs_session=False) as connection:
        user_id = users.add(connection, username, email, role, password)
    return _done({"id": user_id, "username": username, "role": role}, f"Added {username}, {role}.", as_json=as_json)


def run_list(settings: DatabaseSettings, *, as_json: bool) -> int:
    """List the users."""
    with open_database(settings, say, Request("user list"), needs_session=False) as connection:
        found = users.users(connection)
    if as_json:
        print_json({"users": [dataclasses.asdict(user) for user in found]})
    else:
        print_table(
            ("user", "role", "active", "may log in", "last login", "failed logins", "sessions", "e-mail"),
            map(_user_row, found),
        )
    return EXIT_CLEAN


def run_set_active(settings: DatabaseSettings, username: str, *, active: bool, as_json: bool) -> int:
    """Enable or disable a user."""
    username = username.lower()
    request = Request("user enable" if active else "user disable")
    with open_database(settings, say, request, needs_session=False) as connection:
        users.set_active(connection, username, active=active)
    done = f"{username} may log in again." if active else f"Disabled {username} and ended all sessions of that user."
    return _done({"username": username, "active": active}, done, as_json=as_json)


def run_set_role(settings: DatabaseSettings, username: str, role: str, *, as_json: bool) -> int:
    """Give a user another role."""
    username = username.lower()
    with open_database(settings, say, Request("user role"), needs_session=False) as connection:
        users.set_role(connection, username, role)
    return _done({"username": username, "role": role}, f"{username}: {role}.", as_json=as_json)


def run_passwd(
    settings: DatabaseSettings,
    username: str | None,
    password_fd: int | None,
    old_password_fd: int | None,
    *,
    as_json: bool,
) -> int:
    """Set the caller's own password, or as an admin that of somebody else."""
    # Asked for while no connection is held: people think about passwords.
    with open_database(settings, say, needs_session=False) as connection:
        me = who(connection)
    name = (username or me.username).lower()
    if name == me.username and me.session_id is None:
        raise UsageError(
            f"The user {name} is whoever owns the database, and has no password.",
            "Name a user: agentforge user passwd NAME",
        )
    own = name == me.username
    old = prompt.read_password(old_password_fd, "Old password", "--old-password-fd") if own else None
    new = prompt.read_new_password(password_fd, f"New password for {name}")
    passwords.check_new(new, name)
    request = Request("user passwd")
    with open_database(settings, say, request, needs_session=False) as connection:
        refused = users.set_password(connection, name, new, old)
        if refused:
            request.status = refused.exit_code
    if refused:
        raise refused if refused.hint else UsageError("The old password is wrong.")
    others = "Your other sessions have" if own else "All sessions of that user have"
    return _done({"username": name}, f"The password of {name} is changed. {others} ended.", as_json=as_json)


def run_remove(settings: DatabaseSettings, username: str, *, yes: bool, as_json: bool) -> int:
    """Remove a user, after asking."""
    username = username.lower()
    if not yes and not prompt.confirm(f"Remove {username} with all sessions and permissions?"):
        say("Nothing was removed.")
        return EXIT_CLEAN
    with open_database(settings, say, Request("user remove"), needs_session=False) as connection:
        users.remove(connection, username)
    return _done({"username": username}, f"Removed {username}.", as_json=as_json)


def run_grant(settings: DatabaseSettings, username: str, level: str, project: str, *, as_json: bool) -> int:
    """Give a user a level on a project."""
    username = username.lower()
    with open_database(settings, say, Request("grant"), needs_session=False) as connection:
        users.grant(connection, username, level, project)
    done = {"username": username, "level": level, "project": project}
    return _done(done, f"{username}: {level} on {project}.", as_json=as_json)


def run_revoke(settings: DatabaseSettings, username: str, level: str | None, project: str, *, as_json: bool) -> int:
    """Take from a user what he has on a project."""
    username = username.lower()
    with open_database(settings, say, Request("revoke"), needs_session=False) as connection:
        had = users.revoke(connection, username, project, level)
    done = {"username": username, "level": had, "project": project}
    return _done(done, f"{username} no longer has {had} on {project}.", as_json=as_json)


def run_permissions(settings: DatabaseSettings, project: str, *, as_json: bool) -> int:
    """List who may do what on a project."""
    with open_database(settings, say, Request("permissions"), needs_session=False) as connection:
        found = users.permissions(connection, project)
    if as_json:
        print_json({"project": project, "permissions": [dataclasses.asdict(row) for row in found]})
    else:
        print_table(
            ("user", "role", "level", "granted by", "on"),
            ((row.username, row.role, row.level, row.granted_by, row.granted_at) for row in found),
        )
    return EXIT_CLEAN


def _user_row(row: users.User) -> tuple[object, ...]:
    standing = row.username, row.role, row.is_active, row.can_log_in
    return *standing, row.last_login, row.failed_logins, row.sessions, row.email


def _done(members: Mapping[str, object], text: str, *, as_json: bool) -> int:
    if as_json:
        print_json(members)
    else:
        sys.stdout.write(f"{showable(text)}\n")
    return EXIT_CLEAN
