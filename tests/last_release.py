"""A database as the last release made it, with rows in every table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from agentforge.store.migrate import migrations

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

LAST_RELEASE = ("0001_spine", "0002_people_and_time")
# As that release did it: whoever connected owned everything, and there were no roles.
BEFORE_ROLES = """
    CREATE SCHEMA agentforge;
    CREATE TABLE agentforge.schema_migrations (
        name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
    )
"""
ROWS = Path(__file__).parents[0] / "data" / "last_release.sql"

# What a later migration changes in rows on purpose: members of a row that are not compared.
CHANGED = {
    "embedding_models": {"name"},
    "performance_metrics": {"tags"},
    "project_analyses": {"results"},
    "projects": {"updated_at"},
}


def install_last_release(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(BEFORE_ROLES.encode())
        connection.execute("SET search_path = agentforge, pg_catalog")
        for migration in migrations():
            if migration.name in LAST_RELEASE:
                connection.execute(migration.sql)
                connection.execute(
                    "INSERT INTO schema_migrations (name, checksum) VALUES (%s, %s)",
                    (migration.name, migration.checksum),
                )
        for table in ("performance_metrics", "api_requests", "error_logs", "audit_logs"):
            connection.execute("SELECT rollover_partitions(%s, 1)", (table,))
        connection.execute(ROWS.read_bytes())


def rows(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    names = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'agentforge'::regnamespace AND relkind IN ('r', 'p') "
        "AND NOT relispartition AND relname <> 'schema_migrations'"
    ).fetchall()
    read = sql.SQL("SELECT to_jsonb(t) FROM agentforge.{} AS t ORDER BY to_jsonb(t)::text")
    return {name: [row for (row,) in connection.execute(read.format(sql.Identifier(name)))] for (name,) in names}


def lost_rows(before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """By table, the rows of the last release that are not there any more, or are others; later columns are left out."""
    lost = {}
    for table, found in before.items():
        ignored = CHANGED.get(table, set())
        kept = [{name: _digits(name, row[name]) for name in row if name not in ignored} for row in found]
        now = [{name: _digits(name, row[name]) for name in kept[0]} for row in after[table]]
        lost[table] = [row for row in kept if row not in now]
    return {table: missing for table, missing in lost.items() if missing}


def _digits(column: str, value: Any) -> Any:
    """Hashes of code were text of 64 digits, and are 16 bytes now."""
    return value.removeprefix("\\x")[:32] if column == "code_hash" else value
