"""`agentforge db start|stop|status` on a real server in a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

COMMAND = str(Path(sys.executable).parent / "agentforge")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "AGENTFORGE"))}
    return subprocess.run(
        [COMMAND, "db", *arguments], capture_output=True, text=True, check=False, timeout=120, env=clean | environment
    )


def status(home: str, member: str) -> str:
    return str(json.loads(run("status", "--format", "json", HOME=home).stdout)[member])


@pytest.fixture
def home(tmp_path: Path) -> Iterator[str]:
    yield str(tmp_path)
    shutil.rmtree(status(str(tmp_path), "data_dir"), ignore_errors=True)  # for root it is not below the home


def state(home: str) -> str:
    return status(home, "state")


def test_start_shows_a_running_server_and_stop_ends_it(home: str) -> None:
    assert state(home) == "absent"
    try:
        started = run("start", HOME=home)
        assert started.returncode == 0, started.stderr
        assert "running, until it is stopped" in started.stdout
        assert state(home) == "running"
    finally:
        assert run("stop", HOME=home).returncode == 0
    assert state(home) == "stopped"
    assert "was not running" in run("stop", HOME=home).stderr


def test_another_server_is_not_ours_to_start(home: str) -> None:
    done = run("start", HOME=home, AGENTFORGE_DATABASE_URL="postgresql://user:secret@127.0.0.1:9/x")
    assert done.returncode == 2
    assert "secret" not in done.stderr


def test_a_folder_that_is_typed_goes_before_a_server_of_the_environment(home: str) -> None:
    """Else `db restore FILE --data-dir DIR` would restore into the server that everybody works with."""
    folder = str(Path(home, "typed"))
    elsewhere = {"AGENTFORGE_DATABASE_URL": "postgresql://127.0.0.1:9/x", "PGHOST": "127.0.0.1"}
    done = run("status", "--data-dir", folder, HOME=home, **elsewhere)
    assert done.returncode == 0, done.stderr
    assert "absent" in done.stdout
    assert run("status", HOME=home, AGENTFORGE_DATA_DIR=folder, **elsewhere).returncode == 3
    both = run("status", "--data-dir", folder, "--database-url", "postgresql://127.0.0.1:9/x", HOME=home)
    assert (both.returncode, both.stdout) == (2, "")
    assert "Give one of them." in both.stderr
