"""`agentforge db doctor` and `db status` as people and machines run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import psycopg

COMMAND = str(Path(sys.executable).parent / "agentforge")
SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "doctor.schema.json"
NOWHERE = "postgresql://user:secret@127.0.0.1:9/x?connect_timeout=2"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "AGENTFORGE"))}
    return subprocess.run(
        [COMMAND, "db", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=clean | {"NO_COLOR": "1"} | environment,
    )


def document(*arguments: str, **environment: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*arguments, "--format", "json", **environment).stdout)
    return found


def test_an_embedded_database_that_is_set_up_is_well(folder: Path) -> None:
    assert document("status", "--data-dir", str(folder))["database"] is None, "nothing is started"
    assert run("migrate", "--data-dir", str(folder)).returncode == 0
    done = run("doctor", "--data-dir", str(folder))
    assert done.returncode == 0, done.stdout
    assert "critical 0, warnings 0" in done.stdout
    assert run("doctor", "--quiet", "--data-dir", str(folder)).stdout == ""
    status = document("status", "--data-dir", str(folder))
    assert status["state"] == "running"
    assert status["database"]["pending"] == []
    assert status["database"]["last_maintenance"] is not None
    assert "maintained" in run("status", "--data-dir", str(folder)).stdout


def test_what_is_wrong_is_printed_for_people_and_machines(database_url: str) -> None:
    run("migrate", AGENTFORGE_DATABASE_URL=database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE agentforge.projects DISABLE ROW LEVEL SECURITY")
    done = run("doctor", "--quiet", AGENTFORGE_DATABASE_URL=database_url)
    assert done.returncode == 1, done.stderr
    assert "projects has no row-level security" in done.stdout
    assert "ALTER TABLE agentforge.projects ENABLE ROW LEVEL SECURITY;" in done.stdout
    assert "partitions" not in done.stdout
    found = document("doctor", AGENTFORGE_DATABASE_URL=database_url)
    jsonschema.validate(found, json.loads(SCHEMA.read_text()))
    assert found["worst"] == "critical"
    with psycopg.connect(database_url) as connection:
        logged = connection.execute(
            "SELECT response_status FROM agentforge.api_requests WHERE endpoint = 'db doctor'"
        ).fetchall()
    assert logged == [(1,), (1,)]


def test_a_database_that_is_not_ours_yet_is_left_as_it_is(database_url: str) -> None:
    status = document("status", AGENTFORGE_DATABASE_URL=database_url)
    assert status["database"]["schema_version"] is None
    done = run("doctor", AGENTFORGE_DATABASE_URL=database_url)
    assert done.returncode == 1
    assert "agentforge db init" in done.stdout
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT to_regnamespace('agentforge') IS NULL").fetchone() == (True,)


def test_a_server_that_does_not_answer_is_no_finding() -> None:
    for command in ("doctor", "status"):
        done = run(command, AGENTFORGE_DATABASE_URL=NOWHERE)
        assert (done.returncode, done.stdout) == (3, "")
        assert "secret" not in done.stderr
