"""Scores are in range and monotone."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from agentforge.measure.scores import score
from agentforge.model import (
    Category,
    Confidence,
    FileMetrics,
    Function,
    Halstead,
    LineCounts,
    Scores,
    Severity,
    Violation,
)

violations = st.builds(
    Violation,
    rule_id=st.just("x"),
    rule_name=st.just("x"),
    category=st.sampled_from(Category),
    severity=st.sampled_from(Severity),
    confidence=st.sampled_from(Confidence),
    cwe=st.none(),
    path=st.just("a"),
    line=st.just(1),
    column=st.just(1),
    end_line=st.just(1),
    end_column=st.just(1),
    message=st.just(""),
    suggestion=st.just(""),
)
functions = st.builds(
    lambda cyclomatic, cognitive: Function(
        "f", "f", "f()", 1, 1, 0, 1, 1, 0, cyclomatic, cognitive, 0, Halstead(), 100.0
    ),
    st.integers(1, 200),
    st.integers(0, 300),
)
metrics = st.builds(
    FileMetrics,
    lines=st.just(LineCounts(1, 1)),
    functions=st.lists(functions, max_size=40).map(tuple),
    parse_error=st.sampled_from([None, "syntax error"]),
    error_share=st.floats(0, 1),
)


def each(scores: Scores) -> tuple[float, float, float]:
    return scores.complexity, scores.quality, scores.security


@given(metrics, st.lists(violations, max_size=20))
def test_fixing_a_violation_lowers_no_score(file: FileMetrics, found: list[Violation]) -> None:
    before = each(score(file, found))
    assert all(0 <= value <= 100 for value in before)
    for index in range(len(found)):
        after = each(score(file, found[:index] + found[index + 1 :]))
        assert all(new >= old for new, old in zip(after, before, strict=True))


@given(metrics, st.data())
def test_a_simpler_function_lowers_no_score(file: FileMetrics, data: st.DataObject) -> None:
    if not file.functions:
        return
    index = data.draw(st.integers(0, len(file.functions) - 1))
    old = file.functions[index]
    simpler = dataclasses.replace(
        old,
        cyclomatic=data.draw(st.integers(1, old.cyclomatic)),
        cognitive=data.draw(st.integers(0, old.cognitive)),
    )
    after = dataclasses.replace(file, functions=(*file.functions[:index], simpler, *file.functions[index + 1 :]))
    assert score(after, []).complexity >= score(file, []).complexity


def test_a_file_that_did_not_parse_never_looks_clean() -> None:
    assert max(each(score(FileMetrics(LineCounts(1, 1), parse_error="syntax error"), []))) <= 50
