"""The engine's short cuts change no result."""

from __future__ import annotations

import dataclasses

import pytest

from agentforge import languages, measure, parse
from agentforge.detect import detect
from agentforge.detect.loader import load
from agentforge.detect.rule_set import RuleSet


@pytest.mark.parametrize("language", languages.names())
def test_looking_only_around_literals_finds_what_a_whole_walk_finds(language: str) -> None:
    rules = [dataclasses.replace(rule, enabled=True) for rule in load(language) if rule.literals]
    gated = RuleSet(language, tuple(rules))
    whole = RuleSet(language, tuple(dataclasses.replace(rule, literals=()) for rule in rules))
    for code in dict.fromkeys(code for rule in rules for code in (*rule.bad, *rule.good)):
        decoded = parse.decode(code.encode())
        parsed = parse.parse(language, decoded)
        metrics = measure.measure(parsed, decoded)
        found = [detect(parsed, metrics, "file", is_test=False, rules=rules) for rules in (gated, whole)]
        assert found[0] == found[1], code
