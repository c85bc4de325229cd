"""`agentforge db migrate|sql|partitions|maintain` as cron and administrators run them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import in_process
import psycopg
import pytest

from agentforge.store.maintenance import STEPS

COMMAND = str(Path(sys.executable).parent / "agentforge")


def run(url: str, *arguments: str, **environment: str) -> in_process.Done:
    return in_process.run("db", *arguments, AGENTFORGE_DATABASE_URL=url, NO_COLOR="1", **environment)


def test_migrate_says_what_it_did_once(database_url: str) -> None:
    first = json.loads(run(database_url, "migrate", "--format", "json").stdout)
    assert first["applied"][0] == "0001_spine"
    assert run(database_url, "migrate").stdout == "The schema is up to date.\n"


def test_maintain_is_silent_for_cron_and_one_line_for_machines(migrated_url: str) -> None:
    quiet = run(migrated_url, "maintain", "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    done = run(migrated_url, "maintain", "--format", "json")
    assert done.stdout.count("\n") == 1
    assert [step["error"] for step in json.loads(done.stdout)["steps"]] == [None] * len(STEPS)


def test_a_second_maintenance_says_so_and_is_no_failure(migrated_url: str) -> None:
    with psycopg.connect(migrated_url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(1095124047, -1)")
        done = run(migrated_url, "maintain")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Another maintenance is running" in done.stderr


def test_a_failed_step_is_named_and_the_exit_code_says_so(migrated_url: str) -> None:
    with psycopg.connect(migrated_url, autocommit=True) as other:
        other.execute("DROP MATERIALIZED VIEW agentforge.weekly_performance_summary CASCADE")
    done = run(migrated_url, "maintain")
    assert done.returncode == 3
    assert "refresh failed: weekly_performance_summary: A view is missing." in done.stderr
    assert "analyze" in done.stdout


def test_partitions_are_listed(migrated_url: str) -> None:
    listed = json.loads(run(migrated_url, "partitions", "--format", "json").stdout)["partitions"]
    assert {item["table"] for item in listed} == {"api_requests", "audit_logs", "error_logs", "performance_metrics"}
    table = run(migrated_url, "partitions").stdout.splitlines()
    names = [line.split()[0] for line in table[1:]]
    assert names == [item["name"] for item in listed], "in a pipe nothing is cut short"


def test_the_printed_sql_makes_the_schema(new_database: object, database_url: str) -> None:
    printed = run("postgresql://nowhere.invalid/none", "sql")
    assert printed.returncode == 0, "it connects to nothing"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(printed.stdout.encode())
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'agentforge'").fetchone()
    assert tables is not None
    assert tables[0] > 20
    assert run(database_url, "migrate").stdout == "The schema is up to date.\n", "the tool knows what it finds"


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True, options="-c search_path=agentforge") as connection:
        return connection.execute(query.encode()).fetchall()


def everything(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables but the log of commands and what the audit trail says of it."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'agentforge'::regnamespace "
            "AND relkind IN ('r', 'm') AND relname NOT LIKE 'api_requests%' ORDER BY 1"
        ).fetchall()
        told = "to_jsonb(t) ->> 'resource_type' IS DISTINCT FROM 'api_requests'"
        read = f"SELECT t::text FROM {{}} AS t WHERE {told} ORDER BY 1"
        return {name: connection.execute(read.format(name).encode()).fetchall() for (name,) in tables}


@pytest.fixture
def old(migrated_url: str) -> str:
    """A database with a month of errors that is long past its retention, and one stray."""
    insert = "INSERT INTO error_logs (error_type, error_message, created_at) VALUES ('E', '', '{}') RETURNING 1"
    rows(migrated_url, insert.format("2020-01-05"))
    rows(migrated_url, "SELECT rollover_partitions('error_logs', 0, '2020-01-01')")
    rows(migrated_url, insert.format("2020-02-05"))
    return migrated_url


def test_a_dry_run_changes_nothing_and_says_what_would_be_done(old: str, tmp_path: Path) -> None:
    before = everything(old)
    for command in (["maintain"], ["cleanup"], ["partitions", "rollover"]):
        archive = [] if "rollover" in command else ["--archive-to", str(tmp_path / "archive")]
        done = run(old, *command, "--dry-run", *archive)
        assert (done.returncode, done.stderr) == (0, "")
        assert "would " in done.stdout
    assert everything(old) == before
    assert list(tmp_path.iterdir()) == []


def test_each_part_is_a_command_of_its_own(old: str, tmp_path: Path) -> None:
    made = run(old, "partitions", "rollover", "--months-ahead", "0").stdout
    assert "error_logs_y2020m02" in made
    assert "rows moved out of the defaults" in made
    assert run(old, "refresh").stdout.startswith("refresh ")
    listed = json.loads(run(old, "partitions", "--exact", "--format", "json").stdout)
    assert {item["name"]: item["rows"] for item in listed["partitions"] if item["table"] == "error_logs"}[
        "error_logs_y2020m01"
    ] == 1
    assert listed["retention"]["audit_logs"] == "2 years"
    done = run(old, "archive", str(tmp_path), "--partition", "error_logs_y2020m01")
    assert done.stdout == f"archived error_logs_y2020m01 to {tmp_path}/error_logs_y2020m01.csv.gz (1 rows)\n"
    assert run(old, "partitions", "retention", "error_logs", "forever").stdout == "error_logs is kept.\n"
    assert "dropped" not in run(old, "cleanup").stdout
    assert run(old, "partitions", "retention", "error_logs", "24 months").stdout == "error_logs is kept for 2 years.\n"
    assert "dropped error_logs_y2020m01, error_logs_y2020m02" in run(old, "cleanup").stdout
    assert run(old, "archive", str(tmp_path)).stderr == "No partition is old enough.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["archive", "{folder}", "--partition", "error_logs_default"],
        ["archive", "{folder}", "--older-than", "long ago"],
        ["archive", "{folder}", "--older-than", "-1 year"],
        ["archive", "{folder}", "--older-than", "5 years", "--partition", "error_logs_y2020m01"],
        ["partitions", "retention", "error_logs", "1 day"],
    ],
)
def test_what_cannot_be_meant_is_a_fault_of_usage(old: str, tmp_path: Path, arguments: list[str]) -> None:
    done = run(old, *[argument.format(folder=tmp_path) for argument in arguments])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("agentforge: ")


def test_an_archive_folder_of_the_environment_is_used(old: str, tmp_path: Path) -> None:
    assert run(old, "maintain", "--quiet", AGENTFORGE_ARCHIVE_DIR=str(tmp_path / "archive")).returncode == 0
    assert sorted(file.name for file in (tmp_path / "archive").iterdir()) == [
        "error_logs_y2020m01.csv.gz",
        "error_logs_y2020m01.json",
        "error_logs_y2020m02.csv.gz",
        "error_logs_y2020m02.json",
    ]


def start(url: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "AGENTFORGE_DATABASE_URL": url, "NO_COLOR": "1"}
    return subprocess.Popen(
        [COMMAND, "db", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def test_two_at_once_do_it_once(migrated_url: str) -> None:
    rows(migrated_url, "DELETE FROM performance_metrics RETURNING 1")
    running = [start(migrated_url, "maintain") for _ in range(2)]
    told = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0]
    beside = sum("Another maintenance is running" in stderr for _, stderr in told)
    [(recorded,)] = rows(migrated_url, 'SELECT count(*) FROM performance_metrics WHERE tags @> \'{"step": "refresh"}\'')
    assert recorded == 2 - beside


@contextmanager
def stuck(url: str) -> Iterator[tuple[subprocess.Popen[str], psycopg.Connection[Any], int]]:
    """A maintenance that waits for a lock: its process, another connection, and the number of its server process."""
    with (
        psycopg.connect(url) as holder,
        psycopg.connect(url, autocommit=True) as other,
    ):
        holder.execute("SELECT agentforge.rollover_partitions('error_logs', 0, '2001-01-01')")
        holder.commit()
        holder.execute("SELECT count(*) FROM agentforge.error_logs")
        process = start(url, "maintain")
        waiting = (
            "SELECT a.pid FROM pg_locks AS a JOIN pg_locks AS w ON w.pid = a.pid AND NOT w.granted "
            "JOIN pg_database AS d ON d.oid = a.database AND d.datname = current_database() "
            "WHERE a.locktype = 'advisory' AND a.objid = 4294967295"
        )
        for _ in range(600):
            found = other.execute(waiting.encode()).fetchone()
            if found:
                yield process, other, found[0]
                break
            time.sleep(0.05)
        else:
            process.kill()
            pytest.fail("it never waited for the lock")
        process.communicate(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whoever_stops_it_finds_it_stopped_and_its_locks_gone(migrated_url: str, number: int) -> None:
    with stuck(migrated_url) as (process, other, _):
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
        assert (process.returncode, stdout, stderr) == (
            130,
            "",
            "agentforge: Interrupted.\nWhat was done is kept, nothing is half-done: run it again.\n",
        )
        assert other.execute("SELECT pg_try_advisory_lock(1095124047, -1)").fetchone() == (True,)
    [(status,)] = rows(migrated_url, "SELECT response_status FROM api_requests WHERE endpoint = 'db maintain'")
    assert status == 130


def test_a_lost_connection_is_told_and_is_a_failure(migrated_url: str) -> None:
    with stuck(migrated_url) as (process, other, pid):
        other.execute("SELECT pg_terminate_backend(%s)", (pid,))
        _, stderr = process.communicate(timeout=60)
        assert process.returncode == 3
        assert "rollover failed: the connection was lost" in stderr
        assert "Traceback" not in stderr
