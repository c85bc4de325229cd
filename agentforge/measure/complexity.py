"""Cyclomatic and cognitive complexity and nesting of functions, from a language's `complexity.scm`.

docs/languages.md gives the meaning of each capture. Cyclomatic complexity is McCabe's (1976): decisions plus one.
Cognitive complexity is Campbell's (2018): one for each break in the linear flow, one more for each level that it is
nested in. A run of like boolean operators counts once; a run is a chain of operands of the same operator.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from tree_sitter import Node, Query

from agentforge.measure.functions import Definition
from agentforge.measure.survey import Survey
from agentforge.parse import ParsedFile, captures, grammar


@dataclass(slots=True)
class Complexity:
    """Counts of one function while its file is read, final afterwards."""

    cyclomatic: int = 1
    cognitive: int = 0
    nesting: int = 0


@dataclass(slots=True)
class _Open:
    """A node that the sweep is inside of. `level` and `depth` are those of its children, in the whole file."""

    end: int
    level: int
    depth: int
    function: int | None


def measure_functions(parsed: ParsedFile, functions: list[Definition], found: Survey) -> list[Complexity]:
    """The complexity of each function, in their order.

    A function that lies in another one counts in both: in the outer one as nested code, in itself from level 0.

    Args:
        parsed: the file.
        functions: in it.
        found: in the file.
    """
    if not functions:
        return []
    results = [Complexity() for _ in functions]
    names = {(function.start_byte, function.end_byte): index for index, function in enumerate(functions)}
    marks = _marks(parsed, names, functions, found)
    stack: list[_Open] = [_Open(len(parsed.data) + 1, 0, 0, None)]
    bases: list[tuple[int, int, int]] = []  # (function, level, depth) of the functions that the sweep is inside of
    recursive: set[int] = set()
    for start, negative_end, kind, index in marks:
        while stack[-1].end <= start:
            closed = stack.pop()
            if closed.function is not None:
                bases.pop()
        top = stack[-1]
        if kind in ("function", "wrapper"):
            level = top.level + (kind == "function" and bool(bases))
            bases.append((index, level, top.depth))
            stack.append(_Open(-negative_end, level, top.depth, index))
            continue
        _count(kind, results, bases, top)
        if kind == "beside":
            stack.append(_Open(-negative_end, top.level - 1, top.depth - 1, None))
        elif kind in ("nest", "deepen"):
            stack.append(_Open(-negative_end, top.level + 1, top.depth + (kind == "nest"), None))
        elif kind.startswith("call") and bases:
            _recursion(parsed, kind, start, -negative_end, bases[-1][0], functions, results, recursive)
    return results


def _count(kind: str, results: list[Complexity], bases: list[tuple[int, int, int]], top: _Open) -> None:
    for function, level, depth in bases:
        result = results[function]
        if kind in ("nest", "flat"):
            result.cognitive += 1 + top.level - level
            if kind == "nest":
                result.nesting = max(result.nesting, top.depth - depth + 1)
        elif kind in ("elseif", "else", "jump", "run"):
            result.cognitive += 1
        elif kind == "decision":
            result.cyclomatic += 1


def _recursion(
    parsed: ParsedFile,
    kind: str,
    start: int,
    end: int,
    index: int,
    functions: list[Definition],
    results: list[Complexity],
    recursive: set[int],
) -> None:
    """Count a function that calls itself, once."""
    function = functions[index]
    fits = kind == "call" or (kind == "call.method") == function.in_class
    called = parsed.data[start:end].decode("utf-8", "replace").replace("::", ".")
    if fits and index not in recursive and called in (function.name, function.qualified_name):
        recursive.add(index)
        results[index].cognitive += 1


def _marks(
    parsed: ParsedFile, names: dict[tuple[int, int], int], functions: list[Definition], found: Survey
) -> list[tuple[int, int, str, int]]:
    """Everything that counts, as (start, -end, kind, function), enclosing nodes before what they hold."""

    def nodes(kind: str) -> Collection[Node]:
        return found.marks.get(kind, {}).values()

    wrappers = {node.start_byte for node in nodes("wrapper")}
    marks = [
        (function.start_byte, -function.end_byte, "wrapper" if function.start_byte in wrappers else "function", index)
        for index, function in enumerate(functions)
    ]
    elseifs = found.marks.get("elseif", {}).keys()
    for kind in ("nest", "deepen"):
        for node in nodes(kind):
            start, end = node.start_byte, node.end_byte
            if node.id not in elseifs and not (kind == "deepen" and (start, end) in names):
                marks.append((start, -end, kind, -1))
    for node in nodes("else"):
        # An `else` that only holds an `else if` is that.
        if node.id not in elseifs and not any(child.id in elseifs for child in node.named_children):
            marks.append(_point(node, "else"))
    for kind in ("elseif", "decision", "jump", "flat"):
        marks.extend(_point(node, kind) for node in nodes(kind))
    marks.extend((node.start_byte, -node.end_byte, "beside", -1) for node in nodes("beside"))
    marks.extend(_calls(parsed, functions, found.calls))
    marks.extend(_logical(parsed.data, nodes("logical")))
    marks.sort()
    return marks


@cache
def _calls_query(language: str, text: str) -> Query:
    return Query(grammar(language), text)


def _calls(parsed: ParsedFile, functions: list[Definition], text: str) -> set[tuple[int, int, str, int]]:
    """The calls in functions that hold their own name: no other one calls itself."""
    calls = _calls_query(parsed.language.name, text)
    return {
        (node.start_byte, -node.end_byte, kind, -1)
        for function in functions
        if parsed.data.find(function.name.encode(), function.body_start, function.end_byte) >= 0
        for kind, nodes in captures(calls, parsed.tree.root_node, (function.body_start, function.end_byte)).items()
        if kind.startswith("call")
        for node in nodes
    }


def _point(node: Node, kind: str) -> tuple[int, int, str, int]:
    """A mark without extent: it counts where it begins and holds nothing."""
    return (node.start_byte, -node.start_byte, kind, -1)


def _logical(data: bytes, nodes: Collection[Node]) -> list[tuple[int, int, str, int]]:
    """A decision for each boolean operator, and a run for the first of each chain of like ones."""
    operators: dict[int, tuple[Node, bytes]] = {}
    for node in nodes:
        operator = node.child_by_field_name("operator") or node.children[1]
        operators[node.id] = (operator, data[operator.start_byte : operator.end_byte])
    chained: set[int] = set()
    for node in nodes:
        for child in node.named_children:
            inner = _unwrapped(child)
            if inner is not None and inner.id in operators and operators[inner.id][1] == operators[node.id][1]:
                chained.add(inner.id)
    marks = [_point(operator, "decision") for operator, _ in operators.values()]
    marks.extend(_point(operator, "run") for key, (operator, _) in operators.items() if key not in chained)
    return marks


def _unwrapped(node: Node | None) -> Node | None:
    """The expression within any parentheses."""
    while node is not None and node.type in ("parenthesized_expression", "parenthesized_statements"):
        node = node.named_child(0)
    return node
