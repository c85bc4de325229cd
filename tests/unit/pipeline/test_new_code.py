"""What counts as new: moved, reformatted and renamed code does not; changed lines and worse measures do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentforge.detect.fingerprint import assign
from agentforge.model import Category, Confidence, Function, Halstead, Severity, Violation
from agentforge.pipeline.before import known
from agentforge.pipeline.gate import NewFunction
from agentforge.pipeline.new_code import Before, KnownFunction, KnownViolation, new_functions, new_violations
from agentforge.pipeline.texts import Texts, code
from agentforge.walk.git_contents import hunks

MEASURES = frozenset({"long-function"})
NewLines = Callable[[str, str], list[int]]


def violations(text: str, path: str = "a.py", rule: str = "bad", severity: Severity = Severity.LOW) -> list[Violation]:
    """One violation for each line that holds `bad`, as the pipeline makes them."""
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if "bad" in line:
            kind = (Category.QUALITY, severity, Confidence.HIGH, None)
            found.append(Violation(rule, "Bad", *kind, path, number, 1, number, len(line) + 1, "this is bad", ""))
    return list(assign(found, text, ()))


def texts(folder: Path, old: str, now: str) -> dict[str, Texts]:
    """Both versions of `a.py`, compared by git."""
    for side, text in (("old", old), ("new", now)):
        (folder / side).mkdir(exist_ok=True)
        (folder / side / "0").write_text(f"{text}\n")
    return {"a.py": Texts(old, now, hunks(str(folder)).get("0", ()))}


@pytest.fixture
def new_lines(tmp_path: Path) -> NewLines:
    """Numbers of the lines of the second text whose violations are new, where the first is what was there."""

    def new_lines(old: str, now: str) -> list[int]:
        before = [known(number, item) for number, item in enumerate(violations(old))]
        both = texts(tmp_path, old, now)
        found = new_violations(Before(before, (), touched={"a.py"}, texts=both), violations(now), MEASURES)
        return [item.line for item in found]

    return new_lines


def test_what_was_there_is_not_new_wherever_it_is_now(new_lines: NewLines) -> None:
    old = "one\nbad(1)\ntwo\nbad(2)\n"
    assert new_lines(old, old) == []
    assert new_lines(old, "zero\n\n" + old) == []
    assert new_lines(old, "bad(2)\none\n    bad( 1 )\ntwo\n") == []
    assert new_lines("", old) == [2, 4]


def test_a_line_that_changed_and_is_still_bad_is_new(new_lines: NewLines) -> None:
    assert new_lines("one\nbad(1)\n", "one\nbad(2)\n") == [2]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("f(a, b)", "f(\n    a,\n    b,\n)", True),
        ("x = f('a', [1, 2])", 'x = f(\n    "a",\n    [\n        1,\n        2,\n    ],\n)', True),
        ("a = b + c", "a = b \\\n    + c", True),
        ("assert a == b", "assert (\n    a == b\n)", True),
        ("f(a, b)", "f(a, b, c)", False),
        ("f(a, b)", "f(a.b)", False),
    ],
)
def test_code_is_the_same_however_it_is_broken_into_lines(one: str, other: str, same: bool) -> None:
    def whole(text: str) -> str:
        lines = text.split("\n")
        last = len(lines[-1]) + 1
        return code(lines, KnownViolation(0, "a.py", "r", 1, "m", column=1, end_line=len(lines), end_column=last))

    assert (whole(one) == whole(other)) == same


def test_code_is_cut_by_columns_and_survives_spans_outside() -> None:
    lines = ["x = eval(a) + 1", "y"]
    assert code(lines, KnownViolation(0, "a.py", "r", 1, "m", column=5, end_line=1, end_column=12)) == "evala"
    assert code(lines, KnownViolation(0, "a.py", "r", 9, "m", column=5, end_line=9, end_column=12)) == ""
    assert code([], KnownViolation(0, "a.py", "r", 1, "m")) == ""


def test_of_equal_lines_the_ones_that_were_added_are_new(new_lines: NewLines) -> None:
    old = "a\nbad\nb\nbad\nc\n"
    assert new_lines(old, "bad\n" + old) == [1]
    assert new_lines(old, "a\nbad\nb\nbad\nbad\nc\n") in ([4], [5])
    assert new_lines(old, "a\nbad\nx\nbad\ny\nb\nbad\nc\n") == [4]


def test_a_measure_is_new_where_it_was_not_passed_before_or_got_worse(tmp_path: Path) -> None:
    old = violations("bad(a)\n", rule="long-function", severity=Severity.MEDIUM)
    both = texts(tmp_path, "bad(a)\n", "bad(a, b)\n")
    before = Before([known(0, old[0])], (), touched={"a.py"}, texts=both)
    same = violations("bad(a, b)\n", rule="long-function", severity=Severity.MEDIUM)
    assert new_violations(before, same, MEASURES) == []
    worse = violations("bad(a, b)\n", rule="long-function", severity=Severity.HIGH)
    assert new_violations(before, worse, MEASURES) == worse
    better = violations("bad(a, b)\n", rule="long-function", severity=Severity.LOW)
    assert new_violations(before, better, MEASURES) == []


def test_nothing_is_new_in_a_file_that_was_not_touched() -> None:
    found = violations("bad\n", path="b.py")
    assert new_violations(Before((), (), touched={"a.py"}), found, MEASURES) == []
    assert new_violations(Before((), ()), found, MEASURES) == found


def test_a_report_of_before_is_matched_by_whatever_it_tells() -> None:
    now = violations("one\nbad(1)\n")
    full = known(0, violations("bad(1)\n", path="old.py")[0])
    assert new_violations(Before([full], renames={"old.py": "a.py"}), now, MEASURES) == []
    assert new_violations(Before([full]), now, MEASURES) == now
    bare = dataclasses.replace(full, path="a.py", line_hash="", fingerprint="", function="?")
    assert new_violations(Before([dataclasses.replace(bare, line=2)]), now, MEASURES) == []
    assert new_violations(Before([dataclasses.replace(bare, line=2, message="other words")]), now, MEASURES) == []
    assert new_violations(Before([dataclasses.replace(bare, line=9)]), now, MEASURES) == now
    assert new_violations(Before([dataclasses.replace(bare, line=2, rule_id="other")]), now, MEASURES) == now
    assert len(new_violations(Before([dataclasses.replace(bare, line=2)]), violations("bad\nbad\n"), MEASURES)) == 1


def function(name: str, cyclomatic: int, cognitive: int = 0, code: str = "") -> Function:
    measures = (5, 0, cyclomatic, cognitive, 0, Halstead(), 50.0)
    return Function(name, name, "", 1, 5, 0, 0, *measures, code_hash=code or f"{name} {cyclomatic} {cognitive}")


def named(found: list[NewFunction]) -> list[tuple[str, str, bool, bool, bool]]:
    return [(new.path, new.function.name, new.added, new.cyclomatic, new.cognitive) for new in found]


def test_functions_count_that_were_added_or_grew() -> None:
    before = Before(
        (),
        [
            KnownFunction("a.py", "same", 9, 9, "same 9 9"),
            KnownFunction("a.py", "grew", 9, 9, "grew 9 9"),
            KnownFunction("a.py", "shrank", 9, 9, "shrank 9 9"),
            KnownFunction("a.py", "moved", 9, 9, "code"),
            KnownFunction("old.py", "kept", 9, 9, ""),
            KnownFunction("a.py", "over", 3, 0, ""),
            KnownFunction("a.py", "over", 7, 0, ""),
        ],
        renames={"old.py": "new.py"},
    )
    now = [
        ("a.py", function("same", 9, 9)),
        ("a.py", function("grew", 10, 9)),
        ("a.py", function("shrank", 8, 8)),
        ("b.py", function("moved", 9, 9, code="code")),
        ("new.py", function("kept", 9, 9)),
        ("a.py", function("over", 3)),
        ("a.py", function("over", 7)),
        ("a.py", function("over", 1)),
        ("a.py", function("added", 1)),
    ]
    assert named(new_functions(before, now)) == [
        ("a.py", "grew", False, True, False),
        ("a.py", "over", True, True, True),
        ("a.py", "added", True, True, True),
    ]
    assert len(new_functions(Before(()), now)) == len(now)
    copied = [("a.py", function("moved", 9, 9, code="code")), ("b.py", function("copy", 9, 9, code="code"))]
    assert named(new_functions(before, copied)) == [("b.py", "copy", True, True, True)]


some_lines = st.lists(
    st.sampled_from(["a", "b", " b", "c", "", "d e", "de", "--- a", "@@ -1 +1 @@"]), min_size=1, max_size=30
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(some_lines, some_lines)
def test_a_line_is_mapped_to_one_that_says_the_same(tmp_path: Path, old: list[str], now: list[str]) -> None:
    both = texts(tmp_path, "\n".join(old), "\n".join(now))["a.py"]
    kept = [(number, place) for number in range(1, len(now) + 1) if (place := both.old_line(number)) is not None]
    for number, place in kept:
        assert "".join(now[number - 1].split()) == "".join(old[place - 1].split())
    places = [place for _, place in kept]
    assert places == sorted(set(places))
    if old == now:
        assert places == list(range(1, len(now) + 1))
