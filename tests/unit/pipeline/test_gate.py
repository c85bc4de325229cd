"""The gate's conditions: what they say, and that making things worse never makes a failed gate pass."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from agentforge.config.settings import GateSettings
from agentforge.model import (
    Category,
    Confidence,
    Function,
    FunctionRef,
    Gate,
    Halstead,
    LanguageSummary,
    Scores,
    Severity,
    Summary,
    Violation,
)
from agentforge.pipeline.gate import Evidence, NewFunction, evaluate, project_scores


def violation(severity: Severity, line: int = 1, path: str = "a.py") -> Violation:
    kind = (Category.SECURITY, severity, Confidence.HIGH, None)
    place = (path, line, 1, line, 2)
    return Violation("rule", "Rule", *kind, *place, "message", "do", fingerprint=f"{path}:{line}:{severity}")


def function(cyclomatic: int, cognitive: int, lines: int = 10, name: str = "load") -> Function:
    return Function(name, name, f"def {name}()", 12, 20, 0, 0, lines, 0, cyclomatic, cognitive, 0, Halstead(), 50.0)


def lines(gate: Gate) -> list[tuple[str, float, float, bool]]:
    return [(item.subject, item.actual, item.limit, item.passed) for item in gate.conditions]


def test_a_severity_fails_with_what_is_as_bad_or_worse() -> None:
    found = [violation(Severity.CRITICAL, 1), violation(Severity.HIGH, 2), violation(Severity.LOW, 3)]
    gate = evaluate(GateSettings(fail_on=Severity.HIGH), Evidence("at main", found))
    assert lines(gate) == [("new violations, high or worse", 2, 0, False)]
    assert [item.line for item in gate.first] == [1, 2]
    assert gate.new == {item.fingerprint for item in found}
    assert not gate.passed
    everything = evaluate(GateSettings(fail_on=Severity.INFO), Evidence("", found))
    assert (lines(everything), everything.new) == ([("violations", 3, 0, False)], frozenset())
    only = evaluate(GateSettings(fail_on=Severity.CRITICAL), Evidence("at main", found[1:]))
    assert (lines(only), only.first) == ([("new critical violations", 0, 0, True)], ())


def test_each_severity_may_have_its_own_limit() -> None:
    found = [violation(Severity.MEDIUM, line) for line in range(1, 8)]
    settings = GateSettings(new_violations={Severity.HIGH: 0, Severity.MEDIUM: 5})
    gate = evaluate(settings, Evidence("at main", found))
    assert lines(gate) == [("new high violations", 0, 0, True), ("new medium violations", 7, 5, False)]
    assert [item.line for item in gate.first] == [1, 2, 3]


def test_the_most_complex_new_function_decides() -> None:
    functions = [
        NewFunction("a.py", function(30, 9, name="worst")),
        NewFunction("a.py", function(11, 50, name="second"), added=False, cognitive=False),
        NewFunction("b.py", function(3, 3, name="fine")),
    ]
    gate = evaluate(GateSettings(new_cyclomatic=10, new_cognitive=15), Evidence("at main", (), functions))
    assert lines(gate) == [
        ("cyclomatic complexity of worst, a.py:12 (and 1 more over the limit)", 30, 10, False),
        ("cognitive complexity of worst, a.py:12", 9, 15, True),
    ]
    assert [item.message for item in gate.first] == [
        "worst has a cyclomatic complexity of 30, 10 are allowed",
        "second has a cyclomatic complexity of 11, 10 are allowed",
    ]
    none = evaluate(GateSettings(new_cyclomatic=10), Evidence("at main", ()))
    assert lines(none) == [("cyclomatic complexity of new or more complex functions", 0, 10, True)]


def test_duplication_is_the_share_of_the_lines_of_new_functions() -> None:
    functions = [
        NewFunction("a.py", function(1, 1, 30, "copy"), compared=True, duplicate_of="old, b.py:7"),
        NewFunction("a.py", function(1, 1, 70, "own"), compared=True),
        NewFunction("a.py", function(1, 1, 3, "short")),
        NewFunction("a.py", function(1, 1, 99, "grown"), added=False, compared=True, duplicate_of="x, y.py:1"),
    ]
    gate = evaluate(GateSettings(new_duplication=25), Evidence("at main", (), functions))
    assert [(item.actual, item.passed) for item in gate.conditions] == [(30, False)]
    assert [item.message for item in gate.first] == ["copy is nearly the same as old, b.py:7"]
    assert evaluate(GateSettings(new_duplication=0), Evidence("at main", ())).passed


def test_a_score_that_is_too_low_names_what_lowers_it() -> None:
    worst = FunctionRef("p", "a.py", "python", "tangle", "", 3, 9, 6, 40, 60)
    quality = dataclasses.replace(violation(Severity.LOW, 4), category=Category.QUALITY)
    summary = Summary((), (), (worst,), (violation(Severity.HIGH, 5), quality))
    settings = GateSettings(min_complexity_score=80, min_quality_score=80, min_security_score=80)
    gate = evaluate(settings, Evidence("", (), scores=Scores(79.5, 80, 20), summary=summary))
    assert lines(gate) == [
        ("complexity score of the project", 79.5, 80, False),
        ("quality score of the project", 80, 80, True),
        ("security score of the project", 20, 80, False),
    ]
    assert all(item.at_least for item in gate.conditions)
    assert [item.line for item in gate.first] == [3, 5]
    assert evaluate(settings, Evidence("", ())).conditions == ()


def test_scores_of_a_project_are_weighted_by_lines() -> None:
    rows = [
        LanguageSummary("python", 1, 1, 300, Scores(100, 90, 80)),
        LanguageSummary("go", 1, 1, 100, Scores(60, 50, 40)),
        LanguageSummary(None, 1, 0, 5000, Scores(0, 0, 0)),
    ]
    assert project_scores(rows) == Scores(90, 80, 70)
    assert project_scores([]) == Scores(100, 100, 100)


counts = st.integers(0, 20)
settings_ = st.builds(
    GateSettings,
    fail_on=st.none() | st.sampled_from(list(Severity)),
    new_violations=st.dictionaries(st.sampled_from(list(Severity)), counts),
    new_cyclomatic=st.none() | counts,
    new_cognitive=st.none() | counts,
    min_complexity_score=st.none() | st.floats(0, 100),
    min_quality_score=st.none() | st.floats(0, 100),
    min_security_score=st.none() | st.floats(0, 100),
    new_duplication=st.none() | st.floats(0, 100),
)
violations_ = st.lists(st.builds(violation, st.sampled_from(list(Severity)), st.integers(1, 50)), max_size=8)
functions_ = st.lists(
    st.builds(
        NewFunction,
        st.just("a.py"),
        st.builds(function, counts, counts, st.integers(1, 40)),
        added=st.booleans(),
        cyclomatic=st.booleans(),
        cognitive=st.booleans(),
        duplicate_of=st.sampled_from(["", "other, b.py:1"]),
        compared=st.booleans(),
    ),
    max_size=5,
)
scores_ = st.builds(Scores, st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))


@given(settings_, violations_, functions_, scores_, st.booleans(), violations_, st.data())
def test_worse_never_passes_where_better_failed(
    settings: GateSettings,
    violations: list[Violation],
    functions: list[NewFunction],
    scores: Scores,
    compared: bool,
    more: list[Violation],
    data: st.DataObject,
) -> None:
    evidence = Evidence("at main" if compared else "", violations, functions, scores)
    gate = evaluate(settings, evidence)
    lower = Scores(*(data.draw(st.floats(0, value)) for value in dataclasses.astuple(scores)))
    copy = NewFunction("c.py", function(99, 99), duplicate_of="other, b.py:1", compared=True)
    worse = dataclasses.replace(evidence, violations=[*violations, *more], functions=[*functions, copy], scores=lower)
    after = evaluate(settings, worse)
    assert gate.passed or not after.passed
    for before_, after_ in zip(gate.conditions, after.conditions, strict=True):
        assert before_.passed or not after_.passed
    assert len(after.first) <= 3
    assert bool(after.first) == (not after.passed) or not any(
        c for c in after.conditions if not c.passed and not c.at_least
    )


@given(violations_, functions_)
def test_a_gate_that_asks_for_nothing_passes(violations: list[Violation], functions: list[NewFunction]) -> None:
    assert evaluate(GateSettings(), Evidence("", violations, functions, Scores(0, 0, 0))).passed
