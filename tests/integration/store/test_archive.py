"""A partition that was archived can be brought back row by row; one that could not be archived is still there."""

from __future__ import annotations

import gzip
import hashlib
import json
import resource
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from agentforge.cli.database import open_as_owner
from agentforge.errors import AgentForgeError
from agentforge.store.archive import count_rows, write_archive
from agentforge.store.connection import DatabaseSettings
from agentforge.store.maintenance import Options, archive_partition, maintain

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

NAME = "error_logs_y2020m01"
TEXTS = ("plain", "", 'a "quoted"\nline\r\nand, another', "\\N", "\\.", "ünïcödé 🙂", "tab\there")


@pytest.fixture
def database(migrated_url: str) -> Iterator[Connection]:
    """With a month that is long past its retention and full of what a file could spoil."""
    with open_as_owner(DatabaseSettings(url=migrated_url), print) as connection:
        for number, text in enumerate(TEXTS):
            connection.execute(
                "INSERT INTO error_logs (error_type, error_message, stack_trace, context, created_at) "
                "VALUES ('E', %s, %s, jsonb_build_object('text', %s::text), '2020-01-31 23:59:59.123456+00')",
                (text, text if number % 2 else None, text),
            )
        connection.execute("SELECT rollover_partitions('error_logs', 0, '2020-01-01')")
        yield connection


def contents(connection: Connection, table: str) -> list[tuple[Any, ...]]:
    read = psycopg.sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(psycopg.sql.Identifier(table))
    return connection.execute(read).fetchall()


def exists(connection: Connection) -> bool:
    return connection.execute("SELECT to_regclass(%s) IS NOT NULL", (NAME,)).fetchone() == (True,)


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file of this process may become larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_retention_archived_comes_back_as_it_was(database: Connection, tmp_path: Path) -> None:
    before = contents(database, NAME)
    steps = maintain(database, Options(archive_to=tmp_path / "archive"))
    assert steps is not None
    file = tmp_path / "archive" / f"{NAME}.csv.gz"
    assert (steps[1].done, steps[1].error) == (f"archived and dropped {NAME} to {file} ({len(TEXTS)} rows)", None)
    assert not exists(database)
    database.execute("CREATE TEMP TABLE restored (LIKE error_logs)")
    with (
        database.cursor() as cursor,
        cursor.copy("COPY restored FROM STDIN (FORMAT csv, HEADER match)") as copy,
        gzip.open(file) as packed,
    ):
        copy.write(packed.read())
    assert contents(database, "restored") == before


def test_the_manifest_says_what_the_file_holds(database: Connection, tmp_path: Path) -> None:
    archive = write_archive(database, NAME, tmp_path)
    manifest = json.loads(archive.manifest.read_text())
    assert manifest["table"] == "error_logs"
    assert (manifest["range_start"], manifest["range_end"]) == (
        "2020-01-01T00:00:00+00:00",
        "2020-02-01T00:00:00+00:00",
    )
    assert manifest["rows"] == len(TEXTS) == count_rows(archive.file)
    assert manifest["sha256"] == hashlib.sha256(archive.file.read_bytes()).hexdigest()
    assert manifest["bytes"] == archive.file.stat().st_size
    assert manifest["schema"] >= "0008_time"
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        f"{NAME}.csv.gz": 0o600,
        f"{NAME}.json": 0o600,
    }


def test_an_archive_is_never_written_over(database: Connection, tmp_path: Path) -> None:
    first = write_archive(database, NAME, tmp_path)
    kept = first.file.read_bytes()
    assert write_archive(database, NAME, tmp_path).file.name == f"{NAME}.2.csv.gz"
    assert first.file.read_bytes() == kept


@pytest.mark.parametrize("fault", ["full disk", "no folder"])
def test_what_cannot_be_archived_is_not_dropped(database: Connection, tmp_path: Path, fault: str) -> None:
    before = contents(database, NAME)
    folder = tmp_path / "archive"
    if fault == "no folder":
        folder.write_text("a file")
        steps = maintain(database, Options(archive_to=folder))
    else:
        with full_disk(100):
            steps = maintain(database, Options(archive_to=folder))
        assert list(folder.iterdir()) == [], "half a file is worse than none"
    assert steps is not None
    assert "No archive can be written" in str(steps[1].error)
    assert contents(database, NAME) == before
    assert [step.error for step in steps[2:]] == [None] * (len(steps) - 2)


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO error_logs (error_type, error_message, created_at) VALUES ('E', 'late', '2020-01-05')",
        "DELETE FROM error_logs WHERE error_message = 'plain'",
        "UPDATE error_logs SET error_message = 'changed' WHERE error_message = 'plain'",
    ],
)
def test_a_partition_that_changed_since_it_was_archived_is_not_dropped(
    database: Connection, tmp_path: Path, change: str
) -> None:
    archive = write_archive(database, NAME, tmp_path)
    database.execute(change.encode())
    retired = database.execute(
        "SELECT retire_partition(%s, archived_rows => %s, archived_since => %s::text::pg_snapshot)",
        (NAME, archive.rows, archive.since),
    ).fetchone()
    assert retired == (False,)
    left = contents(database, NAME)
    archive_partition(database, NAME, tmp_path, retire=True)
    assert not exists(database)
    assert count_rows(tmp_path / f"{NAME}.2.csv.gz") == len(left)


def test_an_older_transaction_elsewhere_is_no_reason_to_keep_a_partition(
    database: Connection, server_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(server_url) as elsewhere:
        elsewhere.execute("SELECT pg_current_xact_id()")
        database.execute("UPDATE error_logs SET error_message = 'young' WHERE error_message = 'plain'")
        archive_partition(database, NAME, tmp_path, retire=True)
    assert not exists(database)


def test_a_partition_that_cannot_be_locked_leaves_no_archive(
    database: Connection, migrated_url: str, tmp_path: Path
) -> None:
    database.execute("SET agentforge.lock_attempts = 1")
    with psycopg.connect(migrated_url) as holder:
        holder.execute("SELECT count(*) FROM agentforge.error_logs")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            archive_partition(database, NAME, tmp_path, retire=True)
    assert exists(database)
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_detached_can_be_archived_as_well(database: Connection, tmp_path: Path) -> None:
    maintain(database, Options(archive_to=tmp_path, keep_detached=True))
    assert (tmp_path / f"{NAME}.json").exists()
    assert exists(database)
    assert contents(database, "error_logs") == []


def test_a_partition_that_is_not_there_is_no_archive(database: Connection, tmp_path: Path) -> None:
    for name in ("error_logs_default", "users", "nothing"):
        with pytest.raises(AgentForgeError, match="no partition"):
            write_archive(database, name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_partition(database: Connection, tmp_path: Path) -> None:
    database.execute(
        "INSERT INTO error_logs (error_type, error_message, user_id, created_at) "
        "SELECT 'E', repeat(n::text, 200), NULL, '2020-01-05' FROM generate_series(1, 20000) AS n"
    )
    tracemalloc.start()
    try:
        archive = write_archive(database, NAME, tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert archive.rows == 20000 + len(TEXTS)
    assert peak < 4_000_000, "of 20 MB"
