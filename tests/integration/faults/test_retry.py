"""Two sessions in each other's way: PostgreSQL ends one of them, which begins again, and both come to a good end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fix_bench import Bench
from fix_faults import AFTER, BEFORE, ends, stored, wait_at, write_tree
from psycopg.conninfo import make_conninfo

from agentforge.cli.database import open_database
from agentforge.embed.interface import load
from agentforge.errors import DatabaseError
from agentforge.pipeline.events import Event, PhaseStarted
from agentforge.store.connection import DatabaseSettings
from agentforge.store.faults import wrap_errors
from agentforge.store.retry import retrying


@pytest.fixture
def changed(bench: Bench) -> Bench:
    """Analysed once; the tree has changed since."""
    write_tree(bench.root, BEFORE)
    bench.analyze()
    write_tree(bench.root, AFTER)
    return bench


def analyze_as(bench: Bench, options: str, when_comparing: Callable[[], None]) -> int:
    """Analyse by a connection with options for the server; say how often it began to compare."""
    began = []

    def observe(event: Event) -> None:
        if isinstance(event, PhaseStarted) and event.name == "compare":
            began.append(event)
            if len(began) == 1:
                when_comparing()

    url = make_conninfo(bench.url, options=options)
    with open_database(DatabaseSettings(url=url), print) as connection:
        report = bench.analyze(connection=connection, observer=observe)
    phases = {phase.name: phase.rows for phase in report.analysis.phases}
    assert phases["store"] == 5, "files, violations and files that are gone, counted once"
    return len(began)


def test_a_deadlock_with_another_session_ends_well_for_both(changed: Bench) -> None:
    """The analysis holds the functions and wants the project; the other has the project and wants the functions."""
    with psycopg.connect(changed.url, options="-c deadlock_timeout=30s") as other:

        def want_the_functions() -> None:
            other.execute("LOCK TABLE agentforge.functions IN ACCESS EXCLUSIVE MODE")
            other.commit()

        wanting = threading.Thread(target=want_the_functions)

        def get_in_the_way() -> None:
            other.execute("UPDATE agentforge.projects SET description = 'mine'")
            wanting.start()
            wait_at(changed.url, "functions")

        assert analyze_as(changed, "-c deadlock_timeout=20ms", get_in_the_way) >= 2
        wanting.join()
    assert changed.rows("SELECT description FROM projects") == [("mine",)]
    assert ends(changed.url) == ["completed", "completed"]
    after = stored(changed.url)
    changed.analyze()
    assert stored(changed.url) == after


def test_a_serialization_failure_is_tried_again(changed: Bench) -> None:
    def change_the_project() -> None:
        changed.administer("UPDATE projects SET description = 'theirs'")

    assert analyze_as(changed, "-c default_transaction_isolation=serializable", change_the_project) == 2
    assert ends(changed.url) == ["completed", "completed"]
    after = stored(changed.url)
    changed.analyze()
    assert stored(changed.url) == after


@dataclass
class NewModel:
    """An embedder under the name of a model that the database has not seen."""

    name: str

    def __post_init__(self) -> None:
        self._model = load()
        self.version, self.dimension = self._model.version, self._model.dimension
        self.needs_features, self.layout = self._model.needs_features, self._model.layout

    def embed(self, snippets: Any) -> Any:
        return self._model.embed(snippets)


def test_projects_that_bring_new_models_at_once_do_not_disturb_each_other(bench: Bench, tmp_path: Path) -> None:
    """A new model adds partitions to tables that the others are writing."""
    failures: list[BaseException] = []

    def analyze_in_turn(name: str) -> None:
        try:
            write_tree(tmp_path / name, BEFORE)
            with open_database(DatabaseSettings(url=bench.url), print) as connection:
                mine = Bench(tmp_path / name, connection, bench.url)
                for turn in range(3):
                    mine.write("new.py", f"def f{turn}():\n    return {turn}\n")
                    mine.analyze(embedder=NewModel(f"{name}-{turn}"))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=analyze_in_turn, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert ends(bench.url) == ["completed"] * 6
    assert len({row[1:3] for row in stored(bench.url) if row[0] == "function"}) == 2


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_it_gives_up_in_the_end_and_says_what_to_do(bench: Bench, state: str) -> None:
    tries, pauses = [], list[float]()

    def fail() -> None:
        tries.append(bench.connection.execute("SELECT pg_current_xact_id()").fetchone())
        bench.connection.execute(f"DO $$ BEGIN RAISE 'in the way' USING ERRCODE = '{state}'; END $$".encode())

    with pytest.raises(DatabaseError, match="in the way") as caught, wrap_errors():
        retrying(bench.connection, fail, attempts=4, sleep=pauses.append)
    assert "run again" in caught.value.hint
    assert len(set(tries)) == 4
    assert len(pauses) == 3
    assert all(0 <= pause <= 1 for pause in pauses)


def test_another_error_is_not_tried_again(bench: Bench) -> None:
    tries: list[int] = []

    def fail() -> None:
        tries.append(1)
        bench.connection.execute("SELECT 1 / 0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        retrying(bench.connection, fail)
    assert tries == [1]


def test_nothing_of_a_failed_attempt_stays(bench: Bench) -> None:
    bench.connection.execute("CREATE TEMPORARY TABLE taken (n integer)")
    tries: list[int] = []

    def work() -> int:
        tries.append(len(tries))
        bench.connection.execute("INSERT INTO taken VALUES (%s)", (tries[-1],))
        if len(tries) < 3:
            bench.connection.execute("DO $$ BEGIN RAISE 'again' USING ERRCODE = '40001'; END $$")
        return tries[-1]

    assert retrying(bench.connection, work, sleep=lambda _: None) == 2
    assert bench.rows("SELECT n FROM taken") == [(2,)]


def test_a_run_that_somebody_else_ended_stores_nothing(changed: Bench) -> None:
    before = stored(changed.url)

    def observe(event: Event) -> None:
        if isinstance(event, PhaseStarted) and event.name == "analyse":
            changed.administer("UPDATE project_analyses SET status = 'failed', completed_at = now() WHERE id = 2")

    with pytest.raises(DatabaseError, match="Another session ended this analysis"):
        changed.analyze(observer=observe)
    assert stored(changed.url) == before
    assert ends(changed.url) == ["completed", "failed"]
