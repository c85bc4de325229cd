"""A server whose clock goes back: what came later is known by its number, and no row is lost or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fix_bench import SHELL, Bench
from fix_faults import ends, stored

from agentforge.cli.database import open_as_owner
from agentforge.pipeline.events import Event, PhaseStarted
from agentforge.store.connection import DatabaseSettings
from agentforge.store.maintenance import Options, maintain
from agentforge.store.partitions import partitions

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

TIMES = {
    "projects": "created_at updated_at last_analyzed_at",
    "project_analyses": "started_at completed_at",
    "file_analyses": "created_at",
    "code_violations": "created_at resolved_at",
    "performance_metrics": "recorded_at",
    "api_requests": "created_at",
    "embedding_models": "created_at",
}


def advance(bench: Bench, interval: str) -> None:
    """All that is stored was written by a clock that was fast, and has been set right now."""
    for table, columns in TIMES.items():
        changes = ", ".join(f"{column} = {column} + interval '{interval}'" for column in columns.split())
        bench.administer(f"SET session_replication_role = replica; UPDATE {table} SET {changes}")


@pytest.mark.parametrize("interval", ["2 hours", "2 years"])
def test_analyses_follow_each_other_by_number(bench: Bench, interval: str) -> None:
    bench.write("run.py", SHELL)
    first = bench.analyze()
    advance(bench, interval)
    bench.write("run.py", "def other():\n    pass\n")
    second = bench.analyze()
    assert second.analysis.previous_id == first.analysis.id
    assert {item.status.value for item in second.violations} == {"fixed"}
    third = bench.analyze()
    assert third.analysis.previous_id == second.analysis.id
    assert third.analysis.files_unchanged == 1
    assert len([row for row in stored(bench.url) if row[0] == "file"]) == 2


def test_a_clock_that_goes_back_in_mid_run_ends_it_well(bench: Bench) -> None:
    def observe(event: Event) -> None:
        if isinstance(event, PhaseStarted) and event.name == "store":
            bench.administer("UPDATE project_analyses SET started_at = started_at + interval '1 day'")

    bench.write("run.py", SHELL)
    bench.analyze(observer=observe)
    assert ends(bench.url) == ["completed"]
    assert bench.analyze().analysis.files_unchanged == 1


def test_rows_of_any_time_find_a_partition_and_maintenance_goes_on(bench: Bench) -> None:
    def measurements() -> list[tuple[Any, ...]]:
        return bench.rows("SELECT id, metric_name FROM performance_metrics ORDER BY id")

    def failures(connection: Connection, options: Options) -> list[str]:
        steps = maintain(connection, options)
        assert steps
        return [step.error for step in steps if step.error is not None]

    settings = DatabaseSettings(url=bench.url)
    bench.write("run.py", SHELL)
    bench.analyze()
    advance(bench, "1 year 3 months")
    with open_as_owner(settings, print) as connection:
        assert failures(connection, Options()) == []
        made = {item.name for item in partitions(connection)}
    advance(bench, "-2 years")
    bench.write("other.py", "x = 1\n")
    before = measurements()
    bench.analyze()
    after = measurements()
    assert after[: len(before)] == before
    assert len(after) > len(before)
    with open_as_owner(settings, print) as connection:
        assert failures(connection, Options(dry_run=True)) == []
        assert failures(connection, Options()) == []
        assert made <= {item.name for item in partitions(connection)}
    kept = measurements()
    assert {row for row in after if row not in before} <= set(kept)
