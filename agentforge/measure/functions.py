"""Where the functions and classes of a file are and what they are called, from a language's `functions.scm`."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node, QueryCursor

from agentforge.parse import ParsedFile, query
from agentforge.parse.tree import MATCH_LIMIT

# Longer headers are cut: nobody reads them, and generated code has some of a megabyte.
SIGNATURE_LENGTH = 500
_ANONYMOUS = "<anonymous>"


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


def locate(parsed: ParsedFile) -> list[Definition]:
    """All definitions of a file in order of appearance, enclosing ones first."""
    found: dict[tuple[int, int, bool], dict[str, list[Node]]] = {}
    cursor = QueryCursor(query(parsed.language.name, "functions.scm"), match_limit=MATCH_LIMIT)
    for _, captures in cursor.matches(parsed.tree.root_node):
        kind = "function" if "function" in captures else "class" if "class" in captures else "scope"
        node = captures[kind][0]
        # A node that two patterns match is what the first of them says.
        found.setdefault((node.start_byte, -node.end_byte, kind == "function"), captures)
    definitions: list[Definition] = []
    enclosing: list[Definition] = []
    for key in sorted(found):
        captures = found[key]
        while enclosing and enclosing[-1].end_byte < -key[1]:
            enclosing.pop()
        while enclosing and enclosing[-1].end_byte <= key[0]:
            enclosing.pop()
        definition = _definition(parsed, captures, enclosing[-1] if enclosing else None)
        definitions.append(definition)
        enclosing.append(definition)
    return definitions


def _definition(parsed: ParsedFile, captures: dict[str, list[Node]], parent: Definition | None) -> Definition:
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
        end_byte=node.end_byte,
        body_start=body[0].start_byte if body else node.end_byte,
        parameters=_count_parameters(parsed, captures.get("parameters", ())),
    )


def _name(data: bytes, nodes: list[Node] | tuple[()]) -> str:
    if not nodes:
        return _ANONYMOUS
    text = data[nodes[0].start_byte : nodes[0].end_byte].decode("utf-8", "replace")
    # C++, Lua, Ruby and PHP write qualified names with their own signs; one is enough to search for.
    return ".".join("".join(text.split()).replace("::", ".").replace(":", ".").replace("\\", ".").strip(".").split("."))


def _count_parameters(parsed: ParsedFile, nodes: list[Node] | tuple[()]) -> int:
    total = 0
    for node in nodes:
        if not node.child_count:
            return 1  # a lone name: `x => x`
        for child in node.named_children:
            if child.type in parsed.language.comments or child.type in parsed.language.not_parameters:
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
