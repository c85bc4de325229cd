"""A run that does not come to its end leaves the last one as it was, and says how it ended."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
import pytest
from fix_bench import SHELL, Bench

from agentforge.errors import AnalysisCancelled, DatabaseError
from agentforge.pipeline.events import Event, Notice, PhaseAdvanced, PhaseStarted
from agentforge.store import lifecycle
from agentforge.store.connection import DatabaseSettings, connect


def at(phase: str, action: Callable[[], None]) -> Callable[[Event], None]:
    """An observer that acts when a phase begins."""

    def observe(event: Event) -> None:
        if isinstance(event, PhaseStarted) and event.name == phase:
            action()

    return observe


def interrupt() -> None:
    raise KeyboardInterrupt


def ends(bench: Bench) -> list[tuple[str, str | None]]:
    return [(row[0], row[1]) for row in bench.rows("SELECT status, error_message FROM project_analyses ORDER BY id")]


@pytest.mark.parametrize("phase", ["walk", "analyse", "store", "compare"])
def test_ctrl_c_leaves_the_last_analysis_intact(bench: Bench, phase: str) -> None:
    bench.write("run.py", SHELL)
    bench.analyze()
    before = bench.versions()
    bench.write("run.py", "def other():\n    pass\n")
    with pytest.raises(AnalysisCancelled, match="last one stands"):
        bench.analyze(observer=at(phase, interrupt))
    assert bench.versions() == before
    assert ends(bench) == [("completed", None), ("cancelled", None)]


def test_a_fault_is_recorded_with_its_message(bench: Bench) -> None:
    def fault() -> None:
        raise RuntimeError("the moon is in the way")

    bench.write("run.py", SHELL)
    with pytest.raises(RuntimeError):
        bench.analyze(observer=at("store", fault))
    assert ends(bench) == [("failed", "RuntimeError: the moon is in the way")]
    assert not bench.versions()


@pytest.mark.parametrize("phase", ["walk", "analyse", "store", "compare"])
def test_a_lost_connection_leaves_nothing_half_written(bench: Bench, phase: str) -> None:
    bench.write("run.py", SHELL)

    def cut() -> None:
        bench.administer(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend' "
            f"AND pid NOT IN (pg_backend_pid(), {bench.connection.info.backend_pid})"
        )

    with (
        pytest.raises(DatabaseError, match="nothing was half-written"),
        connect(DatabaseSettings(url=bench.url)) as connection,
    ):
        bench.analyze(connection=connection, observer=at(phase, cut))
    assert not bench.versions()
    assert bench.analyze().analysis.files_analyzed == 1
    assert [status for status, _ in ends(bench)] == ["failed", "completed"]


def test_the_second_of_two_waits_and_says_so(bench: Bench) -> None:
    bench.write("run.py", SHELL)
    bench.analyze()
    waiting = threading.Event()
    reports = []

    def observe(event: Event) -> None:
        if isinstance(event, Notice) and "waiting" in event.text:
            waiting.set()

    def second() -> None:
        with connect(DatabaseSettings(url=bench.url)) as connection:
            reports.append(bench.analyze(connection=connection, observer=observe))

    thread = threading.Thread(target=second)
    (project_id,) = bench.rows("SELECT id FROM projects")[0]
    with lifecycle.project_lock(bench.connection, project_id, lambda: None):
        thread.start()
        assert waiting.wait(20)
        assert not reports
    thread.join(20)
    assert reports[0].analysis.files_unchanged == 1


def test_the_lock_of_a_killed_run_is_free(bench: Bench) -> None:
    bench.write("run.py", SHELL)
    bench.analyze()
    (project_id,) = bench.rows("SELECT id FROM projects")[0]
    with psycopg.connect(bench.url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(1095124047, %s::integer)", (project_id,))
    bench.connection.execute(
        "INSERT INTO project_analyses (project_id, branch, engine_version) VALUES (%s, '', '0')", (project_id,)
    )
    bench.analyze()
    assert [status for status, _ in ends(bench)] == ["completed", "failed", "completed"]


def test_progress_reaches_the_number_of_files(bench: Bench) -> None:
    for number in range(5):
        bench.write(f"{number}.py", "x = 1\n")
    events: list[Event] = []
    bench.analyze(observer=events.append)
    total = next(event.total for event in events if isinstance(event, PhaseStarted) and event.name == "analyse")
    assert total == sum(event.steps for event in events if isinstance(event, PhaseAdvanced)) == 5
