"""Text to a tree-sitter tree, and the queries of a language compiled once a process."""

from __future__ import annotations

import importlib
import time
from dataclasses import dataclass
from functools import cache

from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser, Query, QueryCursor, QueryError, Tree

from agentforge import languages
from agentforge.languages import Language
from agentforge.parse.decode import Decoded
from agentforge.parse.mask import mask
from agentforge.parse.vocabulary import Vocabulary

# A real file parses in milliseconds; what takes this long is made to.
PARSE_SECONDS = 10.0
# In-progress matches kept by one query; beyond it tree-sitter drops the earliest, silently.
MATCH_LIMIT = 1 << 16
_INHERITS = "; inherits:"


class ParseTimeoutError(Exception):
    """The parser did not finish in time."""


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A file's text with its syntax tree.

    Attributes:
        data: UTF-8; all byte offsets of nodes count in it.
        error_share: the part of `data`, 0 to 1, that is in nothing that parsed.
        vocabulary: the words of `data`.
    """

    language: Language
    data: bytes
    text: str
    tree: Tree
    error_share: float
    vocabulary: Vocabulary


@cache
def grammar(name: str) -> Grammar:
    """The tree-sitter grammar of a language."""
    module, function = languages.get(name).grammar
    return Grammar(getattr(importlib.import_module(module), function)())


@cache
def _parser(name: str) -> Parser:
    return Parser(grammar(name))


@cache
def query(language: str, file_name: str) -> Query:
    """The query in a file of the language's folder, compiled.

    Raises:
        ValueError: the query does not fit the grammar; says which file and where.
    """
    path = languages.get(language).folder / file_name
    try:
        return Query(grammar(language), query_text(language, file_name))
    except QueryError as error:
        raise ValueError(f"{path}: {error}") from error


def switch_off(compiled: Query, text: str, capture: str) -> str:
    """Switch off those patterns of a query that have a capture, and give their text.

    Args:
        compiled: the query.
        text: what it was made of.
        capture: what the name of the capture begins with.
    """
    written, sign = text.encode(), f"@{capture}".encode()
    off = []
    for pattern in range(compiled.pattern_count):
        inside = written[compiled.start_byte_for_pattern(pattern) : compiled.end_byte_for_pattern(pattern)]
        if sign in inside:
            compiled.disable_pattern(pattern)
            off.append(inside)
    return b"\n".join(off).decode()


def query_text(language: str, file_name: str) -> str:
    """The query in a file of the language's folder, with what it inherits.

    A first line `; inherits: NAME` puts that language's file of the same name before it.
    """
    text = (languages.get(language).folder / file_name).read_text("utf-8")
    first = text.split("\n", 1)[0]
    if not first.startswith(_INHERITS):
        return text
    return query_text(first.removeprefix(_INHERITS).strip(), file_name) + text


def captures(compiled: Query, node: Node, within: tuple[int, int] | None = None) -> dict[str, list[Node]]:
    """All captures of a query under a node, by name, each node once, in no order (they come out of a set).

    Args:
        compiled: the query.
        node: where to look.
        within: a range of bytes: only matches that touch it.
    """
    cursor = QueryCursor(compiled, match_limit=MATCH_LIMIT)
    if within is not None:
        cursor.set_byte_range(*within)
    return cursor.captures(node)


def parse(language: str, decoded: Decoded) -> ParsedFile:
    """Parse a file.

    Args:
        language: its name.
        decoded: its text.

    Raises:
        ParseTimeoutError: after `PARSE_SECONDS`.
    """
    found = languages.get(language)
    data = mask(decoded.data, found.masks)
    tree = _tree(language, data)
    share = _error_share(language, tree.root_node)
    if tree.root_node.has_error and found.masks_on_error:
        masked = mask(data, found.masks_on_error)
        other = _tree(language, masked) if masked is not data else tree
        other_share = _error_share(language, other.root_node)
        if other_share < share or not other.root_node.has_error:
            tree, share = other, other_share
    return ParsedFile(found, decoded.data, decoded.text, tree, share, Vocabulary(decoded.data))


def _tree(language: str, data: bytes) -> Tree:
    deadline = time.monotonic() + PARSE_SECONDS
    parser = _parser(language)

    def read(offset: int, _point: object) -> bytes:
        return data[offset : offset + 65536]

    if len(data) < 100_000:
        return parser.parse(data)
    # Only a parse from a reader can be interrupted, and only a large file can need it.
    try:
        return parser.parse(read, progress_callback=lambda _offset, _failed: time.monotonic() > deadline)
    except ValueError as error:
        parser.reset()
        raise ParseTimeoutError(f"not parsed within {PARSE_SECONDS:.0f} seconds") from error


@cache
def _error_query(language: str) -> Query:
    return Query(grammar(language), "(ERROR) @error")


def _error_share(language: str, root: Node) -> float:
    if not root.has_error or root.end_byte == 0:
        return 0.0
    errors = captures(_error_query(language), root).get("error", ())
    return sum(map(_unparsed, errors)) / root.end_byte


def _unparsed(error: Node) -> int:
    """The bytes of an ERROR node that are in nothing that parsed: its tokens. It may hold whole functions, too."""
    if not error.child_count:
        return error.end_byte - error.start_byte
    tokens = (node for node in error.children if not (node.child_count or node.is_extra or node.is_error))
    return sum(node.end_byte - node.start_byte for node in tokens)
