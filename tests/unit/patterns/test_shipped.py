"""Every shipped pattern finds what it says it finds, and nothing of what it says it does not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from agentforge import languages
from agentforge.embed.features import kind_table
from agentforge.embed.interface import DEFAULT_MODEL, load
from agentforge.embed.patterns import digest, known_bounds
from agentforge.model import PatternType
from agentforge.patterns import Example, Pattern, shipped
from agentforge.pipeline.pattern_matches import in_code
from agentforge.pipeline.patterns import finder

PATTERNS = {pattern.name: pattern for pattern in shipped()}
WORD = re.compile(r"[A-Za-z_]\w+")
JUDGED = Path(__file__).parents[3] / "benchmarks" / "patterns.toml"
CASES = [
    pytest.param(pattern, example, kind, id=f"{pattern.name}:{kind}{number}:{example.language}")
    for pattern in shipped()
    for kind, examples in (("example", pattern.examples), ("match", pattern.match), ("no_match", pattern.no_match))
    for number, example in enumerate(examples, 1)
]


@pytest.mark.parametrize(("pattern", "example", "kind"), CASES)
def test_code_falls_within_its_pattern_or_does_not(pattern: Pattern, example: Example, kind: str) -> None:
    found = in_code(example.code.strip().encode(), "-", example.language, finder((), DEFAULT_MODEL))
    found = [match for match in found if match.pattern is pattern]
    if kind == "no_match":
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].score >= found[0].least


def own_share(test: Example, known: set[str]) -> float:
    """The part of the words of some code, keywords among them, that are not known."""
    words = set(WORD.findall(test.code))
    return len(words - known) / len(words)


@pytest.mark.parametrize("pattern", shipped(), ids=lambda pattern: pattern.name)
def test_a_pattern_has_several_examples_and_tests_in_several_languages(pattern: Pattern) -> None:
    assert Path(pattern.source).stem == pattern.name
    assert min(len(pattern.examples), len(pattern.match), len(pattern.no_match)) >= 3
    assert len({example.language for example in (*pattern.examples, *pattern.match)}) >= 2
    codes = [example.code.strip() for example in (*pattern.examples, *pattern.match, *pattern.no_match)]
    assert len(set(codes)) == len(codes), "a test that is one of the examples shows nothing"
    names = {word for example in pattern.examples for word in WORD.findall(example.code)}
    assert any(own_share(test, names) >= 0.2 for test in pattern.match), "no test has names that no example has"
    assert kind_table()["kinds"].keys() >= set(pattern.kinds)
    assert pattern.words, "without words every function would be embedded a second time"
    assert set(languages.names()).issuperset(pattern.languages)


def test_the_numbers_that_ship_are_those_of_the_model_that_ships() -> None:
    known = known_bounds(load())
    assert set(known) == {digest(pattern) for pattern in shipped()}, "run: python training/pattern_bounds.py"
    pattern = PATTERNS["unsafe-merge"]
    shape = finder((), DEFAULT_MODEL).shape(pattern)
    assert known[digest(pattern)].least == pytest.approx(shape.least, abs=1e-6)
    assert known[digest(pattern)].centroid == pytest.approx(shape.centroid, abs=1e-6)


def test_fifteen_patterns_of_each_type_ship() -> None:
    on = [pattern for pattern in shipped() if pattern.enabled]
    assert len(shipped()) >= 15
    assert {pattern.type for pattern in on} == set(PatternType)


def test_a_pattern_that_was_wrong_more_than_one_time_in_five_ships_disabled() -> None:
    for pattern in shipped():
        found = pattern.measured
        assert found is not None, f"{pattern.name} was never measured"
        assert 0 <= found.right <= found.read <= found.hits
        if found.read >= 5:  # fewer say little
            assert (found.right / found.read >= 0.8) is pattern.enabled, pattern.name


def test_what_was_read_of_a_pattern_is_written_down() -> None:
    rows = tomllib.loads(JUDGED.read_text("utf-8"))["hit"]
    assert len({(row["pattern"], row["function"]) for row in rows}) == len(rows)
    assert all(row["right"] or row["why"] for row in rows)
    judged = {(row["pattern"], row["right"]) for row in rows}
    for name, pattern in PATTERNS.items():
        assert pattern.measured is not None
        assert (name, True) in judged or not pattern.measured.right, name
        assert (name, False) in judged or pattern.measured.read == pattern.measured.right, name
    assert {name for name, _ in judged} <= set(PATTERNS)


def test_no_code_that_falls_within_a_pattern_is_what_another_one_forbids() -> None:
    shapes = {name: finder((), DEFAULT_MODEL).shape(pattern) for name, pattern in PATTERNS.items()}
    for name, shape in shapes.items():
        own = float((shape.vectors @ shape.centroid).mean())
        others = [float((other.vectors @ shape.centroid).mean()) for key, other in shapes.items() if key != name]
        assert own > max(others), name
