"""The tool, killed by SIGKILL in any phase, leaves the state before it or the state after it, and the next run works.

Each test lets the command run until a lock stops it in the phase in question, and kills it there.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fix_faults import AFTER, BEFORE, analyze, ends, gate, start_command, stored, wait_at, write_tree


def kill_at(tree: Path, url: str, table: str, mode: str) -> None:
    """Run the command until it waits for a table, and kill it."""
    with gate(url, table, mode), start_command("analyze", str(tree), AGENTFORGE_DATABASE_URL=url) as command:
        wait_at(url, table)
        command.kill()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tmp_path / "project"


@pytest.fixture
def before(tree: Path, migrated_url: str) -> list[tuple[Any, ...]]:
    """The state of a first analysis; the tree has changed since."""
    write_tree(tree, BEFORE)
    analyze(tree, migrated_url)
    write_tree(tree, AFTER)
    return stored(migrated_url)


@pytest.mark.parametrize(
    ("phase", "table", "mode"),
    [
        ("walk", "file_analyses", "ACCESS EXCLUSIVE"),
        ("analyse", "functions", "ACCESS EXCLUSIVE"),
        ("store", "code_violations", "SHARE"),
        ("compare", "function_duplicates", "SHARE"),
        ("the last statements of the transaction", "performance_metrics", "SHARE"),
    ],
)
def test_a_killed_run_leaves_the_state_before_it(
    tree: Path, migrated_url: str, before: list[tuple[Any, ...]], phase: str, table: str, mode: str
) -> None:
    kill_at(tree, migrated_url, table, mode)
    assert stored(migrated_url) == before, phase
    assert analyze(tree, migrated_url) == 1
    assert stored(migrated_url) != before
    assert ends(migrated_url) == ["completed", "failed", "completed"]


def test_a_run_killed_while_it_reports_leaves_the_state_after_it(
    tree: Path, migrated_url: str, before: list[tuple[Any, ...]]
) -> None:
    holding = threading.Event()

    def hold() -> None:
        with psycopg.connect(migrated_url) as connection:
            connection.execute("LOCK TABLE agentforge.code_violations IN ACCESS EXCLUSIVE MODE")
            holding.wait(20)
            connection.rollback()

    thread = threading.Thread(target=hold)
    with start_command("analyze", str(tree), AGENTFORGE_DATABASE_URL=migrated_url) as command:
        with gate(migrated_url, "performance_metrics", "SHARE"):
            wait_at(migrated_url, "performance_metrics")
            thread.start()
            wait_at(migrated_url, "code_violations", "AccessExclusive")  # it is next, before the report
        wait_at(migrated_url, "code_violations", "AccessShare")
        command.kill()
    holding.set()
    thread.join()
    after = stored(migrated_url)
    assert after != before
    assert analyze(tree, migrated_url) == 1
    assert stored(migrated_url) == after
    assert ends(migrated_url) == ["completed", "completed", "completed"]
