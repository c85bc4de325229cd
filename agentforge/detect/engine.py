"""Rules against one parsed file.

A rule with literals is tried only around the places where one of them stands: the query cursor is confined to the bytes
of the literal and skips every subtree that does not touch them, so the cost of a rule that finds nothing is that of a
search for bytes. A whole walk of the tree by one query costs about a quarter of the parse; two hundred gated rules
together cost less.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from tree_sitter import Node, Query, QueryCursor

from agentforge.detect.flow import Flows
from agentforge.detect.metric import Excess, excesses
from agentforge.detect.place import column, shortened
from agentforge.detect.predicates import evaluate, text
from agentforge.detect.rule import Rule
from agentforge.detect.rule_set import RuleSet
from agentforge.model import FileMetrics, Function, Severity, Violation
from agentforge.parse import ParsedFile

# In-progress matches kept by one query; beyond it tree-sitter drops the earliest.
_MATCH_LIMIT = 1 << 14
# Microseconds, measured on django: a confined query, each child of the root that it steps over, a byte of a whole walk.
_CONFINED, _SIBLING, _BYTE = 5.0, 0.03, 0.035
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_WHOLE_FILE_HASH = hashlib.sha256(b"").hexdigest()

Match = dict[str, list[Node]]


def detect(
    parsed: ParsedFile, metrics: FileMetrics, path: str, *, is_test: bool, rules: RuleSet
) -> tuple[Violation, ...]:
    """Everything in a file that breaks a rule.

    Args:
        parsed: the file.
        metrics: its measures; its functions name the places.
        path: as it appears in the violations.
        is_test: whether the file holds tests; rules that do not apply to tests are left out.
        rules: of the file's language.

    Returns:
        Violations without fingerprints, by place and rule, at most one a rule and place. A match whose place did not
        parse, or stands directly in what did not parse, is left out.

    Raises:
        UsageError: a rule's query does not fit the grammar.
    """
    places = Places(parsed, metrics.functions)
    found = [
        places.excess(excess, path)
        for excess in excesses(rules.metric_rules, metrics)
        if excess.rule.in_tests or not is_test
    ]
    for rule, matches in _candidates(parsed, rules, is_test=is_test):
        seen: set[tuple[int, int]] = set()
        for match in matches:
            at = match["at"][0]
            span = (at.start_byte, at.end_byte)
            if span not in seen and not _broken(at):
                seen.add(span)
                found.append(places.violation(rule, match, path))
    return tuple(sorted(found, key=lambda item: (item.line, item.column, item.rule_id, item.end_line, item.end_column)))


def _candidates(parsed: ParsedFile, rules: RuleSet, *, is_test: bool) -> Iterator[tuple[Rule, Iterable[Match]]]:
    for rule in rules.gated:
        if rule.in_tests or not is_test:
            spans = _spans(parsed, rule)
            if spans:
                yield rule, _matches(parsed, rules.query(rule), spans)
    if rules.ungated:
        query, by_pattern = rules.together()
        found: dict[str, list[Match]] = {}
        for pattern, match in QueryCursor(query, match_limit=_MATCH_LIMIT << 2).matches(
            parsed.tree.root_node, evaluate
        ):
            if "at" in match:
                found.setdefault(by_pattern[pattern].id, []).append(match)
        yield from (
            (rule, found[rule.id]) for rule in rules.ungated if rule.id in found and (rule.in_tests or not is_test)
        )


def _spans(parsed: ParsedFile, rule: Rule) -> list[tuple[int, int]]:
    """Where to look: the places of the literals, or one span around them all where that is cheaper."""
    data = parsed.data
    spans = []
    for literal in rule.literals:
        if not parsed.vocabulary.may_hold(literal):
            continue
        size = len(literal)
        start = data.find(literal)
        while start >= 0:
            spans.append((start, start + size))
            start = data.find(literal, start + size)
    if len(spans) * (_CONFINED + _SIBLING * parsed.tree.root_node.child_count) > _BYTE * len(data) and len(spans) > 1:
        return [(min(spans)[0], max(end for _, end in spans))]
    return spans


def _matches(parsed: ParsedFile, query: Query, spans: list[tuple[int, int]]) -> Iterator[Match]:
    root = parsed.tree.root_node
    cursor = QueryCursor(query, match_limit=_MATCH_LIMIT)
    for start, end in spans:
        cursor.set_byte_range(start, end)
        for _, match in cursor.matches(root, evaluate):
            if "at" in match:
                yield match


def _broken(node: Node) -> bool:
    if node.has_error:
        return True
    above = node.parent
    return above is not None and above.is_error


class Places:
    """Turns nodes and functions of one file into violations."""

    def __init__(self, parsed: ParsedFile, functions: tuple[Function, ...]) -> None:
        self._data = parsed.data
        self._functions = sorted(functions, key=lambda function: (function.start_byte, -function.end_byte))
        self._flows = Flows(parsed, self._functions)

    def violation(self, rule: Rule, match: Match, path: str) -> Violation:
        """What a match of a query rule says; it begins where `@at` begins."""
        at = match["at"][0]

        def fill(found: re.Match[str]) -> str:
            nodes = match.get(found[1], ())
            return shortened(text(nodes[0])) if nodes else ""

        return rule.broken(
            path,
            _PLACEHOLDER.sub(fill, rule.message),
            line=at.start_point.row + 1,
            column=column(self._data, at.start_byte),
            end_line=at.end_point.row + 1,
            end_column=column(self._data, at.end_byte),
            function=self._enclosing(at.start_byte),
            line_hash=self._line_hash(at.start_byte),
            flow=self._flows.of(match["source"]) if "source" in match else (),
        )

    def excess(self, excess: Excess, path: str) -> Violation:
        """What a metric rule says: of a function at its first line, of a file at line 1."""
        values = {"value": str(excess.value), "threshold": str(excess.level.above)}
        return self.whole(excess.rule, excess.function, path, values, excess.level.severity)

    def whole(
        self,
        rule: Rule,
        function: Function | None,
        path: str,
        values: Mapping[str, str] = MappingProxyType({}),
        severity: Severity | None = None,
    ) -> Violation:
        """What a rule says of a whole function at its first line, or of a file at line 1.

        Args:
            rule: that is broken.
            function: None for the file.
            path: of the file.
            values: for the message, besides `{name}`.
            severity: None for the rule's own.
        """
        values = {"name": function.qualified_name if function else path, **values}
        start = function.start_byte if function else 0
        line_end = self._data.find(b"\n", start)
        line_end = len(self._data) if line_end < 0 else line_end
        line = function.start_line if function else 1
        return rule.broken(
            path,
            _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), rule.message),
            line=line,
            column=column(self._data, start),
            end_line=line,
            end_column=column(self._data, line_end),
            severity=severity,
            function=function.qualified_name if function else "",
            line_hash=self._line_hash(start) if function else _WHOLE_FILE_HASH,
        )

    def head(self, rule: Rule, function: Function, path: str, message: str) -> Violation:
        """What a rule says of a whole function, at its first line."""
        start = function.start_byte
        line_end = self._data.find(b"\n", start)
        return rule.broken(
            path,
            message,
            line=function.start_line,
            column=column(self._data, start),
            end_line=function.start_line,
            end_column=column(self._data, line_end if line_end >= 0 else len(self._data)),
            function=function.qualified_name,
            line_hash=self._line_hash(start),
        )

    def _line_hash(self, offset: int) -> str:
        start = self._data.rfind(b"\n", 0, offset) + 1
        end = self._data.find(b"\n", offset)
        line = self._data[start : end if end >= 0 else len(self._data)].decode("utf-8", "replace")
        return hashlib.sha256("".join(line.split()).encode()).hexdigest()

    def _enclosing(self, offset: int) -> str:
        name = ""
        for function in self._functions:
            if function.start_byte > offset:
                break
            if offset < function.end_byte:
                name = function.qualified_name
        return name
