"""Where a value comes from that reaches a dangerous place: followed back by name, within one function.

A rule captures the value as `@source`; a language's `flow.scm` says what is assigned, read, called and brought in from
outside (docs/languages.md). Only what stands there is said: where two assignments may have happened, a name is not
bound in the function, or a call does more than put texts together, the way ends; without a beginning there is no flow.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from tree_sitter import Node, QueryCursor

from agentforge.detect.place import column, shortened
from agentforge.detect.predicates import ancestors, evaluate, text
from agentforge.model import FlowStep, Function
from agentforge.parse import ParsedFile, query
from agentforge.parse.tree import MATCH_LIMIT

_DEEPEST = 10
_MARKS = ("scope", "branch", "use", "other", "call", "through", "names.dollar", "names.brace")
_OUTSIDE = {
    "request": "the request",
    "environment": "the environment",
    "arguments": "the command line",
    "argument": "an argument",
    "address": "the address of the page",
    "input": "what is read",
}
# How a text names variables in it where the grammar does not look into it.
_NAMES = {"names.dollar": re.compile(r"\$([A-Za-z_]\w*)"), "names.brace": re.compile(r"\{([A-Za-z_]\w*)[:}]")}

_Match = dict[str, list[Node]]


class _Rank(IntEnum):
    """Of two beginnings the one that says more is shown."""

    OUTSIDE = 0
    PARAMETER = 1
    CALL = 2


@dataclass(frozen=True, slots=True)
class _Origin:
    rank: _Rank
    steps: tuple[FlowStep, ...]


@dataclass(frozen=True, slots=True)
class _Assignment:
    """`name` gets `value`, None where that is not clear; `adds` to what it had before."""

    name: Node
    value: Node | None
    adds: bool = False

    @property
    def end(self) -> int:
        """The byte where it is done."""
        return (self.value or self.name).end_byte


@dataclass(slots=True)
class _Facts:
    """What `flow.scm` finds in a piece of a file; nodes by their ids, names by the scope that binds them (0: none)."""

    marks: dict[str, set[int]] = field(default_factory=lambda: {name: set() for name in _MARKS})
    outside: dict[int, str] = field(default_factory=dict)
    parameters: dict[tuple[int, str], Node] = field(default_factory=dict)
    assignments: dict[tuple[int, str], list[_Assignment]] = field(default_factory=lambda: defaultdict(list))

    def scopes(self, node: Node) -> Iterator[int]:
        """The ids of the scopes around a node, the nearest first; at last 0, the file."""
        scopes = self.marks["scope"]
        yield from (above.id for above in ancestors(node) if above.id in scopes)
        yield 0


class Flows:
    """The flows of one file.

    Args:
        parsed: the file.
        functions: of the file.
    """

    def __init__(self, parsed: ParsedFile, functions: Sequence[Function]) -> None:
        self._parsed = parsed
        self._functions = functions
        self._known: dict[tuple[int, int], _Facts] = {}

    def of(self, sources: Sequence[Node]) -> tuple[FlowStep, ...]:
        """The way of a value to the place where it is used, which is not part of it; empty where nothing is clear.

        Args:
            sources: nodes that hold the value; the first of which something can be said counts.
        """
        for node in sources:
            facts = self._facts(node.start_byte)
            origin = _Follower(self._parsed.data, facts).origin(node, 0)
            if origin is not None:
                return origin.steps
        return ()

    def _facts(self, offset: int) -> _Facts:
        around = [item for item in self._functions if item.start_byte <= offset < item.end_byte]
        outer = min(around, key=lambda item: item.start_byte, default=None)
        span = (outer.start_byte, outer.end_byte) if outer else (0, len(self._parsed.data))
        if span not in self._known:
            self._known[span] = _read(self._parsed, span)
        return self._known[span]


def _read(parsed: ParsedFile, span: tuple[int, int]) -> _Facts:
    facts = _Facts()
    for match in _marked(parsed, span, facts):  # scopes are known by then
        _bind(match, facts)
    for found in facts.assignments.values():
        found.sort(key=lambda item: item.name.start_byte)
    return facts


def _marked(parsed: ParsedFile, span: tuple[int, int], facts: _Facts) -> list[_Match]:
    """Keep what single nodes are; the matches that give a name a value are returned."""
    cursor = QueryCursor(query(parsed.language.name, "flow.scm"), match_limit=MATCH_LIMIT)
    cursor.set_byte_range(*span)
    bindings: list[_Match] = []
    for _, match in cursor.matches(parsed.tree.root_node, evaluate):
        for name, nodes in match.items():
            if name in facts.marks:
                facts.marks[name].update(node.id for node in nodes)
            elif name in _OUTSIDE:
                facts.outside.update((node.id, name) for node in nodes)
        if not match.keys().isdisjoint(("parameter", "name", "unclear")):
            bindings.append(match)
    return bindings


def _bind(match: _Match, facts: _Facts) -> None:
    """Keep the parameters and assignments of a match, each in the scope of its name."""
    for node in match.get("parameter", ()):
        facts.parameters[next(facts.scopes(node)), text(node)] = node
    value = next(iter(match.get("value") or match.get("more") or ()), None)
    assigned = [_Assignment(node, value, "more" in match) for node in match.get("name", ())]
    for item in (*assigned, *(_Assignment(node, None) for node in match.get("unclear", ()))):
        facts.assignments[next(facts.scopes(item.name)), text(item.name)].append(item)


class _Follower:
    """Follows names back through the assignments of one piece of a file."""

    def __init__(self, data: bytes, facts: _Facts) -> None:
        self._data = data
        self._facts = facts

    def origin(self, value: Node, depth: int) -> _Origin | None:
        """Where an expression has its value from."""
        best: _Origin | None = None
        for node, what in self._parts(value):
            if what in _OUTSIDE:
                found: _Origin | None = self._outside(node, what)
            elif what == "use":
                found = self._name(node, text(node), depth)
            elif what in _NAMES:
                names = _NAMES[what].findall(text(node))
                found = next(filter(None, (self._name(node, name, depth) for name in names)), None)
            else:  # right at the place, the result of a call tells nothing that its line does not
                found = self._call(node) if depth else self._inside(node)
            if found is not None and (best is None or found.rank < best.rank):
                best = found
        return best

    def _parts(self, value: Node) -> Iterator[tuple[Node, str]]:
        """The parts of an expression that bring a value into it."""
        marks, waiting = self._facts.marks, [value]
        while waiting:
            node = waiting.pop()
            if node.id in marks["other"]:
                continue
            for kind in _NAMES:
                if node.id in marks[kind]:
                    yield node, kind
            if node.id in self._facts.outside:
                yield node, self._facts.outside[node.id]
            elif node.id in marks["call"] and node.id not in marks["through"]:
                yield node, "call"
            elif node.id in marks["use"]:
                yield node, "use"
            elif node.id not in marks["scope"]:
                waiting.extend(reversed(node.named_children))

    def _inside(self, call: Node) -> _Origin | None:
        """What a call is given from outside."""
        waiting = [call]
        while waiting:
            node = waiting.pop()
            if what := self._facts.outside.get(node.id):
                return self._outside(node, what)
            waiting.extend(reversed(node.named_children))
        return None

    def _outside(self, node: Node, what: str) -> _Origin:
        return _Origin(_Rank.OUTSIDE, (self._step(node, node, f"{_OUTSIDE[what]}: `{shortened(text(node))}`"),))

    def _call(self, node: Node) -> _Origin:
        return _Origin(_Rank.CALL, (self._step(node, node, f"the result of `{shortened(text(node))}`"),))

    def _name(self, use: Node, name: str, depth: int) -> _Origin | None:
        """Where a variable has its value from: its last assignment before, else the parameter of its name."""
        facts = self._facts
        if depth >= _DEEPEST:
            return None
        for number, scope in enumerate(facts.scopes(use)):
            assignments = facts.assignments.get((scope, name), [])
            parameter = facts.parameters.get((scope, name))
            if not assignments and parameter is None:
                continue
            if number and len(assignments) + (parameter is not None) > 1:
                return None  # an inner function sees whichever was the last when it was called
            return self._bound(use, assignments, parameter, depth)
        return None

    def _bound(
        self, use: Node, assignments: Sequence[_Assignment], parameter: Node | None, depth: int
    ) -> _Origin | None:
        earlier = [item for item in assignments if item.end <= use.start_byte]
        doubtful = 0
        for item in reversed(earlier):
            if self._is_doubtful(item, use):
                doubtful += 1
                if doubtful > 1:
                    return None  # one of two branches may have been taken for certain
                continue
            found = self.origin(item.value, depth + 1) if item.value is not None else None
            if item.value is not None and found is not None:
                step = self._step(
                    item.name, item.value, f"{'added' if item.adds else 'assigned'} to `{text(item.name)}`"
                )
                return _Origin(found.rank, (*found.steps, step))
            if not item.adds:
                return None
        if parameter is None:
            return None
        step = self._step(parameter, parameter, f"parameter `{text(parameter)}`")
        return _Origin(_Rank.PARAMETER, (step,))

    def _is_doubtful(self, assignment: _Assignment, use: Node) -> bool:
        """Whether it stands in a branch that the use does not stand in."""
        branches = self._facts.marks["branch"]
        for above in ancestors(assignment.name):
            if above.start_byte <= use.start_byte and use.end_byte <= above.end_byte:
                return False
            if above.id in branches:
                return True
        return False

    def _step(self, first: Node, last: Node, message: str) -> FlowStep:
        return FlowStep(
            line=first.start_point.row + 1,
            column=column(self._data, first.start_byte),
            end_line=last.end_point.row + 1,
            end_column=column(self._data, last.end_byte),
            message=message,
        )
