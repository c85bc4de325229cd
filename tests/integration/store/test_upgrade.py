"""A database of the last release, brought to this one, is made as a new one is, and has lost nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from catalogue import catalogue, differences
from fix_database import NewDatabase
from psycopg import sql

from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.maintenance import Options, maintain
from agentforge.store.migrate import migrate, migrations
from agentforge.store.session import work_as_application, work_as_owner

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
ROWS = Path(__file__).parents[2] / "data" / "last_release.sql"
# A row of the past, for which a partition is made.
STRAY = """INSERT INTO performance_metrics (metric_name, metric_value, recorded_at)
           VALUES ('m', 2, now() - interval '3 months')"""
# What a later migration changes in rows on purpose: members of a row that are not compared.
CHANGED = {"performance_metrics": {"tags"}}


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


@pytest.fixture
def old(database_url: str) -> Iterator[Connection]:
    install_last_release(database_url)
    with connect(DatabaseSettings(url=database_url)) as connection:
        yield connection


def test_the_chain_of_migrations_gives_what_a_fresh_install_gives(old: Connection, new_database: NewDatabase) -> None:
    assert migrate(old) == tuple(migration.name for migration in migrations()[len(LAST_RELEASE) :])
    with connect(DatabaseSettings(url=new_database())) as fresh:
        migrate(fresh)
        with fresh.transaction():
            work_as_application(fresh, "", "", needs_user=False, needs_session=True)
            fresh.execute("SELECT ensure_embedding_model('hashed', '1', 2)")
            fresh.execute(STRAY.encode())
        fresh.execute("RESET ROLE")
        for connection in (old, fresh):
            work_as_owner(connection, "")
            steps = maintain(connection, Options(months_ahead=1))
            assert steps is not None
            assert [step for step in steps if step.error] == []
        assert differences(catalogue(old), catalogue(fresh)) == []


def test_no_row_is_lost_or_changed_on_the_way(old: Connection) -> None:
    before = rows(old)
    assert [table for table, found in before.items() if not found] == []
    migrate(old)
    after = rows(old)
    for table, found in before.items():
        ignored = CHANGED.get(table, set())
        kept = [{name: row[name] for name in row if name not in ignored} for row in found]
        now = [{name: row[name] for name in kept[0]} for row in after[table]]
        assert [row for row in kept if row not in now] == [], table
    metrics = [(row["project_id"], row["tags"]) for row in after["performance_metrics"] if row["metric_name"] == "m"]
    assert sorted(metrics, key=str) == [(1, {"phase": "walk"}), (None, {})]


def test_the_first_user_of_an_old_database_is_still_the_first(old: Connection) -> None:
    migrate(old)
    application = work_as_application(old, "t", "", needs_user=False, needs_session=True)
    found = old.execute("SELECT username FROM users WHERE id = current_user_id()").fetchone()
    assert application.user_id() is not None
    assert found == ("ada",), "a session of the last release still holds"
