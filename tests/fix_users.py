"""A database with users in it, and ways to be one of them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from agentforge.errors import UsageError
from agentforge.store import logins, passwords, users

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

PASSWORD = "correct horse battery"
CHEAP = passwords.Parameters(8, 1, 1)


class People:
    """The users of one database that a module's tests share, each with names of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def administer(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Run a statement as the superuser of the server, whom nothing binds."""
        with psycopg.connect(self.url, autocommit=True, options="-c search_path=agentforge") as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def attacker(self, token: str = "") -> Iterator[Connection]:
        """A session of agentforge_app, which is nobody, or whose token it presents."""
        with psycopg.connect(
            self.url, autocommit=True, options="-c search_path=agentforge -c lock_timeout=5s"
        ) as connection:
            connection.execute("SET SESSION AUTHORIZATION agentforge_app")
            connection.execute("SELECT set_config('agentforge.session_token', %s, false)", (token,))
            yield connection

    @contextmanager
    def operator(self) -> Iterator[Connection]:
        """The local user, an admin without a password."""
        with psycopg.connect(self.url, autocommit=True, options="-c search_path=agentforge") as connection:
            connection.execute("SET ROLE agentforge_app")
            yield connection

    def add(self, role: str = "developer") -> str:
        """A new user, whose password is PASSWORD."""
        name = f"u{secrets.token_hex(6)}"
        with self.operator() as connection:
            users.add(connection, name, None, role, PASSWORD, CHEAP)
        return name

    def log_in(self, name: str, password: str = PASSWORD, lifetime: timedelta = timedelta(hours=1)) -> str:
        """The token of a new session."""
        with self.attacker() as connection:
            login = logins.log_in(connection, name, password, lifetime, "test", CHEAP)
        if isinstance(login, UsageError):
            raise login
        return login.token

    @contextmanager
    def as_user(self, name: str) -> Iterator[Connection]:
        """A session of agentforge_app with a new session of a user."""
        with self.attacker(self.log_in(name)) as connection:
            yield connection

    def guess(self, connection: Connection, name: str, proof: bytes = b"wrong") -> tuple[str, int]:
        """Outcome and seconds to wait of a bare call of the function."""
        row = connection.execute(
            "SELECT outcome, retry_after_seconds FROM login(%s, %s, %s, '1 hour', 'test')",
            (name, proof, hashlib.sha256(secrets.token_bytes(8)).digest()),
        ).fetchone()
        assert row is not None
        return row[0], row[1]

    def let_pass(self, name: str, seconds: float) -> None:
        """Make the last failed login of a user, or of the name of nobody, so much older."""
        self.administer(
            "SELECT setval(c, pg_sequence_last_value(c) - (1000 * %s)::bigint) FROM login_counter(%s) AS c",
            (seconds, name),
        )

    def project(self, key: str) -> int:
        """A project that the operator has made."""
        with self.operator() as connection:
            connection.execute("INSERT INTO projects (key, name) VALUES (%s, %s)", (key, key))
        return int(self.administer("SELECT id FROM projects WHERE key = %s", (key,))[0][0])


@pytest.fixture(scope="module")
def people(shared_migrated_url: str) -> People:
    """A database for all tests of a module."""
    return People(shared_migrated_url)
