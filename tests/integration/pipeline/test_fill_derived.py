"""Near pairs and lists of neighbours follow the vectors that a fill writes."""

from __future__ import annotations

from typing import Any

import pytest
from fills import LOAD, ask, task, write_functions
from fix_bench import Bench

from agentforge.cli.database import open_as_owner
from agentforge.embed.interface import load
from agentforge.pipeline import fill as filling
from agentforge.pipeline.duplicates import Request, find_duplicates
from agentforge.pipeline.events import ignore
from agentforge.pipeline.fill import fill
from agentforge.store import neighbours
from agentforge.store.connection import DatabaseSettings
from agentforge.store.duplicates import Comparison

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


def test_duplicates_are_the_same_with_and_without_meaning(bench: Bench) -> None:
    long = LOAD + "".join(f"    rows.append(path.column_{n})\n" for n in range(6))
    bench.write("a.py", long.format(name="load", n=1))
    bench.write("b.py", f"{long.format(name='load', n=2)}\n\n{long.format(name='load', n=3)}")
    wanted = Request(lambda: None, (), False, False, None, True, 0.88, 3, 10)

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
