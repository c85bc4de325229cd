"""A backup brought into an empty database is the same database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from fix_database import NewDatabase

COMMAND = str(Path(sys.executable).parent / "agentforge")
CODE = "import subprocess\n\n\ndef run(cmd):\n    return subprocess.call(cmd, shell=True)\n"
UNLIKE = ("performance_metrics", "api_requests")  # each command adds to these


def run(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AGENTFORGE_DATABASE_URL": url, "NO_COLOR": "1"}
    return subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=120, env=environment
    )


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'agentforge'::regnamespace AND relkind IN ('r', 'p') "
            "AND NOT relispartition ORDER BY 1"
        ).fetchall()
        read = psycopg.sql.SQL("SELECT t::text FROM agentforge.{} AS t ORDER BY 1")
        return {
            name: connection.execute(read.format(psycopg.sql.Identifier(name))).fetchall()
            for (name,) in tables
            if name not in UNLIKE
        }


@pytest.fixture
def full(database_url: str, tmp_path: Path) -> str:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "run.py").write_text(CODE)
    assert run(database_url, "analyze", str(tmp_path / "tree")).returncode == 1
    return database_url


def test_a_backup_comes_back_whole(full: str, new_database: NewDatabase, tmp_path: Path) -> None:
    file = tmp_path / "agentforge.dump"
    done = run(full, "db", "backup", str(file))
    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o077 == 0
    other = new_database()
    done = run(other, "db", "restore", str(file))
    assert done.returncode == 0, done.stderr
    assert contents(other) == contents(full)
    again = run(other, "analyze", str(tmp_path / "tree"))
    assert "0 files analysed, 1 unchanged" in again.stdout, again.stderr
    assert run(other, "similar", "run").returncode == 0


def test_a_database_in_use_is_not_overwritten(full: str, tmp_path: Path) -> None:
    file = tmp_path / "agentforge.dump"
    run(full, "db", "backup", str(file))
    before = contents(full)
    done = run(full, "db", "restore", str(file))
    assert done.returncode == 2
    assert "holds the schema agentforge already" in done.stderr
    assert contents(full) == before


def test_what_is_no_backup_leaves_nothing(new_database: NewDatabase, tmp_path: Path) -> None:
    url = new_database()
    (tmp_path / "no.dump").write_text("nothing")
    assert run(url, "db", "restore", str(tmp_path / "no.dump")).returncode == 3
    assert run(url, "db", "restore", str(tmp_path / "nowhere.dump")).returncode == 2
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regnamespace('agentforge') IS NULL").fetchone() == (True,)


def test_a_backup_that_fails_leaves_the_old_one(full: str, tmp_path: Path) -> None:
    file = tmp_path / "agentforge.dump"
    file.write_text("the last one")
    with psycopg.connect(full, autocommit=True) as connection:
        connection.execute("ALTER TABLE agentforge.projects RENAME TO hidden")
    assert run(full, "db", "backup", str(tmp_path / "nowhere" / "file")).returncode == 2
    assert file.read_text() == "the last one"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
