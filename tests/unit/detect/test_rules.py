"""Every built-in rule does what its own examples say; every language has its share of rules."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path

import pytest

from agentforge import languages, measure, parse
from agentforge.detect import catalogue, detect, rule_set
from agentforge.detect.loader import load
from agentforge.detect.rule_set import RuleSet
from agentforge.model import Violation

RULES = {f"{language}:{rule.id}": rule for language in languages.names() for rule in load(language)}
EXAMPLES = [
    pytest.param(name, code, kind, id=f"{name}:{kind}{number}")
    for name, rule in RULES.items()
    for kind, codes in (("bad", rule.bad), ("good", rule.good))
    for number, code in enumerate(codes)
]


def found(rules: RuleSet, code: str, *, is_test: bool = False) -> tuple[Violation, ...]:
    decoded = parse.decode(code.encode())
    parsed = parse.parse(rules.language, decoded)
    return detect(parsed, measure.measure(parsed, decoded), "file", is_test=is_test, rules=rules)


@cache
def alone(name: str) -> RuleSet:
    """A rule by itself, switched on; compiled once for all of its examples."""
    return RuleSet(RULES[name].language, (dataclasses.replace(RULES[name], enabled=True),))


@pytest.mark.parametrize(("name", "code", "kind"), EXAMPLES)
def test_examples(name: str, code: str, kind: str) -> None:
    violations = found(alone(name), code)
    if kind == "good":
        assert violations == ()
    else:
        assert {violation.rule_id for violation in violations} == {RULES[name].id}
        assert all("{" not in violation.message or "{" in code for violation in violations)


def test_each_unreachable_statement_of_a_block_is_found() -> None:
    code = "def f():\n    return 1\n    g()\n    return 2\n    h()\nraise E\nk()\n"
    found_lines = [item.line for item in found(alone("python:python-unreachable-code"), code)]
    assert found_lines == [3, 5]  # outside of blocks nothing is said


@pytest.mark.parametrize("language", languages.names())
def test_every_query_compiles(language: str) -> None:
    rules = rule_set(language)
    for rule in load(language):  # those that are switched off too
        if rule.query:
            assert rules.query(rule).pattern_count >= 1
    common = languages.FOLDER / "common"
    assert sum(common not in Path(rule.source).parents for rule in rules) >= 10


def test_there_are_enough_rules_that_are_on() -> None:
    assert len({rule.id for rule in RULES.values() if rule.enabled}) >= 180


def test_a_rule_that_was_wrong_more_than_one_time_in_five_ships_disabled() -> None:
    measured = [(entry, entry.precision) for entry in catalogue.entries() if entry.precision]
    assert len(measured) >= 100
    for entry, found in measured:
        if found.read >= 5:  # fewer say little
            assert (found.right / found.read >= 0.8) is entry.rule.enabled, entry.rule.id


BRANCHES = "def busy(a):\n" + "".join(f"    if a == {number}:\n        return {number}\n" for number in range(25))


def test_a_metric_rule_names_the_function_its_value_and_its_threshold() -> None:
    violation = next(
        item for item in found(rule_set("python"), BRANCHES) if item.rule_id == "high-cyclomatic-complexity"
    )
    assert violation.message.startswith("busy has 26 independent paths; more than 20")
    assert (violation.line, violation.function, violation.severity.value) == (1, "busy", "low")


def test_the_highest_level_that_is_passed_counts() -> None:
    code = "def many(" + ", ".join(f"p{number}" for number in range(16)) + "):\n    pass\n"
    assert [item.severity.value for item in found(rule_set("python"), code)] == ["medium"]
