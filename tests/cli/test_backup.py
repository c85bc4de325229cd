"""A backup brought into an empty server is the same database, with its roles and policies; a bad one leaves nothing."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from catalogue import catalogue, contents, differences
from fix_database import NewDatabase
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from agentforge.errors import DatabaseError, UsageError
from agentforge.store import backup
from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.embedded.server import Server
from agentforge.store.maintenance import Options, maintain
from agentforge.store.session import work_as_application, work_as_owner

COMMAND = str(Path(sys.executable).parent / "agentforge")
LONG = "".join(f"    total += values[{n}] * {n}\n" for n in range(40))
CODE = f"""\
import subprocess


def run(cmd):
    return subprocess.call(cmd, shell=True)


def weigh(values, total):
{LONG}    return total
"""
COMPRESSED = "SELECT function_name, pg_column_compression(code) IS NOT NULL FROM agentforge.functions ORDER BY id"
PEOPLE = """
    INSERT INTO users (username, password_digest, role) VALUES
        ('reader', '$argon2id$x', 'viewer'), ('stranger', '$argon2id$x', 'viewer');
    INSERT INTO user_sessions (user_id, token_digest, expires_at)
        SELECT id, sha256(username::bytea), now() + interval '1 day' FROM users WHERE role = 'viewer';
    INSERT INTO user_permissions (user_id, project_id, permission)
        SELECT u.id, p.id, 'read' FROM users AS u, projects AS p WHERE username = 'reader';
    INSERT INTO standards_compliance
        (project_id, standard_name, compliance_score, total_checks, passed_checks, failed_checks)
        SELECT id, 's', 90, 10, 9, 1 FROM projects;
"""


def run(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AGENTFORGE_DATABASE_URL": url, "NO_COLOR": "1"}
    return subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=120, env=environment
    )


def shape(url: str) -> tuple[dict[str, list[tuple[object, ...]]], dict[str, tuple[int, int]]]:
    """The catalogue, and a hash of every table's rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        return catalogue(connection), contents(connection)


def major(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.info.server_version // 10000


def projects_seen(url: str, token: str) -> int:
    with connect(DatabaseSettings(url=url)) as connection:
        work_as_application(connection, token, "", needs_session=True)
        row = connection.execute("SELECT count(*) FROM agentforge.projects").fetchone()
        assert row is not None
        return int(row[0])


class Template(NamedTuple):
    """The name of a database; what was analysed into it; its backup; and its shape when that was made."""

    name: str
    tree: Path
    backup: Path
    shape: tuple[dict[str, list[tuple[object, ...]]], dict[str, tuple[int, int]]]


@pytest.fixture(scope="module")
def template(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A database with an analysed project, people and summaries. It is copied, not used."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "tree").mkdir()
    (folder / "tree" / "run.py").write_text(CODE)
    assert run(shared_database, "analyze", str(folder / "tree")).returncode == 1
    with connect(DatabaseSettings(url=shared_database)) as connection:
        work_as_owner(connection, "")
        connection.execute(PEOPLE.encode())
        steps = maintain(connection, Options(months_ahead=1))
        assert steps is not None
        assert [step for step in steps if step.error] == []
        connection.execute("SELECT refresh_materialized_views()")
    before = shape(shared_database)  # the backup is logged, too, when it has been made
    done = run(shared_database, "db", "backup", str(folder / "agentforge.dump"))
    assert done.returncode == 0, done.stderr
    return Template(
        str(conninfo_to_dict(shared_database)["dbname"]), folder / "tree", folder / "agentforge.dump", before
    )


@pytest.fixture
def full(template: Template, new_database: NewDatabase) -> str:
    return new_database(template=template.name)


@pytest.fixture
def backup_file(template: Template) -> Path:
    return template.backup


def has_schema(url: str) -> bool:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT to_regnamespace('agentforge') IS NOT NULL").fetchone()
        assert row is not None
        return bool(row[0])


def test_a_backup_comes_back_whole_in_another_server(
    full: str, template: Template, folder: Path, new_database: NewDatabase
) -> None:
    backup_file = template.backup
    assert backup_file.stat().st_mode & 0o077 == 0
    other = Server(str(folder), linger_seconds=60)
    with other.client():
        url = other.ensure_running()
        if major(url) != major(full):  # of a server that somebody gave: another version's need not take its backup
            url = new_database()
        done = run(url, "db", "restore", str(backup_file))
        assert done.returncode == 0, done.stderr
        (parts, rows), (old_parts, old_rows) = shape(url), template.shape
        assert differences(old_parts, parts) == []
        assert rows == old_rows
        assert rows["daily_compliance_summary"][0] == 1
        with psycopg.connect(url) as connection:
            assert connection.execute(COMPRESSED).fetchall() == [("run", False), ("weigh", True)]
        assert [projects_seen(url, token) for token in ("reader", "stranger", "nobody")] == [1, 0, 0]
        again = run(url, "analyze", str(template.tree))
        assert "0 files analysed, 1 unchanged" in again.stdout, again.stderr
        assert run(url, "similar", "run").returncode == 0
        assert run(url, "audit", "verify").returncode == 0


@pytest.fixture
def operator_urls(full: str, new_database: NewDatabase) -> Iterator[tuple[str, str]]:
    """The full database and an empty one with pgvector, as a member of agentforge_owner who is no superuser."""
    name, password = f"operator_{secrets.token_hex(4)}", secrets.token_hex(8)
    empty = new_database()
    with psycopg.connect(empty, autocommit=True) as admin:
        for statement in (
            f"CREATE ROLE {name} LOGIN PASSWORD '{password}' IN ROLE agentforge_owner",
            f"ALTER DATABASE {conninfo_to_dict(empty)['dbname']} OWNER TO {name}",
            "CREATE SCHEMA agentforge AUTHORIZATION agentforge_owner",
            "CREATE EXTENSION vector SCHEMA agentforge",
        ):
            admin.execute(statement.encode())
    mine = [make_conninfo(url, user=name, password=password, passfile="") for url in (full, empty)]
    yield mine[0], mine[1]
    with psycopg.connect(full, autocommit=True) as admin, psycopg.connect(empty, autocommit=True) as other:
        for connection in (admin, other):
            connection.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}".encode())
        admin.execute(f"DROP ROLE {name}".encode())


def test_an_operator_who_is_no_superuser_saves_and_restores_every_row(
    full: str, operator_urls: tuple[str, str], tmp_path: Path
) -> None:
    source, target = operator_urls
    _, before = shape(full)
    file = tmp_path / "mine.dump"
    saved = run(source, "db", "backup", str(file))
    assert saved.returncode == 0, saved.stderr
    restored = run(target, "db", "restore", str(file))
    assert restored.returncode == 0, restored.stderr
    assert "password" not in saved.stderr + restored.stderr
    with connect(DatabaseSettings(url=target)) as connection:
        work_as_owner(connection, "")
        assert contents(connection) == before


def test_a_table_that_would_be_saved_without_its_rows_is_named(
    full: str, operator_urls: tuple[str, str], tmp_path: Path
) -> None:
    with psycopg.connect(full, autocommit=True) as admin:
        admin.execute("DROP POLICY projects_owner ON agentforge.projects")
    done = run(operator_urls[0], "db", "backup", str(tmp_path / "mine.dump"))
    assert done.returncode == 3
    assert "hide rows of projects" in done.stderr
    assert not (tmp_path / "mine.dump").exists()


def test_a_database_in_use_is_not_overwritten(full: str, backup_file: Path) -> None:
    before = shape(full)
    done = run(full, "db", "restore", str(backup_file))
    assert done.returncode == 2
    assert "holds the schema agentforge already" in done.stderr
    assert shape(full) == before


def test_what_is_no_whole_backup_leaves_nothing(backup_file: Path, new_database: NewDatabase, tmp_path: Path) -> None:
    url = new_database()
    whole = backup_file.read_bytes()
    with connect(DatabaseSettings(url=url)) as connection:
        for content in (b"nothing", b"", whole[: len(whole) // 2], whole[:-99]):
            (tmp_path / "bad.dump").write_bytes(content)
            with pytest.raises(UsageError, match="no backup"):
                backup.restore(connection, tmp_path / "bad.dump")
    assert run(url, "db", "restore", str(tmp_path / "nowhere.dump")).returncode == 2
    assert not has_schema(url)


def test_the_backup_of_a_newer_agentforge_is_refused(full: str, new_database: NewDatabase, tmp_path: Path) -> None:
    with connect(DatabaseSettings(url=full)) as connection:
        connection.execute("INSERT INTO schema_migrations (name, checksum) VALUES ('9999_future', 'x')")
        backup.backup(connection, tmp_path / "newer.dump")
    url = new_database()
    done = run(url, "db", "restore", str(tmp_path / "newer.dump"))
    assert done.returncode == 3
    assert "newer than this agentforge: it has the migration 9999_future" in done.stderr
    assert not has_schema(url)


def test_a_restore_that_fails_in_the_database_leaves_nothing(backup_file: Path, new_database: NewDatabase) -> None:
    url = new_database()
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("CREATE SCHEMA elsewhere; CREATE EXTENSION vector SCHEMA elsewhere")
    done = run(url, "db", "restore", str(backup_file))
    assert done.returncode == 3
    assert "ALTER EXTENSION vector SET SCHEMA agentforge" in done.stderr
    assert not has_schema(url)


def test_a_backup_that_fails_leaves_the_old_one(full: str, tmp_path: Path) -> None:
    file = tmp_path / "agentforge.dump"
    file.write_text("the last one")
    with psycopg.connect(full) as other, connect(DatabaseSettings(url=full)) as connection:
        other.execute("LOCK TABLE agentforge.projects IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DatabaseError, match="held a table for too long"):
            backup.backup(connection, file, lock_wait_seconds=0.2)
    assert file.read_text() == "the last one"
    assert run(full, "db", "backup", str(tmp_path / "nowhere" / "file")).returncode == 2
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_full_disk_leaves_the_old_one(full: str, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", folder], check=False).returncode:
        pytest.skip("only a root who may mount a file system can make one that is full")
    try:
        (folder / "agentforge.dump").write_text("the last one")
        done = run(full, "db", "backup", str(folder / "agentforge.dump"))
        assert done.returncode == 3
        assert "the disk is full" in done.stderr
        assert [path.name for path in folder.iterdir()] == ["agentforge.dump"]
        assert (folder / "agentforge.dump").read_text() == "the last one"
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
