"""How well a database is: one finding for each thing looked at, with what to do where it is not well.

A check is a named query in sql/queries/health*.sql; a row of it is a finding. What a server's settings should be is
data, too: settings.toml beside this file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

from agentforge.store.connection import ADVISED_VECTOR
from agentforge.store.migrate import migrations
from agentforge.store.queries import load
from agentforge.store.vector_indexes import INDEX_ROWS

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

SEVERITIES = ("ok", "info", "warning", "critical")  # from well to worst


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        id: of the check, such as `partitions`.
        severity: one of `SEVERITIES`.
        subject: the table, index, role, setting or session that it is about; empty for the whole database.
        what: a sentence without its full stop.
        value: what was measured: a number, a text, or None where nothing can be measured.
        unit: of a number (`bytes`, `rows`, `%`, `s`); empty where it has none.
        remedy: a command, SQL or an advice; empty where nothing is to be done.
    """

    id: str
    severity: str
    subject: str
    what: str
    value: Any
    unit: str
    remedy: str


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """A database in short.

    Attributes:
        server_version: of PostgreSQL, such as `18.6`.
        database: its name.
        user: who is connected.
        vector_version: of pgvector, None where the database does not have it.
        size: bytes.
        schema_version: the name of the last migration that was applied, None where it is not known.
        has_schema: the schema is there, whether or not the user may look into it.
        pending: names of the migrations that are not.
        newer: names of migrations that this version of the tool does not know.
        last_maintenance: None where there was none, or it may not be seen.
    """

    server_version: str
    database: str
    user: str
    vector_version: str | None
    size: int
    schema_version: str | None
    has_schema: bool
    pending: tuple[str, ...]
    newer: tuple[str, ...]
    last_maintenance: datetime | None


@dataclass(frozen=True, slots=True)
class _Check:
    """A query of sql/queries/<file>.sql, asked only where there is what it `needs`: `schema`, `roles` or `vector`."""

    id: str
    file: str = "health"
    needs: str = "schema"


_CHECKS = (
    _Check("version", "health_server", needs=""),
    _Check("connection", "health_server", needs=""),
    _Check("extensions", "health_server", needs=""),
    _Check("vector_schema", "health_server"),
    _Check("vector_library", "health_server", needs="vector"),
    _Check("collation", "health_server", needs=""),
    _Check("migrations"),
    _Check("maintenance"),
    _Check("size"),
    _Check("partitions"),
    _Check("defaults"),
    _Check("vector_indexes"),
    _Check("meaning"),
    _Check("invalid_indexes"),
    _Check("unused_indexes"),
    _Check("sequences"),
    _Check("dead_rows"),
    _Check("cache"),
    _Check("slow_queries"),
    _Check("roles", "health_roles"),
    _Check("owners", "health_roles", needs="roles"),
    _Check("row_security", "health_roles", needs="roles"),
    _Check("grants", "health_roles", needs="roles"),
    _Check("functions", "health_roles", needs="roles"),
    _Check("sessions", "health_server", needs=""),
    _Check("connections", "health_server", needs=""),
    _Check("transaction_age", "health_server", needs=""),
    _Check("checkpoints", "health_server", needs=""),
    _Check("settings", "health_settings", needs=""),
    _Check("memory", "health_settings", needs=""),
)


def health_checks(connection: Connection) -> tuple[Finding, ...]:
    """Look at everything that can be looked at, whatever becomes of one check.

    Args:
        connection: outside a transaction; as any role, but what it may not see is left out, and said so.

    Returns:
        The findings in the order of the checks.

    Raises:
        psycopg.OperationalError: the connection was lost.
    """
    queries = load("health")
    answer = connection.execute(queries["place"]).fetchone()
    place, has_schema, has_roles, has_vector = answer or ("remote", False, False, False)
    present = {"": True, "schema": has_schema, "roles": has_schema and has_roles, "vector": has_vector}
    parameters = _parameters(place)
    found: list[Finding] = []
    if not has_schema:
        found.append(Finding("migrations", "warning", "", "the schema is not here yet", None, "", "agentforge db init"))
    connection.execute(queries["patience"])
    try:
        for check in _CHECKS:
            if present[check.needs]:
                found += _ask(connection, check, parameters)
    finally:
        if not connection.closed:
            connection.execute(queries["impatience"])
    return tuple(found)


def worst(findings: tuple[Finding, ...]) -> str:
    """The worst severity among findings; `ok` without any."""
    return max((finding.severity for finding in findings), key=SEVERITIES.index, default="ok")


def database_status(connection: Connection) -> DatabaseStatus:
    """A database in short; changes nothing and needs no schema.

    Raises:
        psycopg.Error: it does not answer.
    """
    import psycopg

    queries = load("health")
    row = connection.execute(queries["status"]).fetchone()
    _, has_schema, *_ = connection.execute(queries["place"]).fetchone() or ("", False)
    applied: list[str] = []
    last_maintenance = None
    try:
        if has_schema:
            applied = [name for name, _ in connection.execute(queries["applied"])]
            last_maintenance = (connection.execute(queries["last_maintenance"]).fetchone() or (None,))[0]
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable):
        pass  # a role that may connect and no more, or a schema from before the measurements
    known = [migration.name for migration in migrations()]
    server_version, database, user, vector_version, size = row or ("", "", "", None, 0)
    return DatabaseStatus(
        server_version=server_version,
        database=database,
        user=user,
        vector_version=vector_version,
        size=size,
        schema_version=max(applied, default=None),
        has_schema=has_schema,
        pending=tuple(name for name in known if name not in applied),
        newer=tuple(name for name in applied if name not in known),
        last_maintenance=last_maintenance,
    )


def _parameters(place: str) -> dict[str, Any]:
    """What the queries ask for beside the database: what this tool wants, and what this machine has."""
    from psycopg.types.json import Jsonb

    from agentforge.store.embedded.settings import machine_memory

    settings = tomllib.loads(resources.files("agentforge.store").joinpath("settings.toml").read_text("utf-8"))
    return {
        "names": [migration.name for migration in migrations()],
        "checksums": [migration.checksum for migration in migrations()],
        "advised_vector": list(ADVISED_VECTOR),
        "index_rows": INDEX_ROWS,
        "rules": Jsonb(settings["rule"]),
        "setters": Jsonb(settings["setter"]),
        "place": place,
        "memory": None if place == "remote" else machine_memory(),
    }


def _ask(connection: Connection, check: _Check, parameters: Mapping[str, Any]) -> list[Finding]:
    """The findings of one check; where it fails, one that says why."""
    import psycopg

    try:
        if check.id == "defaults":
            parameters = {**parameters, **_default_rows(connection)}
        rows = connection.execute(load(check.file)[check.id], parameters).fetchall()
    except psycopg.errors.InsufficientPrivilege as error:
        reason = error.diag.message_primary or "permission denied"
        return [Finding(check.id, "info", "", f"not looked at: {reason}", None, "", "Ask as the database's owner.")]
    except psycopg.Error as error:
        if connection.closed:
            raise
        reason = error.diag.message_primary or str(error)
        return [Finding(check.id, "warning", "", f"not looked at: {reason}", None, "", "See the server's log.")]
    return [Finding(check.id, *row) for row in rows]


def _default_rows(connection: Connection) -> dict[str, Any]:
    """Rows of each default partition, counted one by one, but not beyond a bound."""
    tables, counts = [], []
    for table, statement in connection.execute(load("health")["default_counts"], {}).fetchall():
        row = connection.execute(statement.encode()).fetchone()  # names quoted by the server's own format()
        tables.append(table)
        counts.append(row[0] if row else 0)
    return {"default_tables": tables, "default_rows": counts}
