"""Predicates: what reads like a secret, and the negated forms."""

from __future__ import annotations

import pytest
from tree_sitter import Query, QueryCursor

from agentforge import parse
from agentforge.detect.predicates import entropy, evaluate, looks_secret


@pytest.mark.parametrize("value", ["'hT7x-9QzP4vL'", "AKIA2E0A8F3B244C9986"])
def test_a_random_text_reads_like_a_secret(value: str) -> None:
    assert looks_secret(value)


@pytest.mark.parametrize(
    "value",
    [
        "log4j2.trustStorePassword",
        "ProtectPassword",
        "",
        "short",
        "changeme123",
        "${PASSWORD_1}",
        "anonymous@anonymous.org",
        "aaaaaaaaaa",
        "https://a.org/1",
    ],
)
def test_a_placeholder_does_not(value: str) -> None:
    assert not looks_secret(value)


def test_entropy_in_bits_a_character() -> None:
    assert (entropy(""), entropy("aaaa"), entropy("abab"), entropy("abcd")) == (0, 0, 1, 2)


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("#has-parent? @name call", 1),
        ("#not-has-parent? @name call", 3),
        ("#has-ancestor? @name if_statement", 2),
        ("#kind? @name identifier", 4),
        ("#not-kind? @name identifier", 0),
        ('#inside? @name if_statement "^if a"', 2),
        ('#inside? @name if_statement "^if z"', 0),
        ('#within? @name if_statement "f[(]"', 2),
        ('#not-within? @name if_statement "f[(]"', 2),
        ('#within? @name if_statement "{name}:"', 1),  # `a:`, and not `f:`
    ],
)
def test_predicates_look_around_a_node(condition: str, count: int) -> None:
    parsed = parse.parse("python", parse.decode(b"if a:\n    f()\nb\nc\n"))
    query = Query(parse.grammar("python"), f"((identifier) @name ({condition}))")
    assert len(QueryCursor(query).matches(parsed.tree.root_node, evaluate)) == count


@pytest.mark.parametrize(("condition", "count"), [("#same? @a @b", 1), ("#not-same? @a @b", 2)])
def test_two_captures_with_the_same_text(condition: str, count: int) -> None:
    parsed = parse.parse("python", parse.decode(b"aa == aa\naa == ab\naa == a\n"))
    pattern = f"((comparison_operator (identifier) @a (identifier) @b) ({condition}))"
    query = Query(parse.grammar("python"), pattern)
    assert len(QueryCursor(query).matches(parsed.tree.root_node, evaluate)) == count
