"""Where the functions and classes of a file are and what they are called, from a language's `functions.scm`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from tree_sitter import Node

from agentforge.measure.survey import Captures
from agentforge.parse import ParsedFile

# Longer headers are cut: nobody reads them, and generated code has some of a megabyte.
SIGNATURE_LENGTH = 500
_ANONYMOUS = "<anonymous>"
# `Table<K>` is found as `Table`; `operator<` and `operator<=>` stay what they are.
_TYPE_ARGUMENTS = re.compile(r"(?<=\w)<[^()=<>]*>")


@dataclass(frozen=True, slots=True)
class Definition:
    """A function (`is_function`) or a scope that gives its name to what lies in it.

    Attributes:
        qualified_name: the names of the enclosing definitions and its own, joined by `.`.
        in_class: whether the innermost enclosing definition is a class.
        body_start: byte where the body begins, `end_byte` where there is none.
        parameters: how many.
    """

    node: Node
    is_function: bool
    is_class: bool
    name: str
    qualified_name: str
    in_class: bool
    start_byte: int
    end_byte: int
    body_start: int
    parameters: int

    @property
    def line(self) -> int:
        """Where it begins, from 1."""
        return self.node.start_point.row + 1


def locate(parsed: ParsedFile, code: bytes, matches: Iterable[Captures]) -> list[Definition]:
    """All definitions of a file in order of appearance, enclosing ones first.

    Args:
        parsed: the file.
        code: the same with its comments blanked out.
        matches: of `functions.scm` in it.
    """
    found: dict[tuple[int, int, bool], Captures] = {}
    open_ended: set[int] = set()
    for captures in matches:
        if "scope.rest" in captures:
            captures["scope"] = captures["scope.rest"]
            open_ended.add(captures["scope"][0].start_byte)
        kind = "function" if "function" in captures else "class" if "class" in captures else "scope"
        node = captures[kind][0]
        # A node that two patterns match is what the first of them says.
        found.setdefault((node.start_byte, -node.end_byte, kind == "function"), captures)
    ends = dict(pairwise([*sorted(open_ended), len(parsed.data)]))
    definitions: list[Definition] = []
    enclosing: list[Definition] = []
    for start, negative_end, is_function in sorted(found, key=lambda key: (key[0], -ends.get(key[0], -key[1]), key[2])):
        captures = found[start, negative_end, is_function]
        end = ends.get(start, -negative_end)
        # Some grammars end a node where the next one begins, or behind the comments that follow it.
        end = start + len(code[start:end].rstrip())
        while enclosing and (enclosing[-1].end_byte < end or enclosing[-1].end_byte <= start):
            enclosing.pop()
        definition = _definition(parsed, captures, end, enclosing[-1] if enclosing else None)
        definitions.append(definition)
        enclosing.append(definition)
    return definitions


def _definition(parsed: ParsedFile, captures: Captures, end: int, parent: Definition | None) -> Definition:
    kind = "function" if "function" in captures else "class" if "class" in captures else "scope"
    node = captures[kind][0]
    name = _name(parsed.data, captures.get("name", ()))
    body = captures.get("body")
    outer = parent.qualified_name if parent else ""
    qualifier = _name(parsed.data, captures.get("receiver", ()))
    parts = [part for part in (outer, "" if qualifier == _ANONYMOUS else qualifier, name) if part]
    return Definition(
        node=node,
        is_function=kind == "function",
        is_class=kind == "class",
        name=name.rsplit(".", 1)[-1],
        qualified_name=".".join(parts),
        in_class=(parent is not None and parent.is_class) or qualifier != _ANONYMOUS,
        start_byte=node.start_byte,
        end_byte=end,
        body_start=body[0].start_byte if body else end,
        parameters=_count_parameters(parsed, captures.get("parameters", ())),
    )


def _name(data: bytes, nodes: list[Node] | tuple[()]) -> str:
    if not nodes:
        return _ANONYMOUS
    text = ""
    for node in nodes:
        piece = "".join(data[node.start_byte : node.end_byte].decode("utf-8", "replace").split())
        # `operator` and `bool` need a space between them, `~` and `Shape` do not.
        text += f" {piece}" if text[-1:].isalnum() and piece[:1].isalnum() else piece
    outer = ""
    while text != outer:
        outer, text = text, _TYPE_ARGUMENTS.sub("", text)
    # C++, Lua, Ruby and PHP write qualified names with their own signs; one is enough to search for.
    return text.replace("::", ".").replace(":", ".").replace("\\", ".").strip(".")


def _count_parameters(parsed: ParsedFile, nodes: list[Node] | tuple[()]) -> int:
    total = 0
    for node in nodes:
        if not node.child_count:
            return 1  # a lone name: `x => x`
        for child in node.named_children:
            if child.type in parsed.language.comments or child.type in parsed.language.not_parameters:
                continue
            if parsed.language.parameters:
                total += child.type in parsed.language.parameters
                continue
            if parsed.data[child.start_byte : child.end_byte] == b"void":
                continue
            # `a, b int` in Go is one node with two names.
            total += max(1, len(child.children_by_field_name("name")))
    return total


def signature(definition: Definition, code: bytes) -> str:
    """The header of a function on one line.

    Args:
        definition: the function.
        code: the file with its comments blanked out.
    """
    end = definition.body_start
    text = code[definition.start_byte : end].decode("utf-8", "replace")
    if end == definition.end_byte:
        text = text.split("\n", 1)[0]
    text = " ".join(text.split()).removesuffix("{").rstrip().removesuffix("=>").rstrip().removesuffix("=").rstrip()
    return text.removesuffix(":").rstrip()[:SIGNATURE_LENGTH]
