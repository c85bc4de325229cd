"""Meaning that comes after an analysis: what is answered until then, and how it is filled in."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest
from fix_bench import Bench

from agentforge.cli.database import open_as_owner, open_database
from agentforge.embed.interface import Snippet, load
from agentforge.errors import UsageError
from agentforge.pipeline import fill as filling
from agentforge.pipeline.duplicates import Request as DuplicatesRequest
from agentforge.pipeline.duplicates import find_duplicates
from agentforge.pipeline.events import Event, PhaseAdvanced, ignore
from agentforge.pipeline.fill import Task, fill
from agentforge.pipeline.search import Request as SearchRequest
from agentforge.pipeline.search import search_text
from agentforge.pipeline.similar import Found, Request, nearest, ranked
from agentforge.store import lifecycle, meaning, neighbours
from agentforge.store.connection import DatabaseSettings
from agentforge.store.duplicates import Comparison
from agentforge.store.health import health_checks
from agentforge.store.similar import LeftOut, Search
from agentforge.store.text_search import TextSearch

LOAD = "def {name}(path):\n    with open(path) as stream:\n        text = stream.read()\n    return parse(text, {n})\n"
STATE = "SELECT lacks_meaning, count(*)::integer FROM function_embeddings GROUP BY 1 ORDER BY 1"


def write_functions(bench: Bench, count: int, path: str = "many.py") -> None:
    """Functions that differ in a number, and one pair of equal code."""
    code = [LOAD.format(name=f"load_{n}", n=n) for n in range(count - 1)]
    bench.write(path, "\n\n".join([*code, LOAD.format(name="load_0", n=0)]))


def ask(bench: Bench, function: str, **changes: Any) -> Found:
    values: dict[str, Any] = {
        "code": None,
        "code_language": None,
        "here": lambda: None,
        "file": None,
        "model": None,
        "project": None,
        "other_projects": False,
        "language": None,
        "limit": 10,
        "min_score": -1.0,
    }
    request = Request(function, **(values | changes))
    return ranked(nearest(Search(bench.connection), request), request)


def model_of(bench: Bench, embedder: Any) -> int:
    return lifecycle.ensure_model(
        bench.connection, embedder.name, embedder.version, embedder.dimension, embedder.layout
    )


def task(bench: Bench, embedder: Any = None, jobs: int = 1) -> Task:
    embedder = embedder or load()
    model_id = model_of(bench, embedder)
    (project,) = meaning.unfinished(bench.connection, model_id)
    return Task(project.id, model_id, embedder, project.functions, jobs)


def vectors(bench: Bench) -> list[tuple[Any, ...]]:
    return bench.rows(
        "SELECT f.qualified_name, f.start_line, e.embedding::text FROM function_embeddings AS e "
        "JOIN functions AS f ON f.id = e.function_id ORDER BY 1, 2"
    )


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


def test_without_meaning_words_and_structure_answer_and_say_so(bench: Bench) -> None:
    write_functions(bench, 4)
    bench.write("other.py", "class Area:\n    def area(self):\n        return sum(side ** 2 for side in self.sides)\n")
    bench.analyze(embedder=load("fast"))
    by_features = {match.function.qualified_name: match.score for match in ask(bench, "load_1").matches}
    bench.analyze(effort="fast")
    found = ask(bench, "load_1")
    assert found.lacking.total == 5
    scores = {match.function.qualified_name: match.score for match in found.matches}
    assert scores.keys() == by_features.keys()
    assert scores["Area.area"] < 0.5 < scores["load_0"]
    pasted = ask(bench, "-", code=LOAD.format(name="read", n=7), code_language="python")
    assert pasted.lacking.functions == 5
    assert pasted.matches[0].function.qualified_name.startswith("load_")
    searched = search_text(
        TextSearch(bench.connection, Search(bench.connection)), SearchRequest("load a path", None, None, None, False, 3)
    )
    assert (searched.model, searched.without_meaning) == ("hybrid", 5)

    fill(bench.connection, task(bench), ignore)
    found = ask(bench, "load_1")
    assert found.lacking.total == 0
    assert {match.function.qualified_name: match.score for match in found.matches} != scores


def test_a_search_that_looks_elsewhere_does_not_mind(bench: Bench) -> None:
    write_functions(bench, 3)
    bench.write("other.lua", "function area(side)\n  return side * side\nend\n")
    bench.analyze(effort="fast")
    bench.administer("UPDATE function_embeddings SET lacks_meaning = false WHERE file_type = 'lua'")
    code = "function f(x)\n  return x * x\nend\n"
    assert ask(bench, "-", code=code, code_language="lua", language="lua").lacking.total == 0
    assert ask(bench, "-", code=code, code_language="lua").lacking.total == 3
    assert ask(bench, "load_1", language="lua").lacking == meaning_of_subject()


def meaning_of_subject() -> Any:
    from agentforge.store.similar import Lacking

    return Lacking(0, subject=True)


def test_duplicates_are_the_same_with_and_without_meaning(bench: Bench) -> None:
    long = LOAD + "".join(f"    rows.append(path.column_{n})\n" for n in range(6))
    bench.write("a.py", long.format(name="load", n=1))
    bench.write("b.py", f"{long.format(name='load', n=2)}\n\n{long.format(name='load', n=3)}")
    wanted = DuplicatesRequest(lambda: None, (), False, False, None, True, 0.88, 3, 10)

    def found() -> list[tuple[Any, ...]]:
        clusters = find_duplicates(Comparison(bench.connection), wanted, ignore).clusters
        return [
            (round(member.score, 1), member.function.qualified_name, member.function.start_line)
            for cluster in clusters
            for member in cluster.members
        ]

    bench.analyze(effort="fast")
    before = found()
    assert len(before) == 3
    fill(bench.connection, task(bench), ignore)
    assert found() == before
    bench.analyze(embedder=load("fast"))
    assert found() == before


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


def test_what_is_not_embedded_does_not_look_as_if_it_were_compared(bench: Bench) -> None:
    write_functions(bench, 4)
    bench.analyze(effort="none")
    said: list[Event] = []
    request = DuplicatesRequest(lambda: None, (), False, False, None, False, None, 2, 10)
    assert find_duplicates(Comparison(bench.connection), request, said.append).functions == 0
    assert [getattr(event, "text", "") for event in said] == [
        "4 functions are not embedded yet, and not compared. `agentforge embed` makes the vectors."
    ]
    (told,) = [item for item in health_checks(bench.connection) if item.id == "meaning"]
    assert told.what == "4 functions of 1 projects have no vector: nothing compares them"
    fill(bench.connection, task(bench), ignore)
    said.clear()
    assert find_duplicates(Comparison(bench.connection), request, said.append).functions == 4
    assert said == []


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


PAIRS = """
    SELECT f.qualified_name, f.start_line, g.qualified_name, g.start_line, d.score::numeric(6, 4)
    FROM function_duplicates AS d
    JOIN functions AS f ON f.id = d.function_id JOIN functions AS g ON g.id = d.other_function_id
    ORDER BY 1, 2, 3, 4
"""
SUM = """
def {name}(items):
    total = 0
    for item in items:
        if item > {n}:
            total += item * {n}
    return total
"""


def test_a_fill_pairs_near_duplicates_as_an_analysis_does(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write("one.py", SUM.format(name="sum_up", n=3) + LOAD.format(name="load", n=0))
    bench.write("two.py", LOAD.format(name="read", n=9) + SUM.format(name="sum_up", n=4))
    bench.write("three.py", SUM.format(name="sum_up", n=3))
    expected = bench.analyze().summary.duplicates
    pairs = bench.rows(PAIRS)
    assert len(expected) == len(pairs) == 2
    bench.administer("DELETE FROM projects")
    assert bench.analyze(effort="none").summary.duplicates == ()
    monkeypatch.setattr(filling, "_FIRST_ROUND", 1)
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            fill(bench.connection, task(bench), ignore, lambda: True)
    assert len(bench.rows(PAIRS)) == 1, "those of the files that are complete"
    fill(bench.connection, task(bench), ignore)
    assert bench.rows(PAIRS) == pairs
    unchanged = bench.analyze()
    assert unchanged.analysis.files_analyzed == 0
    assert [pair.score for pair in unchanged.summary.duplicates] == [pair.score for pair in expected]


def test_pairs_of_another_model_are_replaced(bench: Bench) -> None:
    bench.write("one.py", SUM.format(name="sum_up", n=3))
    bench.write("two.py", SUM.format(name="sum_up", n=4))
    bench.analyze(embedder=load("fast"))
    pairs = bench.rows(PAIRS)
    bench.administer("UPDATE function_duplicates SET score = 0.5")
    assert bench.rows(PAIRS) != pairs
    assert fill(bench.connection, task(bench), ignore) == 2
    assert bench.rows(PAIRS) == pairs


def test_bad_code_is_filled_as_any_other(bench: Bench) -> None:
    bench.write("empty.py", "def empty():\n    pass\n")
    bench.write("long.py", "def long():\n" + "    x = 1\n" * 20_000)
    bench.write("broken.py", "def broken(:\n    return 'a\n\n\ndef next(:\n    return [\n")
    bench.analyze(effort="fast")
    count = len(vectors(bench))
    assert count >= 2
    assert fill(bench.connection, task(bench), ignore) == count
    assert bench.rows(STATE) == [(False, count)]


def test_what_is_stored_may_be_of_another_version(bench: Bench) -> None:
    write_functions(bench, 3)
    bench.analyze()
    bench.administer("UPDATE embedding_models SET version = 'older'")
    code = LOAD.format(name="f", n=9)
    with pytest.raises(UsageError, match=r"version older of the model hybrid.*\n.*agentforge embed"):
        ask(bench, "-", code=code, code_language="python")
    assert len(ask(bench, "load_1").matches) == 2  # what is stored may be compared with itself
    assert ask(bench, "load_1").left_out == LeftOut()
    searched = search_text(
        TextSearch(bench.connection, Search(bench.connection)), SearchRequest("load a path", None, None, None, False, 3)
    )
    assert searched.model is None
    assert searched.matches
    fill(bench.connection, task(bench), ignore)
    assert ask(bench, "-", code=code, code_language="python").matches


def test_a_database_with_the_fast_model_only_answers_by_it(bench: Bench) -> None:
    write_functions(bench, 3)
    bench.analyze(embedder=load("fast"))
    assert ask(bench, "load_1").left_out == LeftOut()
    assert ask(bench, "load_1", model="hashed").model == "fast"
    model_of(bench, load())
    bench.administer("UPDATE project_analyses SET model_id = 2")
    assert ask(bench, "load_1").left_out == LeftOut(("project",), 0)
    bench.administer("UPDATE project_analyses SET model_id = 1")
    assert ask(bench, "-", code=LOAD.format(name="f", n=9), code_language="python").model == "fast"


def test_lists_of_neighbours_never_hold_what_is_to_change(bench: Bench) -> None:
    write_functions(bench, 30)
    bench.analyze()
    write_functions(bench, 30, "later.py")
    bench.write("later.py", (bench.root / "later.py").read_text().replace("parse(", "scan(").replace("load", "read"))
    bench.analyze(effort="fast")
    bench.administer("ANALYZE function_embeddings")
    listed = """
        SELECT listed_up_to::integer, (SELECT count(neighbours)::integer FROM function_neighbours) FROM embedding_models
    """
    with open_as_owner(DatabaseSettings(url=bench.url), print) as owner:
        for model in neighbours.due(owner, 10):
            neighbours.update(owner, model)
        assert owner.execute(listed).fetchall() == [(60, 30)]
        assert neighbours.due(owner, 10) == []
        fill(bench.connection, task(bench), ignore)
        marked = "SELECT function_id::integer FROM function_neighbours WHERE neighbours IS NULL ORDER BY 1"
        assert owner.execute(marked).fetchall() == [(number,) for number in range(31, 61)]
        before = [match.function.qualified_name for match in ask(bench, "load_3", limit=50).matches]
        for model in neighbours.due(owner, 10):
            neighbours.update(owner, model)
        assert owner.execute(listed).fetchall() == [(60, 60)]
        assert [match.function.qualified_name for match in ask(bench, "load_3", limit=50).matches] == before


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
