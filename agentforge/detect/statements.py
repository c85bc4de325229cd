"""Where a statement's head ends, in any language: by the shapes that their syntax trees have in common."""

from __future__ import annotations

import re

from tree_sitter import Node

from agentforge.parse import ParsedFile

# What holds the statements of a body; a head ends where the first one begins.
_BLOCK = re.compile(
    r"(?:\w+_)?(?:block|body|statements|suite|chunk)|(?:statement|declaration|field_declaration|enumerator)_list"
    r"|compound_statement|body_statement|then|do|do_group|else|case_item"
)
_BEFORE_DEFINITION = re.compile(r"(?:\w+_)?(?:attribute|annotation|decorator)(?:_\w+)?")


def next_code_line(parsed: ParsedFile, row: int) -> int | None:
    """The first row, from `row` on, that holds something else than white space and comments; rows count from 0."""
    data, start = parsed.data, _row_start(parsed.data, row)
    while start < len(data):
        offset = _first_byte(data, start)
        if offset >= len(data):
            return None
        comment = _comment(parsed, offset)
        if comment is None:
            return data.count(b"\n", 0, offset)
        start = max(comment.end_byte, offset + 1)
    return None


def extent(parsed: ParsedFile, row: int, comment: Node | None) -> int:
    """The last row of the head of the statement that begins on a row; the row itself where none begins there.

    Args:
        parsed: the file.
        row: from 0.
        comment: on that row, that is no part of the statement.
    """
    data = parsed.data
    offset = _first_byte(data, _row_start(data, row))
    if comment is not None and comment.start_byte <= offset < comment.end_byte:
        offset = _first_byte(data, comment.end_byte)
    node = parsed.tree.root_node.descendant_for_byte_range(offset, offset + 1)
    if node is None or node.parent is None or node.start_byte < offset:
        return row
    node = _outermost(node)
    while _BEFORE_DEFINITION.fullmatch(node.type) and (following := node.next_named_sibling) is not None:
        node = following
    block = _first_block(node)
    if block is None:
        # Some nodes take the line feed behind them.
        return max(row, node.end_point.row - (node.end_point.column == 0))
    line_start = data.rfind(b"\n", 0, block.start_byte) + 1
    own_line = not data[line_start : block.start_byte].strip()
    return max(row, block.start_point.row - own_line)


def _outermost(node: Node) -> Node:
    """The largest node that begins where this one does, but no body and not the file."""
    while (
        (above := node.parent) is not None
        and above.parent is not None
        and above.start_byte == node.start_byte
        and not _BLOCK.fullmatch(above.type)
    ):
        node = above
    return node


def _first_block(node: Node) -> Node | None:
    """The first body below a node, that begins after it."""
    stack = list(reversed(node.children))
    while stack:
        child = stack.pop()
        if child.is_named and _BLOCK.fullmatch(child.type) and child.start_byte > node.start_byte:
            return child
        stack.extend(reversed(child.children))
    return None


def _comment(parsed: ParsedFile, offset: int) -> Node | None:
    node = parsed.tree.root_node.descendant_for_byte_range(offset, offset + 1)
    for _ in range(3):
        if node is None or node.type in parsed.language.comments:
            return node
        node = node.parent
    return None


def _row_start(data: bytes, row: int) -> int:
    start = 0
    for _ in range(row):
        start = data.find(b"\n", start) + 1
        if start == 0:
            return len(data)
    return start


def _first_byte(data: bytes, start: int) -> int:
    """The first byte from `start` on that is no white space."""
    rest = data[start : start + 4096].lstrip()
    while not rest and start + 4096 < len(data):
        start += 4096
        rest = data[start : start + 4096].lstrip()
    return min(len(data), start + 4096) - len(rest) if rest else len(data)
