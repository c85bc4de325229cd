"""Setting a database up: a migration that fails leaves nothing of it, and two at once get in nobody's way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fix_embedded import wait_until
from fix_faults import BEFORE, analyze, ends, start_command, stored, write_tree
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from agentforge.cli import run
from agentforge.store import migrate
from agentforge.store.embedded.server import Server

CATALOGUE = """
    SELECT relkind::text, relname::text, relacl::text FROM pg_class WHERE relnamespace = 'agentforge'::regnamespace
    UNION ALL
    SELECT 'routine', oid::regprocedure::text, proacl::text FROM pg_proc WHERE pronamespace = 'agentforge'::regnamespace
    UNION ALL
    SELECT 'migration', name, checksum FROM agentforge.schema_migrations
    ORDER BY 1, 2
"""


def catalogue(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(CATALOGUE.encode()).fetchall()


def add_migrations(monkeypatch: pytest.MonkeyPatch, *texts: str) -> None:
    """Let the tool carry more migrations than it does."""
    added = [
        migrate.Migration(f"99{number:02}_next", text.encode(), hashlib.sha256(text.encode()).hexdigest())
        for number, text in enumerate(texts)
    ]
    known = (*migrate.migrations(), *added)
    monkeypatch.setattr(migrate, "migrations", lambda: known)


BROKEN = """
    CREATE TABLE agentforge.half (n integer);
    INSERT INTO agentforge.half VALUES (1);
    ALTER TABLE agentforge.projects ADD COLUMN half integer;
    SELECT n / 0 FROM agentforge.half;
    CREATE TABLE agentforge.other_half ();
"""


def test_a_migration_that_fails_half_way_leaves_nothing_of_it(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tree(tmp_path / "project", BEFORE)
    analyze(tmp_path / "project", migrated_url)
    before, rows = catalogue(migrated_url), stored(migrated_url)
    with monkeypatch.context() as patch:
        add_migrations(patch, "CREATE TABLE agentforge.whole ()", BROKEN)
        for command in ("migrate", "init", "maintain"):
            capsys.readouterr()
            assert run(["db", command, "--database-url", migrated_url]) == 3
            error = capsys.readouterr().err
            assert "9901_next" in error and "division by zero" in error and "Traceback" not in error
            assert catalogue(migrated_url) == before
    assert analyze(tmp_path / "project", migrated_url) == 1
    assert stored(migrated_url) == rows
    add_migrations(monkeypatch, "CREATE TABLE agentforge.whole ()", BROKEN.replace("n / 0", "n / 1"))
    assert run(["db", "migrate", "--database-url", migrated_url]) == 0
    assert "9900_next, 9901_next" in capsys.readouterr().out
    assert stored(migrated_url) == rows


def test_a_first_migration_that_fails_leaves_an_empty_schema(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        add_migrations(patch, BROKEN)
        assert run(["db", "init", "--database-url", database_url]) == 3
    with psycopg.connect(database_url) as connection:
        tables = "SELECT FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'agentforge'::regnamespace"
        assert connection.execute(tables.encode()).fetchall() == []
    assert run(["db", "init", "--database-url", database_url]) == 0


@pytest.fixture
def bare_server(folder: Path) -> Iterator[str]:
    """A server that has never seen agentforge: neither roles nor schema, two databases more."""
    server = Server(str(folder))
    with server.client():
        url = server.ensure_running()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # the folder is thrown away
            connection.execute("SELECT pg_reload_conf()")
            for name in ("one", "two"):
                connection.execute(f"CREATE DATABASE {name}".encode())
        yield url


def test_several_first_set_ups_at_once_all_succeed(bare_server: str, tmp_path: Path) -> None:
    """Two commands on each of two databases, let go all at once where each of them makes the roles of the server."""
    urls = [make_conninfo("", **{**conninfo_to_dict(bare_server), "dbname": name}) for name in ("one", "two")]
    with psycopg.connect(bare_server) as gate:
        gate.execute("LOCK TABLE pg_authid IN SHARE MODE")
        commands = [start_command("db", "init", AGENTFORGE_DATABASE_URL=url) for url in urls * 2]
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'pg_authid'::regclass"
        assert wait_until(lambda: gate.execute(waiting).fetchone() == (len(commands),))
        gate.rollback()
    for command in commands:
        output, error = command.communicate(timeout=60)
        assert (command.returncode, "is ready" in output) == (0, True), error
    one, two = map(catalogue, urls)
    assert one == two
    assert len([row for row in one if row[0] == "migration"]) == len(migrate.migrations())
    write_tree(tmp_path / "project", BEFORE)
    for url in urls:
        assert analyze(tmp_path / "project", url) == 1
        assert ends(url) == ["completed"]
