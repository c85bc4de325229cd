"""The two roles of the database: who owns the schema, and who works in it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentforge.errors import DatabaseError
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

_ATTEMPTS = 20
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Standing:
    """What a session may be.

    Attributes:
        operator: it was opened by a member of agentforge_owner or by a superuser.
        member: it may work as agentforge_app.
        schema: the schema is there.
        pooled: a pooler is in between, so that nothing may be set for longer than a transaction.
        role: that it was opened as.
    """

    operator: bool
    member: bool
    schema: bool
    pooled: bool
    role: str


def standing(connection: Connection) -> Standing:
    """Ask what the session may be."""
    row = connection.execute(load("roles")["standing"]).fetchone()
    if row is None:
        raise DatabaseError("The database gave no answer where one must be.", "Look at the server's log.")
    operator, member, schema, backend_pid, role = row
    return Standing(operator, member, schema, backend_pid != connection.info.backend_pid, role)


def missing_steps(connection: Connection) -> list[tuple[str, bool]]:
    """The statements that must be run before the schema can be migrated, each with whether this session may run it."""
    return [(statement, allowed) for statement, allowed in connection.execute(load("roles")["steps"]).fetchall()]


def prepare(connection: Connection) -> None:
    """Make roles, schema and extension, and hand what is in the schema to its owner; nothing where nothing is missing.

    Roles are the whole server's: another session may be making them for another database at the same time.

    Raises:
        DatabaseError: the session may not do all of it, and the hint holds the statements for a database administrator;
            or it is one of those who work in a schema that is there.
    """
    import psycopg

    for attempt in range(_ATTEMPTS):
        steps = missing_steps(connection)
        if not all(allowed for _, allowed in steps):
            raise _refused(standing(connection), [statement for statement, _ in steps])
        try:
            with connection.transaction():
                for statement, _ in steps:
                    connection.execute(statement.encode())  # made and quoted by the server's own format()
        except (psycopg.errors.DuplicateObject, psycopg.errors.DuplicateSchema, psycopg.errors.UniqueViolation):
            pass
        except psycopg.errors.InternalError as error:
            if "concurrently" not in str(error) or attempt == _ATTEMPTS - 1:
                raise
        else:
            return
        time.sleep(_PAUSE_SECONDS)
    raise DatabaseError("Other sessions have been setting up the same roles all the time.", "Run again.")


def _refused(found: Standing, statements: list[str]) -> DatabaseError:
    """The error for a session that may not set the database up: what a database administrator has to run instead."""
    if found.schema and found.member and not found.operator:  # one of those who work in it, and must not own it
        return DatabaseError(
            f"The role {found.role} works in this database, and does not own it.",
            "Connect as a member of agentforge_owner or as a superuser. Make no role that people work as a member of "
            "it: row-level security would bind it no longer.",
        )
    return DatabaseError(
        "This role may not set the database up by itself.",
        "\n".join(["A database administrator has to run here:", *(f"    {sql};" for sql in statements)]),
    )


def set_application_password(connection: Connection, password: str) -> None:
    """Let agentforge_app log in with a password, which leaves this process as a SCRAM verifier only.

    Args:
        connection: as a role that may change agentforge_app.
        password: in clear.

    Raises:
        DatabaseError: the session may not change that role.
    """
    from psycopg import errors, sql

    verifier = connection.pgconn.encrypt_password(password.encode(), b"agentforge_app", b"scram-sha-256").decode()
    statement = sql.SQL(load("roles")["set_application_password"].decode())
    try:
        connection.execute(statement.format(verifier=sql.Literal(verifier)))
    except errors.InsufficientPrivilege:
        raise DatabaseError(
            f"{connection.info.user} may not give agentforge_app a password.",
            "A database administrator does it: \\password agentforge_app in psql. All else is done by "
            "`agentforge db init` without --app-password-fd.",
        ) from None
