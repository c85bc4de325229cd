"""What a connection works as: the application, bound by row-level security, or the owner of the schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentforge.errors import DatabaseError, UsageError
from agentforge.store import migrate
from agentforge.store.connection import search_path
from agentforge.store.queries import load
from agentforge.store.roles import Standing, standing

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


class NotLoggedIn(UsageError):  # noqa: N818 - it is a state, not a fault
    """The database does not know who asks."""


@dataclass(frozen=True, slots=True)
class Application:
    """A connection that works as agentforge_app for whoever holds a token.

    Attributes:
        connection: outside a transaction.
        token: of the user's session; empty for an operator as the local user, or for nobody.
        request_id: of the command, for the audit trail; empty for none.
        standing: of the connection.
    """

    connection: Connection
    token: str
    request_id: str
    standing: Standing

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Where the application's work belongs: one transaction behind a pooler, the whole session otherwise."""
        if not self.standing.pooled:
            yield
            return
        with self.connection.transaction():
            self.connection.execute(
                load("pool")["begin"],
                {
                    "search_path": search_path(self.connection),
                    "role": "agentforge_app" if self.standing.operator else "none",
                    "token": self.token,
                    "request_id": self.request_id,
                },
            )
            yield

    def require_user(self) -> None:
        """Refuse to go on for nobody.

        Raises:
            NotLoggedIn: there is no token, or its session has ended.
        """
        if self.user_id() is not None:
            return
        if self.token:
            raise NotLoggedIn("Your session has ended.", "Run `agentforge login`.")
        raise NotLoggedIn("This database asks who you are.", "Run `agentforge login`, or set AGENTFORGE_TOKEN.")

    def user_id(self) -> int | None:
        """Who asks, None where the database does not know."""
        with self.scope():
            row = self.connection.execute(load("roles")["identity"]).fetchone()
            return row[0] if row else None


def work_as_application(connection: Connection, token: str, request_id: str, *, needs_session: bool) -> Application:
    """Go on as agentforge_app. The schema is brought up to date first, by an operator's connection.

    Args:
        connection: as it was opened.
        token: of the user's session, empty for none.
        request_id: of the command, empty for none.
        needs_session: refuse to go on behind a pooler.

    Raises:
        DatabaseError: the role may not do it, or the schema is not the one that the tool needs.
    """
    found = standing(connection)
    if found.pooled:
        connection.prepare_threshold = None
        if needs_session:
            _refuse_pooler(found)
    applied: tuple[str, ...] = ()
    if found.operator or not found.schema:
        applied = migrate.migrate(connection)
        found = standing(connection)
    elif not found.member:
        raise DatabaseError(
            f"The role {found.role} may not use agentforge in this database.",
            f"Ask its administrator to run: GRANT agentforge_app TO {found.role}",
        )
    else:
        migrate.check_current(connection)
    if found.operator and not found.pooled:
        _mend(connection, migrated=bool(applied))
    application = Application(connection, token, request_id, found)
    if not found.pooled:
        query = "work_as_application" if found.operator else "present"
        connection.execute(load("roles")[query], {"token": token, "request_id": request_id})
    return application


def work_as_owner(connection: Connection, request_id: str) -> None:
    """Go on as agentforge_owner, with the schema up to date.

    Raises:
        DatabaseError: the role is not a member of it, or a pooler is in between.
    """
    found = standing(connection)
    _refuse_pooler(found)
    if found.schema and not found.operator:
        raise DatabaseError(
            f"The role {found.role} does not own the schema, and this command is for its owner.",
            "Connect as a member of agentforge_owner.",
        )
    migrate.migrate(connection)
    connection.execute(load("roles")["work_as_owner"], {"request_id": request_id})


def _mend(connection: Connection, *, migrated: bool) -> None:
    """Make partitions after a migration, and where rows have lain in a default for a day: there is no cron.

    It never fails, and waits for no lock.
    """
    import psycopg

    from agentforge.store import partitions

    with suppress(psycopg.Error):
        connection.execute(load("roles")["work_as_owner"], {"request_id": ""})
        if migrated or partitions.is_due(connection):
            from agentforge.store.maintenance import rollover_at_once

            rollover_at_once(connection)


def look_on(connection: Connection, token: str, request_id: str) -> None:
    """Go on as the role that opened the connection, for what changes nothing and wants no schema.

    Raises:
        DatabaseError: a pooler is in between.
    """
    _refuse_pooler(standing(connection))
    connection.execute(load("roles")["present"], {"token": token, "request_id": request_id})


def _refuse_pooler(found: Standing) -> None:
    if found.pooled:
        raise DatabaseError(
            "This connection goes through a pooler, and the command needs a session of its own.",
            "Name the server itself (--database-url), not the pooler.",
        )
