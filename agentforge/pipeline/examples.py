"""Rules tried on their own examples: `bad` ones must break the rule, `good` ones must not."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentforge import languages, measure, parse
from agentforge.detect import Rule, RuleSet, detect, loader
from agentforge.model import Violation


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a rule, and whether it is what it says.

    Attributes:
        rule: of one language; a rule for several is tried in each.
        kind: `bad` or `good`.
        number: among the rule's examples of its kind, from 1.
        line: of the rule's file, where the example stands.
        problem: what is wrong, empty where nothing is.
        found: what the rule said of the example.
    """

    rule: Rule
    kind: str
    number: int
    line: int
    code: str
    problem: str
    found: tuple[Violation, ...]


def try_folder(folder: Path) -> Iterator[Example]:
    """Every example of a project's own rules, language by language, those of rules that are switched off, too.

    Raises:
        UsageError: a rule of the folder is not usable.
    """
    for language in languages.names():
        for rule in loader.load_folder(folder, language):
            yield from try_rule(rule)


def try_rule(rule: Rule) -> Iterator[Example]:
    """Every example of one rule.

    Raises:
        UsageError: the rule's query does not fit the grammar.
    """
    if rule.query:
        RuleSet(rule.language, ()).query(rule)
    lines = Path(rule.source).read_text("utf-8").splitlines()
    for kind, codes in (("bad", rule.bad), ("good", rule.good)):
        at = _key_line(lines, rule.line, kind)
        for number, code in enumerate(codes, 1):
            at = _example_line(lines, at, code)
            found = violations(rule, code)
            yield Example(rule, kind, number, at, code, _problem(rule, kind, code, found), found)


def violations(rule: Rule, code: str) -> tuple[Violation, ...]:
    """What a rule says of a piece of code, switched off or not."""
    decoded = parse.decode(code.encode())
    parsed = parse.parse(rule.language, decoded)
    rules = RuleSet(rule.language, (dataclasses.replace(rule, enabled=True),))
    return detect(parsed, measure.measure(parsed, decoded), "example", is_test=False, rules=rules)


def _problem(rule: Rule, kind: str, code: str, found: tuple[Violation, ...]) -> str:
    if kind == "good":
        return f"the rule finds something in it: {found[0].message} (its line {found[0].line})" if found else ""
    if found:
        return ""
    without = dataclasses.replace(rule, literals=())
    if rule.literals and violations(without, code):
        return "the query matches, but what it matches holds none of the rule's `literals`"
    broken = _broken_line(rule.language, code)
    if broken:
        return f"the rule finds nothing in it: its line {broken} is not valid {languages.get(rule.language).title}"
    return "the rule finds nothing in it"


def _broken_line(language: str, code: str) -> int:
    """The first line that does not parse, 0 where all does."""
    node = parse.parse(language, parse.decode(code.encode())).tree.root_node
    if not node.has_error:
        return 0
    while True:
        below = next((child for child in node.children if child.has_error or child.is_missing), None)
        if below is None or node.is_error:
            return node.start_point.row + 1
        node = below


def _key_line(lines: list[str], start: int, kind: str) -> int:
    """The line of `bad = [` after the line of an entry."""
    for number in range(start, len(lines) + 1):
        if lines[number - 1].replace(" ", "").startswith(f"{kind}=["):
            return number
    return start


def _example_line(lines: list[str], start: int, code: str) -> int:
    """The line from `start` on where an example begins, as a literal text of TOML or with escapes."""
    first = next((line for line in code.splitlines() if line.strip()), "")
    escaped = json.dumps(first, ensure_ascii=False)[1:-1]
    for number in range(start, len(lines) + 1):
        if first in lines[number - 1] or escaped in lines[number - 1]:
            return number
    return start
