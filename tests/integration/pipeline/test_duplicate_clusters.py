"""What is there twice is found in one project and between projects, and what the last analysis brought of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fix_bench import Bench

from agentforge.embed.calibration import calibration
from agentforge.embed.interface import FAST_MODEL, load
from agentforge.errors import UsageError
from agentforge.pipeline.duplicates import Found, Request, find_duplicates
from agentforge.pipeline.events import Event, Notice
from agentforge.store.duplicates import Comparison
from agentforge.walk import discover

TOTAL = """def {name}(orders, rate):
    total = 0
    for order in orders:
        if order.is_open and order.amount > 0:
            total += order.amount * (1 + rate)
    return round(total, 2)
"""
OTHER = """def write_lines(path, lines):
    with open(path, "w", encoding="utf-8") as stream:
        for number, line in enumerate(lines):
            stream.write(str(number))
            stream.write(line)
            stream.write("\\n")
"""
PAIRS = """def pairs(text, separator):
    found = {}
    while text:
        head, _, text = text.partition(separator)
        key, equals, value = head.partition("=")
        if not equals:
            raise ValueError(head)
        found[key.strip()] = value.strip()
    return found
"""
SHAPE = """class {name}(Shape):
    def draw(self, canvas):
        canvas.begin()
        for point in self.points:
            canvas.move(point.x, point.y)
            canvas.line(point.x + {number}, point.y)
        canvas.end()
        return canvas
"""
REQUEST = Request(lambda: None, (), False, False, None, False, None, 6, 20)


def find(bench: Bench, heard: list[str] | None = None, **wanted: Any) -> Found:
    def observer(event: Event) -> None:
        if isinstance(event, Notice) and heard is not None:
            heard.append(event.text)

    request = replace(REQUEST, **{"here": lambda: discover([str(bench.root)]), **wanted})
    return find_duplicates(Comparison(bench.connection), request, observer)


def places(found: Found) -> list[list[str]]:
    return [[member.function.path for member in cluster.members] for cluster in found.clusters]


def rewritten(found: Found) -> list[tuple[str, str]]:
    return [(item.function.path, item.existing.path) for item in found.rewritten]


@pytest.fixture
def stored(bench: Bench) -> Bench:
    bench.write("shop.py", TOTAL.format(name="order_total"))
    bench.write("copy.py", TOTAL.format(name="sum_orders"))
    bench.write("tests/test_shop.py", TOTAL.format(name="test_total"))
    bench.write("lines.py", OTHER)
    bench.write("shapes.py", SHAPE.format(name="Square", number=1) + SHAPE.format(name="Circle", number=2))
    bench.write("shop_pb2.py", TOTAL.format(name="generated_total"))
    bench.analyze()
    return bench


def test_copies_are_a_cluster_and_overrides_tests_and_generated_code_are_not(stored: Bench) -> None:
    found = find(stored)
    assert [sorted(paths) for paths in places(found)] == [["copy.py", "shop.py"]]
    assert (found.total, found.lines, found.functions) == (1, 6, 5)
    assert not any(member.is_new for cluster in found.clusters for member in cluster.members)
    assert [sorted(paths) for paths in places(find(stored, tests=True))] == [
        ["copy.py", "shop.py", "tests/test_shop.py"]
    ]
    assert places(find(stored, min_lines=7, min_score=0.5)) == []
    assert places(find(stored, language="go")) == []


def test_docstrings_save_no_lines(bench: Bench) -> None:
    text = '    """Say much.\n\n' + "    About it all.\n" * 30 + '    """\n    total = 0\n'
    for path, name in (("shop.py", "order_total"), ("copy.py", "sum_orders")):
        bench.write(path, TOTAL.format(name=name).replace("    total = 0\n", text))
    bench.write("pairs.py", PAIRS)
    bench.write("again.py", PAIRS.replace("def pairs", "def parts"))
    bench.analyze()
    found = find(bench)
    assert [cluster.lines for cluster in found.clusters] == [9, 6]
    assert found.lines == 15


def test_the_first_analysis_brings_nothing_new(stored: Bench) -> None:
    heard: list[str] = []
    assert rewritten(find(stored, heard, only_new=True)) == []
    assert heard == ["Nothing is new yet: the last analysis was the first one."]


def test_a_copy_that_was_just_made_is_new_and_what_moved_is_not(stored: Bench) -> None:
    stored.write("lines.py", "X = 1\n\n\n" + OTHER)  # its function is what it was
    (stored.root / "copy.py").rename(stored.root / "moved.py")
    stored.write("fresh.py", OTHER + "\n\n" + TOTAL.format(name="all_orders"))
    stored.analyze()
    found = find(stored, only_new=True)
    assert {one for one, _ in rewritten(found)} == {"fresh.py"}
    assert {other for _, other in rewritten(found)} in ({"lines.py", "shop.py"}, {"lines.py", "moved.py"})
    assert {item.function.qualified_name for item in found.rewritten} == {"write_lines", "all_orders"}
    stored.analyze()
    assert rewritten(find(stored, only_new=True)) == [], "nothing came since"
    assert len(find(stored).clusters) == 2


def test_of_two_copies_in_one_run_the_one_that_stayed_is_old(stored: Bench) -> None:
    stored.write("another.py", OTHER)
    stored.write("lines.py", OTHER + "\n\nX = 1\n")
    stored.analyze()
    assert rewritten(find(stored, only_new=True)) == [("another.py", "lines.py")]


def test_a_function_that_was_edited_into_a_copy_is_new(stored: Bench) -> None:
    stored.write("lines.py", OTHER + "\n\n" + TOTAL.format(name="rest").replace("round(total, 2)", "total"))
    stored.analyze()
    stored.write("lines.py", OTHER + "\n\n" + TOTAL.format(name="rest"))
    stored.analyze()
    assert [one for one, _ in rewritten(find(stored, only_new=True))] == ["lines.py"]


def test_since_a_ref_a_copy_that_was_made_there_is_new(stored: Bench) -> None:
    stored.git("init", "-q", "-b", "main")
    stored.git("add", "-A")
    stored.git("commit", "-q", "-m", "all")
    stored.git("checkout", "-q", "-b", "branch")
    stored.analyze()
    assert rewritten(find(stored, since="main")) == []
    (stored.root / "copy.py").rename(stored.root / "moved.py")
    stored.write("lines.py", "X = 1\n\n\n" + OTHER)  # its function is what it was
    stored.write("fresh.py", OTHER)
    heard: list[str] = []
    assert rewritten(find(stored, heard, since="main")) == []
    assert heard == [
        "fresh.py is not what the last analysis read, and 2 more files are not: run `agentforge analyze .` first."
    ]
    stored.analyze()
    stored.analyze()
    assert rewritten(find(stored, only_new=True)) == [], "nothing came with the last analysis"
    found = find(stored, heard := [], since="main")
    assert (rewritten(found), heard) == ([("fresh.py", "lines.py")], [])
    assert [member.is_new for member in found.clusters[0].members].count(True) == 1
    with pytest.raises(UsageError, match="no commit 'nowhere'"):
        find(stored, since="nowhere")
    with pytest.raises(UsageError, match="not among the projects"):
        find(stored, since="main", here=lambda: None)
    with pytest.raises(UsageError, match="not in a git repository"):
        find(stored, since="main", here=lambda: discover(["/"]))


def test_scores_are_those_of_the_calibration(stored: Bench) -> None:
    found = find(stored, min_score=0.05)
    assert found.calibrated
    curve = calibration(FAST_MODEL, load(FAST_MODEL).version)
    members = [member for cluster in found.clusters for member in cluster.members]
    assert any(member.cosine < 0.999 for member in members), "some are not equal"
    assert all(member.score == curve.score(member.cosine) for member in members)
    assert find(stored).min_score == pytest.approx(0.9)


def test_between_projects(stored: Bench, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one project only"):
        find(stored, between=True)
    other = Bench(tmp_path / "other", stored.connection, stored.url)
    other.write("orders.py", TOTAL.format(name="totals"))
    other.write("own.py", PAIRS)
    other.write("own_copy.py", PAIRS)
    other.analyze()
    found = find(stored, between=True)
    assert set(found.projects) == {"project", "other"}
    assert [sorted(paths) for paths in places(found)] == [["copy.py", "orders.py", "shop.py"]]
    of_other = find(stored, between=True, projects=("other",))
    assert [sorted(paths) for paths in places(of_other)] == [["copy.py", "orders.py", "shop.py"]]
    assert [sorted(paths) for paths in places(find(stored, projects=("other",)))] == [["own.py", "own_copy.py"]]
    assert len(find(stored, projects=("other", "project")).clusters) == 2
    with pytest.raises(UsageError, match="in no project"):
        find(stored, here=lambda: None)


def test_what_cannot_be_asked_is_explained(bench: Bench) -> None:
    with pytest.raises(UsageError, match="No project is stored yet"):
        find(bench)
    bench.write("a.py", OTHER)
    bench.analyze()
    with pytest.raises(UsageError, match="no project shop"):
        find(bench, projects=("shop",))
    with pytest.raises(UsageError, match="no language pyton") as raised:
        find(bench, language="pyton")
    assert raised.value.hint == "Did you mean python?"
