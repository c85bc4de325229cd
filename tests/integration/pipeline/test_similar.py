"""What does the same is found by name, by place and by code; what cannot be found is explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fix_bench import Bench

from agentforge.embed.calibration import fused, of_fused
from agentforge.embed.fast import FastEmbedder
from agentforge.embed.interface import load
from agentforge.errors import UsageError
from agentforge.pipeline.scope import listed
from agentforge.pipeline.similar import Found, Request, nearest, ranked
from agentforge.store.similar import Search

TOTAL = '''
def {name}(orders, rate):
    """Sum of the orders with tax."""
    total = 0
    for order in orders:
        if order.is_open and order.amount > 0:
            total += order.amount * (1 + rate)
    return round(total, 2)
'''
OTHER = """
class Store:
    def save(self, path):
        with open(path, "w") as stream:
            stream.write(self.text)

    def load(self, path):
        with open(path) as stream:
            self.text = stream.read()
        return self
"""
JAVASCRIPT = """
function sumOfOrders(orders, rate) {
  let total = 0;
  for (const order of orders) {
    if (order.isOpen && order.amount > 0) { total += order.amount * (1 + rate); }
  }
  return Math.round(total, 2);
}
"""
REQUEST = Request("", None, None, lambda: None, None, None, None, False, None, 5, 0.0)


def ask(bench: Bench, **wanted: Any) -> Found:
    request = replace(REQUEST, **wanted)
    return ranked(nearest(Search(bench.connection), request), request)


def names(found: Found) -> list[str]:
    return [match.function.qualified_name for match in found.matches]


def fill(bench: Bench) -> Bench:
    bench.write("shop.py", TOTAL.format(name="order_total"))
    bench.write("copy.py", TOTAL.format(name="sum_orders").replace("rate", "tax"))
    bench.write("store.py", OTHER)
    bench.write("shop.js", JAVASCRIPT)
    bench.analyze()
    return bench


@pytest.fixture
def stored(bench: Bench) -> Bench:
    return fill(bench)


@pytest.fixture(scope="module")
def shared(shared_bench: Bench) -> Bench:
    return fill(shared_bench)


def test_a_renamed_copy_is_nearest_and_the_function_itself_is_not_listed(shared: Bench) -> None:
    found = ask(shared, function="order_total")
    assert names(found)[0] == "sum_orders"
    assert "order_total" not in names(found)
    assert found.matches[0].score > 0.8
    assert [match.score for match in found.matches] == sorted((match.score for match in found.matches), reverse=True)


def test_scores_are_those_of_the_calibration_and_a_model_without_one_shows_its_cosines(stored: Bench) -> None:
    found = ask(stored, function="order_total")
    curve = of_fused(load().name, load().version)
    assert found.calibrated
    assert [match.score for match in found.matches] == [
        curve.score(fused(match.cosine, match.alike or 0)) for match in found.matches
    ]
    assert all(match.score >= 0.5 for match in ask(stored, function="order_total", min_score=0.5).matches)

    class Somebodys(FastEmbedder):
        name = "somebody's"

    stored.analyze(embedder=Somebodys())
    found = ask(stored, function="order_total")
    assert (found.model, found.calibrated) == ("somebody's", False)
    assert [(match.score, match.alike) for match in found.matches] == [(match.cosine, None) for match in found.matches]


def test_of_two_that_are_as_near_the_one_with_the_name_and_the_calls_comes_first(bench: Bench) -> None:
    code = "def {name}(path):\n    with open(path) as stream:\n        data = {call}(stream)\n    return data\n"
    for folder, name, call in (("a", "read_rows", "parse_rows"), ("b", "read_rows", "parse_rows"), ("c", "w", "v")):
        bench.write(
            f"{folder}/x.py", code.format(name=name, call=call) + "\n" * (folder == "b") + f"{folder.upper()} = 1\n"
        )
    bench.write("d/y.py", code.format(name="read_rows", call="parse_rows").replace("data", "found"))
    bench.analyze()
    found = ask(bench, function="d/y.py:1", limit=10)
    assert [match.function.path for match in found.matches] == ["a/x.py", "b/x.py", "c/x.py"]
    alike = [match.alike or 0 for match in found.matches]
    assert alike[0] == alike[1] > alike[2]


def test_the_same_in_another_language_comes_before_other_things(shared: Bench) -> None:
    assert names(ask(shared, function="order_total"))[1] == "sumOfOrders"
    assert names(ask(shared, function="order_total", language="javascript")) == ["sumOfOrders"]


def test_pasted_code_in_a_guessed_language(shared: Bench) -> None:
    found = ask(shared, function="-", code=TOTAL.format(name="whatever"))
    assert (found.function.language, found.function.path) == ("python", "-")
    assert set(names(found)[:2]) == {"order_total", "sum_orders"}
    assert found.matches[0].score > 0.8


def test_limit_and_least_score(shared: Bench) -> None:
    assert len(ask(shared, function="order_total", limit=1).matches) == 1
    first, second, *_ = ask(shared, function="order_total").matches
    least = (first.score + second.score) / 2
    assert names(ask(shared, function="order_total", min_score=least)) == ["sum_orders"]


@pytest.mark.parametrize("line", [1, 3, 8])
def test_a_place_names_the_function_around_it(shared: Bench, line: int) -> None:
    if line == 1:
        with pytest.raises(UsageError, match="no function at line 1"):
            ask(shared, function="shop.py:1", file=str(shared.root / "shop.py"))
        return
    on_disk = ask(shared, function=f"shop.py:{line}", file=str(shared.root / "shop.py"))
    by_name = ask(shared, function=f"shop.py:{line}")
    assert on_disk.function.qualified_name == by_name.function.qualified_name == "order_total"
    assert names(on_disk) == names(by_name)


def test_a_file_that_changed_since_is_read_from_disk(stored: Bench) -> None:
    stored.write("store.py", "\n\nX = 1\n" + TOTAL.format(name="fresh"))
    found = ask(stored, function="store.py:7", file=str(stored.root / "store.py"))
    assert found.function.qualified_name == "fresh"
    assert set(names(found)[:2]) == {"order_total", "sum_orders"}
    assert "Store.save" not in names(found), "it lay where `fresh` lies now"


def test_a_file_in_no_project_is_compared_with_all(shared: Bench, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.py"
    file.write_text(TOTAL.format(name="order_total"))
    found = ask(shared, function=f"{file}:3", file=str(file))
    assert set(names(found)[:2]) == {"order_total", "sum_orders"}


def test_qualified_names_and_their_endings(shared: Bench) -> None:
    for name in ("Store.save", "save", "store.SAVE", "Store::save", "save()"):
        assert ask(shared, function=name).function.qualified_name == "Store.save"


def test_a_whole_name_comes_before_the_ends_of_others(stored: Bench) -> None:
    stored.write("save.py", TOTAL.format(name="save"))
    stored.analyze()
    assert ask(stored, function="save").function.qualified_name == "save"


def test_an_unknown_name_gets_a_suggestion(shared: Bench) -> None:
    with pytest.raises(UsageError, match="Did you mean order_total"):
        ask(shared, function="order_totl")
    with pytest.raises(UsageError, match=r"Store\.save"):
        ask(shared, function="Stor.sav")


def test_an_ambiguous_name_lists_the_places(stored: Bench) -> None:
    stored.write("b/store.py", OTHER.replace("self.text", "self.body"))
    stored.analyze()
    with pytest.raises(UsageError) as error:
        ask(stored, function="Store.save")
    assert "store.py:3" in str(error.value)
    assert "b/store.py:3" in str(error.value)
    assert ask(stored, function="b/store.py:3").function.path == "b/store.py"


def test_projects_are_told_apart(stored: Bench, tmp_path: Path) -> None:
    second = Bench(tmp_path / "second", stored.connection, stored.url)
    second.root.mkdir()
    second.write("again.py", TOTAL.format(name="again"))
    second.analyze()
    assert names(ask(stored, function="again", project="second")) == []
    assert names(ask(stored, function="again", other_projects=True))[0] in {"order_total", "sum_orders"}
    assert names(ask(stored, function="order_total", other_projects=True)) == ["again"]
    with pytest.raises(UsageError, match="no project secnd") as error:
        ask(stored, function="again", project="secnd")
    assert error.value.hint == "Did you mean second?"
    second.write("more.py", OTHER.replace("self.text", "self.body"))
    second.analyze()
    with pytest.raises(UsageError, match="no project nowhere"):  # before it asks which function of the name is meant
        ask(stored, function="Store.save", project="nowhere")


def test_of_many_projects_the_first_are_named() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(number) for number in range(1234)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1,224 more"


def test_only_the_branch_that_was_analysed_last_is_searched(bench: Bench) -> None:
    bench.git("init", "-q", "-b", "main")
    bench.write("shop.py", TOTAL.format(name="order_total"))
    bench.write("old.py", TOTAL.format(name="old"))
    bench.analyze()
    bench.git("checkout", "-q", "-b", "topic")
    (bench.root / "old.py").unlink()
    bench.write("new.py", TOTAL.format(name="new"))
    bench.analyze()
    assert names(ask(bench, function="order_total")) == ["new"]


def test_vectors_of_another_model_are_not_compared(stored: Bench) -> None:
    stored.administer("UPDATE embedding_models SET version = 'older'")
    with pytest.raises(UsageError, match=r"version older of the model hybrid, .*\n.*agentforge embed"):
        ask(stored, function="-", code="def f(): pass")
    assert ask(stored, function="order_total").matches, "stored vectors need no model"
    with pytest.raises(UsageError, match="not embedded by the model other"):
        ask(stored, function="order_total", model="other")


def test_an_approximate_index_changes_nothing(stored: Bench) -> None:
    before = ask(stored, function="order_total")
    stored.administer("SELECT ensure_vector_index(id) FROM embedding_models")
    assert ask(stored, function="order_total") == before


def test_an_empty_database_says_what_to_run(bench: Bench) -> None:
    with pytest.raises(UsageError, match="agentforge analyze"):
        ask(bench, function="save")


@pytest.mark.parametrize("wanted", ["language", "code_language"])
def test_an_unknown_language_gets_a_suggestion(shared: Bench, wanted: str) -> None:
    with pytest.raises(UsageError, match="Did you mean python"):
        ask(shared, function="save", **{wanted: "pyton"})
