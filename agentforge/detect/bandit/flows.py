"""Where the values come from that bandit warns of: its findings name a place only, in which the value is looked up."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from functools import cache

from tree_sitter import Node

from agentforge.detect.bandit.described import described
from agentforge.detect.flow import Flows
from agentforge.model import Function, Violation
from agentforge.parse import ParsedFile

_PARTS_OF_TEXT = frozenset({"string", "concatenated_string", "binary_operator", "parenthesized_expression"})


def with_flows(violations: Iterable[Violation], parsed: ParsedFile, functions: Sequence[Function]) -> list[Violation]:
    """The same violations, with the way of the value where it is clear.

    Args:
        violations: as bandit makes them, columns in bytes.
        parsed: the file.
        functions: of the file.
    """
    flows, kinds = Flows(parsed, functions), _kinds()

    def followed(item: Violation) -> Violation:
        kind = kinds.get(item.rule_id)
        return dataclasses.replace(item, flow=flows.of(_values(parsed, item, kind))) if kind else item

    return [followed(item) for item in violations]


@cache
def _kinds() -> dict[str, str]:
    """Id of a test -> which value it warns of: `argument` or `text`."""
    return {id_: test["flow"] for id_, test in described().items() if "flow" in test}


def _values(parsed: ParsedFile, item: Violation, kind: str) -> list[Node]:
    """The nodes that hold the value; empty where the tree has none at the place."""
    place = (item.line - 1, item.column - 1)
    node = parsed.tree.root_node.descendant_for_point_range(place, place)
    if node is None:
        return []
    return [_text(node)] if kind == "text" else _arguments(node, item.end_column - 1)


def _text(node: Node) -> Node:
    """The whole of a text that is put together, around a part of it."""
    while (above := node.parent) is not None and (
        above.type in _PARTS_OF_TEXT or _formats(above) or _formats(above.parent)
    ):
        node = above
    return node


def _formats(node: Node | None) -> bool:
    """Whether it is a call of a method `format`."""
    name = node.child_by_field_name("function") if node is not None and node.type == "call" else None
    method = name.child_by_field_name("attribute") if name is not None else None
    return method is not None and method.text == b"format"


def _arguments(node: Node, end_column: int) -> list[Node]:
    """What the call that begins here and ends in a column is given: its first argument, else those with names."""
    start = node.start_byte
    call: Node | None = node
    while call is not None and not (call.type == "call" and call.end_point.column == end_column):
        call = call.parent if call.parent is not None and call.parent.start_byte == start else None
    given = call.child_by_field_name("arguments") if call is not None else None
    if given is None:
        return []
    plain = [child for child in given.named_children if child.type not in ("keyword_argument", "comment")]
    named = [child.child_by_field_name("value") for child in given.named_children if child.type == "keyword_argument"]
    return plain[:1] or [value for value in named if value is not None]
