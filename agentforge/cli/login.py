"""`agentforge login|logout|whoami|sessions`: the session of whoever works."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import agentforge
from agentforge.cli import credentials, prompt
from agentforge.cli.database import open_database
from agentforge.cli.output import cell, print_json, print_table, say
from agentforge.errors import EXIT_CLEAN, DatabaseError, UsageError
from agentforge.store import logins
from agentforge.store.connection import DatabaseSettings
from agentforge.store.requests import Request

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

USER_AGENT = f"agentforge {agentforge.__version__}"
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_LIFETIME = re.compile(r"(\d{1,5})([mhd])")


def run_login(
    settings: DatabaseSettings,
    username: str | None,
    password_fd: int | None,
    lifetime: str | None,
    *,
    print_token: bool,
    as_json: bool,
) -> int:
    """Begin a session, and keep its token, or print it."""
    if settings.embedded:
        raise UsageError(
            "The embedded database has one user, local, and asks for no login.",
            "Name a shared database by --database-url or AGENTFORGE_DATABASE_URL.",
        )
    length = parse_lifetime(lifetime) if lifetime else logins.DEFAULT_LIFETIME
    name = (username or prompt.read_name("User")).lower()
    password = prompt.read_password(password_fd, f"Password of {name}")
    request = Request("login")
    with open_database(settings, say, request, needs_user=False, needs_session=False) as connection:
        login = logins.log_in(connection, name, password, length, USER_AGENT)
        if isinstance(login, UsageError):
            request.status = login.exit_code
    if isinstance(login, UsageError):
        raise login
    if not print_token:
        credentials.save(settings, login.token, login.expires_at)
        if os.environ.get(credentials.VARIABLE):
            say(f"The variable {credentials.VARIABLE} is set, and goes before this login.")
    token = {"token": login.token} if print_token else {}
    if as_json:
        print_json({"username": login.username, "expires_at": login.expires_at, **token})
    elif print_token:
        sys.stdout.write(f"{login.token}\n")
    else:
        say(f"Logged in as {login.username} until {cell(login.expires_at)}.")
    return EXIT_CLEAN


def run_logout(settings: DatabaseSettings, *, everywhere: bool, as_json: bool) -> int:
    """End the session, and forget its token."""
    held = "" if settings.embedded else credentials.token(settings)
    ended = 0
    if held:
        with open_database(settings, say, Request("logout"), needs_user=False, needs_session=False) as connection:
            ended = logins.log_out(connection, everywhere=everywhere, user_agent=USER_AGENT)
        if os.environ.get(credentials.VARIABLE):
            say(f"The variable {credentials.VARIABLE} is still set.")
        else:
            credentials.forget(settings)
    if as_json:
        print_json({"ended": ended})
    elif not ended:
        say("Your session had ended already." if held else "You were not logged in.")
    else:
        say("Logged out." if ended == 1 else f"Ended {ended} sessions.")
    return EXIT_CLEAN


def run_whoami(settings: DatabaseSettings, *, as_json: bool) -> int:
    """Show who the database takes the caller for."""
    with open_database(settings, say, Request("whoami"), needs_session=False) as connection:
        identity = who(connection)
    if as_json:
        print_json(dataclasses.asdict(identity))
        return EXIT_CLEAN
    until = "no login needed" if identity.expires_at is None else f"until {cell(identity.expires_at)}"
    sys.stdout.write(f"{identity.username} ({identity.role}), {until}\n")
    return EXIT_CLEAN


def run_sessions(settings: DatabaseSettings, *, as_json: bool) -> int:
    """List the caller's sessions; for admins and auditors, everybody's."""
    with open_database(settings, say, Request("sessions"), needs_session=False) as connection:
        found = logins.sessions(connection)
    if as_json:
        print_json({"sessions": [dataclasses.asdict(session) for session in found]})
    else:
        print_table(
            ("id", "user", "since", "until", "from", "program", "this one"),
            (
                (row.id, row.username, row.created_at, row.expires_at, row.ip_address, row.user_agent, row.is_current)
                for row in found
            ),
        )
    return EXIT_CLEAN


def run_revoke_session(settings: DatabaseSettings, session_id: int, *, as_json: bool) -> int:
    """End one session by its number."""
    with open_database(settings, say, Request("sessions revoke"), needs_session=False) as connection:
        logins.revoke_session(connection, session_id)
    if as_json:
        print_json({"revoked": session_id})
    else:
        say(f"Session {session_id} has ended.")
    return EXIT_CLEAN


def who(connection: Connection) -> logins.Identity:
    """Who works, where that is certain already."""
    identity = logins.whoami(connection)
    if identity is None:
        raise DatabaseError("The database does not know you.", "Run `agentforge login`.")
    return identity


def parse_lifetime(text: str) -> timedelta:
    """A length of time such as `90m`, `12h` or `30d`.

    Raises:
        UsageError: it is none, or not from a minute to 30 days.
    """
    match = _LIFETIME.fullmatch(text.strip().lower())
    length = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta(0)
    if not timedelta(minutes=1) <= length <= logins.LONGEST_LIFETIME:
        raise UsageError(f"{text} is no lifetime of a session.", "Write 90m, 12h or 7d, and at most 30d.")
    return length
