"""The schema arrives whole, once, and never over a newer or another one."""

from __future__ import annotations

import threading

import pytest

from agentforge.errors import DatabaseError
from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.migrate import migrate, migrations

UNINDEXED_FOREIGN_KEYS = """
    SELECT conrelid::regclass::text, conname FROM pg_constraint AS k
    WHERE contype = 'f' AND connamespace = 'agentforge'::regnamespace AND NOT EXISTS (
        SELECT FROM pg_index AS i
        WHERE i.indrelid = k.conrelid AND (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey
    )
"""
UNMOVED = """
    SELECT c.relname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'updated_at'
      AND NOT EXISTS (
          SELECT FROM pg_trigger AS t
          WHERE t.tgrelid = c.oid AND t.tgfoid = 'agentforge.set_updated_at'::regproc AND t.tgtype & 19 = 19
      )
"""


def test_a_fresh_database_gets_every_migration_once(database_url: str) -> None:
    with connect(DatabaseSettings(url=database_url)) as connection:
        assert migrate(connection) == tuple(migration.name for migration in migrations())
        assert migrate(connection) == ()


def test_every_foreign_key_is_indexed(database_url: str) -> None:
    with connect(DatabaseSettings(url=database_url)) as connection:
        migrate(connection)
        assert connection.execute(UNINDEXED_FOREIGN_KEYS).fetchall() == []


def test_updated_at_moves_by_itself_wherever_it_is(migrated_url: str) -> None:
    with connect(DatabaseSettings(url=migrated_url)) as connection:
        unmoved = connection.execute(UNMOVED).fetchall()
        assert unmoved == []
        connection.execute("INSERT INTO projects (key, name, updated_at) VALUES ('k', 'n', '2020-01-01')")
        connection.execute("UPDATE projects SET name = 'm'")
        assert connection.execute("SELECT updated_at > now() - interval '1 h' FROM projects").fetchone() == (True,)


def test_two_migrations_at_once_apply_it_once(database_url: str) -> None:
    applied: list[tuple[str, ...]] = []

    def run() -> None:
        with connect(DatabaseSettings(url=database_url)) as connection:
            applied.append(migrate(connection))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, applied)) == [0, len(migrations())]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("INSERT INTO agentforge.schema_migrations (name, checksum) VALUES ('9999_future', 'x')", "newer"),
        ("UPDATE agentforge.schema_migrations SET checksum = 'x'", "another text"),
    ],
)
def test_a_newer_or_another_schema_is_refused(database_url: str, statement: str, message: str) -> None:
    with connect(DatabaseSettings(url=database_url)) as connection:
        migrate(connection)
        connection.execute(statement.encode())
        with pytest.raises(DatabaseError, match=message):
            migrate(connection)
