"""What is answered while meaning, or the vectors of the model that asks, are not there."""

from __future__ import annotations

import pytest
from fills import LOAD, ask, task, write_functions
from fix_bench import Bench

from agentforge.embed.interface import load
from agentforge.errors import UsageError
from agentforge.pipeline.duplicates import Request, find_duplicates
from agentforge.pipeline.events import Event, ignore
from agentforge.pipeline.fill import fill
from agentforge.pipeline.search import Found, search_text
from agentforge.pipeline.search import Request as SearchRequest
from agentforge.pipeline.stored_models import registered
from agentforge.store.duplicates import Comparison
from agentforge.store.health import health_checks
from agentforge.store.similar import Lacking, LeftOut, Search
from agentforge.store.text_search import TextSearch


def search(bench: Bench, text: str) -> Found:
    request = SearchRequest(text, None, None, None, False, 3)
    return search_text(TextSearch(bench.connection, Search(bench.connection)), request)


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
    searched = search(bench, "load a path")
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
    assert ask(bench, "load_1", language="lua").lacking == Lacking(0, subject=True)


def test_what_is_not_embedded_does_not_look_as_if_it_were_compared(bench: Bench) -> None:
    write_functions(bench, 4)
    bench.analyze(effort="none")
    said: list[Event] = []
    request = Request(lambda: None, (), False, False, None, False, None, 2, 10)
    assert find_duplicates(Comparison(bench.connection), request, said.append).functions == 0
    assert [getattr(event, "text", "") for event in said] == [
        "4 functions are not embedded yet, and not compared. `agentforge embed` makes the vectors."
    ]
    (told,) = [item for item in health_checks(bench.connection) if item.id == "meaning"]
    assert told.what == "functions without a vector, which nothing compares: 4, in projects: 1"
    fill(bench.connection, task(bench), ignore)
    said.clear()
    assert find_duplicates(Comparison(bench.connection), request, said.append).functions == 4
    assert said == []


def test_what_is_stored_may_be_of_another_version(bench: Bench) -> None:
    write_functions(bench, 3)
    bench.analyze()
    bench.administer("UPDATE embedding_models SET version = 'older'")
    code = LOAD.format(name="f", n=9)
    with pytest.raises(UsageError, match=r"version older of the model hybrid.*\n.*agentforge embed"):
        ask(bench, "-", code=code, code_language="python")
    assert len(ask(bench, "load_1").matches) == 2  # what is stored may be compared with itself
    assert ask(bench, "load_1").left_out == LeftOut()
    searched = search(bench, "load a path")
    assert searched.model is None
    assert searched.matches
    fill(bench.connection, task(bench), ignore)
    assert ask(bench, "-", code=code, code_language="python").matches


def test_a_database_with_the_fast_model_only_answers_by_it(bench: Bench) -> None:
    write_functions(bench, 3)
    bench.analyze(embedder=load("fast"))
    assert ask(bench, "load_1").left_out == LeftOut()
    assert ask(bench, "load_1", model="hashed").model == "fast"
    registered(bench.connection, load())
    bench.administer("UPDATE project_analyses SET model_id = 2")
    assert ask(bench, "load_1").left_out == LeftOut(("project",), 0)
    bench.administer("UPDATE project_analyses SET model_id = 1")
    assert ask(bench, "-", code=LOAD.format(name="f", n=9), code_language="python").model == "fast"
