"""The embedded server, killed by SIGKILL under an analysis, alone or with the tool: the next one finds all whole."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fix_faults import AFTER, BEFORE, ends, gate, run, start_command, stored, wait_at, write_tree

from agentforge.store.embedded.server import Server


def analyze_embedded(tree: Path, folder: Path) -> int:
    return run(["analyze", str(tree), "--quiet", "--data-dir", str(folder)])


def kill_server(server: Server) -> None:
    """Kill the postmaster and every process of it."""
    postmaster = server.pid
    assert postmaster is not None
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for pid in (postmaster, *map(int, children)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def stop_at(server: Server, tree: Path, table: str, *, both: bool) -> tuple[int, str]:
    """Run the command until it waits for a table; kill the server there, and the tool before it, too, if both is set.

    Returns:
        Exit code and error output of the command.
    """
    url = server.ensure_running()
    with start_command("analyze", str(tree), AGENTFORGE_DATA_DIR=str(server.paths.home)) as command:
        with suppress(psycopg.OperationalError), gate(url, table, "SHARE"):
            wait_at(url, table)
            if both:
                command.kill()
            kill_server(server)
        error = command.communicate(timeout=60)[1]
        return command.returncode, error


@pytest.fixture
def server(shared_folder: Path) -> Server:
    return Server(str(shared_folder))


@pytest.fixture
def before(server: Server, tmp_path: Path) -> list[tuple[Any, ...]]:
    """The state of a first analysis; the tree has changed since."""
    write_tree(tmp_path / "project", BEFORE)
    assert analyze_embedded(tmp_path / "project", server.paths.home) == 1
    write_tree(tmp_path / "project", AFTER)
    return stored(server.ensure_running())


def test_a_killed_server_costs_a_sentence_and_the_state_is_the_one_before(
    server: Server, tmp_path: Path, before: list[tuple[Any, ...]]
) -> None:
    code, error = stop_at(server, tmp_path / "project", "performance_metrics", both=False)
    assert code == 3
    assert "run again when it is back; nothing was half-written" in error
    assert "Traceback" not in error
    assert stored(server.ensure_running()) == before
    assert analyze_embedded(tmp_path / "project", server.paths.home) == 1
    assert ends(server.ensure_running())[-3:] == ["completed", "failed", "completed"]


def test_both_killed_at_once_leave_the_state_before_and_what_was_reported_stays(
    server: Server, tmp_path: Path, before: list[tuple[Any, ...]]
) -> None:
    assert stop_at(server, tmp_path / "project", "code_violations", both=True)[0] == -signal.SIGKILL
    assert stored(server.ensure_running()) == before
    assert analyze_embedded(tmp_path / "project", server.paths.home) == 1
    assert ends(server.ensure_running())[-3:] == ["completed", "failed", "completed"]
    after = stored(server.ensure_running())
    assert after != before
    kill_server(server)
    assert stored(server.ensure_running()) == after
    assert analyze_embedded(tmp_path / "project", server.paths.home) == 1
    assert stored(server.ensure_running()) == after
