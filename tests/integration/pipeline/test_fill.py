"""Meaning that comes after an analysis is filled in: completely, once, and by many at a time."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest
from fills import LOAD, STATE, ask, task, vectors, write_functions
from fix_bench import Bench

from agentforge.cli.database import open_database
from agentforge.embed.interface import Snippet, load
from agentforge.errors import UsageError
from agentforge.pipeline import fill as filling
from agentforge.pipeline.events import Event, PhaseAdvanced, ignore
from agentforge.pipeline.fill import fill
from agentforge.store import meaning
from agentforge.store.connection import DatabaseSettings
from agentforge.store.similar import LeftOut, Search


def test_few_functions_have_their_meaning_with_the_analysis(bench: Bench) -> None:
    write_functions(bench, 5)
    bench.analyze()
    assert bench.rows(STATE) == [(False, 5)]
    assert ask(bench, "load_1").lacking.total == 0


def test_what_is_filled_in_is_what_an_analysis_would_have_stored(bench: Bench) -> None:
    write_functions(bench, 5)
    bench.analyze()
    expected = vectors(bench)
    bench.administer("DELETE FROM projects")
    bench.analyze(effort="fast")
    assert bench.rows(STATE) == [(True, 5)]
    assert vectors(bench) != expected
    assert fill(bench.connection, task(bench), ignore) == 5
    assert (bench.rows(STATE), vectors(bench)) == ([(False, 5)], expected)
    assert bench.analyze().analysis.files_analyzed == 0
    assert fill(bench.connection, task(bench), ignore) == 0


def test_the_room_of_rows_that_a_fill_rewrote_is_given_back(bench: Bench) -> None:
    write_functions(bench, 120)
    bench.analyze(effort="fast")
    work = task(bench)
    size = f"SELECT pg_relation_size('function_embeddings_{work.model_id}')"
    before = bench.rows(size)
    fill(bench.connection, work, ignore)
    assert bench.rows(size) > before
    gaps = meaning.Gaps(bench.connection, work.project_id, work.model_id)
    with psycopg.connect(bench.url) as other:
        other.execute("SELECT FROM agentforge.function_embeddings")
        assert (gaps.compact(999), gaps.compact(1000)) == (False, False)  # too few; somebody reads it
    assert gaps.compact(1000)
    assert bench.rows(size) == before
    assert bench.connection.execute("SELECT current_user, current_setting('lock_timeout')").fetchone() == (
        "agentforge_app",
        "0",
    )


def test_many_functions_get_it_later(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder: Any = load()
    monkeypatch.setattr(type(embedder), "at_once", 3)
    write_functions(bench, 9)
    bench.analyze(embedder=embedder)
    assert bench.rows(STATE) == [(True, 9)]
    write_functions(bench, 2, "few.py")
    bench.analyze(embedder=embedder)
    assert bench.rows(STATE) == [(True, 11)]  # the code is that of others, which have no meaning yet
    bench.write("new.py", "def other(x):\n    return x ** 2\n")
    bench.analyze(embedder=embedder)
    assert bench.rows(STATE) == [(False, 1), (True, 11)]


def test_a_fill_that_is_interrupted_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "_FIRST_ROUND", 4)
    write_functions(bench, 12)
    bench.analyze(effort="fast")

    def interrupt(event: Event) -> None:
        if isinstance(event, PhaseAdvanced):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(bench.connection, task(bench), interrupt)
    assert bench.rows(STATE) == [(False, 4), (True, 8)]
    assert ask(bench, "load_1").lacking.functions == 8
    seen: list[int] = []
    embedder: Any = load()
    real = embedder.meaning.vectors
    monkeypatch.setattr(embedder.meaning, "vectors", lambda pieces: seen.append(len(pieces)) or real(pieces))
    assert fill(bench.connection, task(bench, embedder), ignore) == 8
    assert bench.rows(STATE) == [(False, 12)]
    assert sum(seen) == 7  # one has the code of another that was done


def test_two_fills_at_once_share_the_work(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "_FIRST_ROUND", 5)
    write_functions(bench, 40)
    bench.analyze(effort="fast")
    both = threading.Barrier(2)
    done: list[int] = []

    def run() -> None:
        def meet(event: Event) -> None:
            if isinstance(event, PhaseAdvanced) and event.steps == 5:
                both.wait(30)  # neither has gone on before the other has begun

        with open_database(DatabaseSettings(url=bench.url), print) as connection:
            done.append(fill(connection, job, meet))

    job = task(bench)
    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 40
    assert min(done) >= 5
    assert bench.rows(STATE) == [(False, 40)]


def test_vectors_that_were_left_out_are_made_of_the_stored_code(bench: Bench) -> None:
    write_functions(bench, 4)
    bench.analyze()
    expected = vectors(bench)
    bench.administer("DELETE FROM projects")
    bench.analyze(effort="none")
    assert bench.rows(STATE) == []
    with pytest.raises(UsageError, match=r"not embedded yet\.\n.*agentforge embed"):
        ask(bench, "load_1")
    code = {"code": LOAD.format(name="f", n=9), "code_language": "python"}
    assert ask(bench, "-", **code).left_out == LeftOut((), 4)
    assert ask(bench, "-", **code, language="go").left_out == LeftOut()
    assert fill(bench.connection, task(bench), ignore) == 4
    assert vectors(bench) == expected
    assert ask(bench, "load_1").matches


def test_an_analysis_embeds_what_an_earlier_one_left_out(bench: Bench) -> None:
    longer = LOAD.replace("    return", "    check(text)\n    note(text)\n    return")
    bench.write("many.py", longer.format(name="one", n=1) + "\n\n" + longer.format(name="two", n=2))
    bench.write("other.py", "def other(a):\n    return a.sum()\n")
    bench.analyze()
    expected = vectors(bench)
    bench.write("many.py", (bench.root / "many.py").read_text() + "\n# a comment\n")
    assert bench.analyze(effort="none").analysis.files_analyzed == 1
    assert (bench.analyze(effort="none").analysis.files_analyzed, len(vectors(bench))) == (0, 1)
    report = bench.analyze()
    assert (report.analysis.files_analyzed, vectors(bench)) == (1, expected)
    assert report.summary.duplicate_count == 1
    assert bench.rows("SELECT count(*) FROM file_analyses WHERE superseded_by IS NULL AND model_id IS NULL") == [(0,)]
    assert bench.analyze(effort="none").analysis.files_analyzed == bench.analyze().analysis.files_analyzed == 0


def test_what_the_fill_embedded_needs_no_analysis(bench: Bench) -> None:
    write_functions(bench, 4)
    bench.analyze(effort="none")
    fill(bench.connection, task(bench), ignore)
    assert bench.analyze().analysis.files_analyzed == 0


def test_words_and_structure_alone_are_had_at_once(bench: Bench) -> None:
    write_functions(bench, 4)
    bench.analyze(embedder=load("fast"), effort="fast")
    assert len(vectors(bench)) == 4


def test_functions_of_another_model_are_embedded_anew_without_their_sources(bench: Bench) -> None:
    write_functions(bench, 6)
    bench.analyze(embedder=load("fast"))
    (bench.root / "many.py").rename(bench.root / "gone")
    assert fill(bench.connection, task(bench), ignore) == 6
    assert bench.rows("SELECT DISTINCT m.name FROM function_embeddings JOIN embedding_models m ON m.id = model_id") == [
        ("hybrid",)
    ]
    (bench.root / "gone").rename(bench.root / "many.py")
    assert bench.analyze().analysis.files_analyzed == 0
    assert [item.name for item in Search(bench.connection).projects.values()] == ["project"]
    assert Search(bench.connection).models()[0][1] == "hybrid"


def test_bad_code_is_filled_as_any_other(bench: Bench) -> None:
    bench.write("empty.py", "def empty():\n    pass\n")
    bench.write("long.py", "def long():\n" + "    x = 1\n" * 20_000)
    bench.write("broken.py", "def broken(:\n    return 'a\n\n\ndef next(:\n    return [\n")
    bench.analyze(effort="fast")
    count = len(vectors(bench))
    assert count >= 2
    assert fill(bench.connection, task(bench), ignore) == count
    assert bench.rows(STATE) == [(False, count)]


def test_an_embedder_in_one_step_leaves_all_for_later(bench: Bench) -> None:
    class Plain:
        name, version, dimension, layout, needs_features = "plain", "1", 2, (), False

        def embed(self, snippets: list[Snippet]) -> Any:
            import numpy as np

            return np.array([[0.6, 0.8]] * len(snippets), np.float32)

    write_functions(bench, 3)
    bench.analyze(embedder=Plain(), effort="fast")
    assert bench.rows(STATE) == []
    assert fill(bench.connection, task(bench, Plain()), ignore) == 3
    assert bench.rows(STATE) == [(False, 3)]
