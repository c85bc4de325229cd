"""A database of the last release, brought to this one, is made as a new one is, and has lost nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from catalogue import catalogue, contents, differences
from fix_database import NewDatabase
from last_release import LAST_RELEASE, install_last_release, lost_rows, rows

from agentforge.store import backup
from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.maintenance import Options, maintain
from agentforge.store.migrate import migrate, migrations
from agentforge.store.session import work_as_application, work_as_owner

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

# A row of the past, for which a partition is made.
STRAY = """INSERT INTO performance_metrics (metric_name, metric_value, recorded_at)
           VALUES ('m', 2, now() - interval '3 months')"""


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
            work_as_application(fresh, "", "", needs_session=True)
            fresh.execute("SELECT ensure_embedding_model('hashed', '1', 2)")
        fresh.execute("RESET ROLE")
        fresh.execute(STRAY.encode())
        fresh.execute("INSERT INTO users (username, role) VALUES ('ada', 'admin'), ('bob', 'viewer')")
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
    assert lost_rows(before, after) == {}
    metrics = [(row["project_id"], row["tags"]) for row in after["performance_metrics"] if row["metric_name"] == "m"]
    assert sorted(metrics, key=str) == [(1, {"phase": "walk"}), (None, {})]


def test_an_upgraded_database_is_saved_and_restored_whole(
    old: Connection, new_database: NewDatabase, tmp_path: Path
) -> None:
    migrate(old)
    old.execute("SELECT refresh_materialized_views()")
    backup.backup(old, tmp_path / "upgraded.dump")
    with connect(DatabaseSettings(url=new_database())) as restored:
        backup.restore(restored, tmp_path / "upgraded.dump")
        assert contents(restored) == contents(old)
        assert differences(catalogue(restored), catalogue(old)) == []


def test_the_first_user_of_an_old_database_is_still_the_first(old: Connection) -> None:
    migrate(old)
    application = work_as_application(old, "t", "", needs_session=True)
    found = old.execute("SELECT username FROM users WHERE id = current_user_id()").fetchone()
    assert application.user_id() is not None
    assert found == ("ada",), "a session of the last release still holds"


def test_what_was_waived_in_sql_has_a_waiver_now(old: Connection) -> None:
    old.execute("UPDATE code_violations SET status = 'waived' WHERE id = (SELECT min(id) FROM code_violations)")
    migrate(old)
    assert old.execute(
        "SELECT status, waiver_kind, waiver_reason FROM violations ORDER BY waiver_kind NULLS LAST LIMIT 1"
    ).fetchone() == ("waived", "stored", "waived before reasons were kept")
    assert old.execute("SELECT count(*) FROM violation_waivers").fetchone() == (1,)
