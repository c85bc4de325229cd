"""`agentforge db migrate|sql|partitions|maintain` as cron and administrators run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg

COMMAND = str(Path(sys.executable).parent / "agentforge")


def run(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AGENTFORGE_DATABASE_URL": url, "NO_COLOR": "1"}
    return subprocess.run(
        [COMMAND, "db", *arguments], capture_output=True, text=True, check=False, timeout=120, env=environment
    )


def test_migrate_says_what_it_did_once(database_url: str) -> None:
    first = json.loads(run(database_url, "migrate", "--format", "json").stdout)
    assert first["applied"][0] == "0001_spine"
    assert run(database_url, "migrate").stdout == "The schema is up to date.\n"


def test_maintain_is_silent_for_cron_and_one_line_for_machines(database_url: str) -> None:
    quiet = run(database_url, "maintain", "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    done = run(database_url, "maintain", "--format", "json")
    assert done.stdout.count("\n") == 1
    assert [step["error"] for step in json.loads(done.stdout)["steps"]] == [None] * 5


def test_a_second_maintenance_says_so_and_is_no_failure(database_url: str) -> None:
    run(database_url, "migrate")
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(1095124047, -1)")
        done = run(database_url, "maintain")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Another maintenance is running" in done.stderr


def test_a_failed_step_is_named_and_the_exit_code_says_so(database_url: str) -> None:
    run(database_url, "migrate")
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("DROP MATERIALIZED VIEW agentforge.weekly_performance_summary CASCADE")
    done = run(database_url, "maintain")
    assert done.returncode == 3
    assert "refresh failed" in done.stderr
    assert "analyze" in done.stdout


def test_partitions_are_listed(database_url: str) -> None:
    run(database_url, "migrate")
    listed = json.loads(run(database_url, "partitions", "--format", "json").stdout)["partitions"]
    assert {item["table"] for item in listed} == {"api_requests", "audit_logs", "error_logs", "performance_metrics"}
    assert "audit_logs_default" in run(database_url, "partitions").stdout


def test_the_printed_sql_makes_the_schema(new_database: object, database_url: str) -> None:
    printed = run("postgresql://nowhere.invalid/none", "sql")
    assert printed.returncode == 0, "it connects to nothing"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(printed.stdout.encode())
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'agentforge'").fetchone()
    assert tables is not None
    assert tables[0] > 20
    assert run(database_url, "migrate").stdout == "The schema is up to date.\n", "the tool knows what it finds"
