"""What an embedder that reads trees needs to know of a function: its words and the shape of its syntax, hashed.

Two channels of 32-bit feature ids with counts:

- words: sub-tokens of identifiers, numbers and strings (`camelCase` and `snake_case` split, ASCII lower case), whole
  identifiers of several sub-tokens, and names that are called; comments and lone string statements (docstrings) are
  dropped;
- structure: runs of 2 to 4 nodes in source order, each as its kind (`kinds.toml`) and whether it lies inside, beside or
  outside the one before it. Names, literals and layout do not enter.

Ids come from CRC-32 and integer arithmetic only, so they are the same on every platform, in every run and in every
file.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from agentforge.embed.packaged import table

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tree_sitter import Language, Node, Query

    from agentforge.parse import ParsedFile

    Ids = NDArray[np.uint32]

HEADER = struct.Struct("<II")
EMPTY = HEADER.pack(0, 0)
_CACHE_LIMIT = 200_000
# A level costs about 300 bytes of C stack.
_RECURSION_LIMIT = 4096
_WORD = re.compile(rb"[A-Za-z_$\x80-\xff][\w$\x80-\xff]*\(?|\d[\w.]*")
_SUB_TOKEN = re.compile(rb"[A-Z]+(?![a-z\x80-\xff])|[A-Z]?[a-z\x80-\xff]+|\d+")
_LONE_STRING = re.compile(r"\(expression_statement \(string(?: (?:[^()]|\([^()]*\)|\((?:[^()]|\([^()]*\))*\))*)?\)\)")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_NODE_PIECE = np.dtype([("kind", "<u4"), ("closed", "<u4")])
_RELATION = np.array([0x3C6EF372, 0x78DDE6E4, 0xB54CDA56], dtype=np.uint32)  # outside, beside, inside
_MULTIPLIER = np.uint32(0x9E3779B1)


class _Words(dict[bytes, bytes]):
    """Token as written -> its packed feature ids."""

    def __missing__(self, token: bytes) -> bytes:
        if len(self) >= _CACHE_LIMIT:
            self.clear()
        parts = [part.lower() for part in _SUB_TOKEN.findall(token)] or [token.rstrip(b"(")]
        features = [b"s:" + part for part in parts]
        whole = b"".join(parts)
        if len(parts) > 1:
            features.append(b"w:" + whole)
        if token.endswith(b"("):
            features.append(b"c:" + whole)
        self[token] = packed = struct.pack(f"<{len(features)}I", *map(zlib.crc32, features))
        return packed


class _Pieces(dict[str, bytes]):
    """What stands between two `(` of an S-expression (`identifier)) body: `) -> packed kind and closing parentheses.

    Kind 0 is a node that is skipped.
    """

    def __init__(self, kinds: dict[str, str], skip: frozenset[str]) -> None:
        self._kinds = kinds
        self._skip = skip

    def __missing__(self, piece: str) -> bytes:
        kind = 0
        node_type = re.split(r"\W", piece, maxsplit=1)[0]
        if node_type and node_type not in self._skip and "comment" not in node_type:
            kind = zlib.crc32(self._kinds.get(node_type, node_type).encode()) or 1
        packed = struct.pack("<II", kind, piece.count(")"))
        if len(self) < _CACHE_LIMIT:
            self[piece] = packed
        return packed


_words = _Words()


@cache
def kind_table() -> dict[str, Any]:
    """What `kinds.toml` holds.

    Raises:
        AgentForgeError: it is damaged.
    """
    return table("kinds.toml", ("skip", "kinds", "paste"))


@cache
def _pieces() -> _Pieces:
    table = kind_table()
    kinds = {node_type: kind for kind, types in table["kinds"].items() for node_type in types}
    return _Pieces(kinds, frozenset(table["skip"]))


def extract(parsed: ParsedFile, spans: Sequence[tuple[int, int]]) -> list[bytes]:
    """Features of the pieces of a file.

    Args:
        parsed: the file; only its `data` (bytes) and `tree` are used.
        spans: (start byte, end byte exclusive) of each function or chunk; they may nest.

    Returns:
        one opaque value a span, in the same order; a span without words and syntax gives `EMPTY`.
    """
    if not spans:
        return []
    root = parsed.tree.root_node
    around = [root.descendant_for_byte_range(start, end) for start, end in spans]
    last = max(*(end for _, end in spans), *(node.end_byte for node in around if node))
    code = _blanked(parsed, min(start for start, _ in spans), last)
    words = [b"".join(map(_words.__getitem__, _WORD.findall(code, start, end))) for start, end in spans]
    pieces = _pieces()
    nodes = [b"".join(map(pieces.__getitem__, _node_pieces(root, code, start, end))) for start, end in spans]
    return _pack(_count(*_word_ids(words)), _count(*_ngram_ids(nodes)), len(spans))


def sub_tokens(name: str) -> list[str]:
    """The parts of an identifier in lower case: `parseHTTPDate` and `parse_http_date` have the same."""
    return [part.decode("utf-8", "replace").lower() for part in _SUB_TOKEN.findall(name.encode("utf-8", "replace"))]


def of_text(text: str) -> bytes:
    """Features of words that people wrote: the words of code that would be called so, and no structure."""
    words = b"".join(map(_words.__getitem__, _WORD.findall(text.encode("utf-8", "replace"))))
    nothing = np.zeros(0, dtype=np.uint32), np.zeros(0, dtype=np.int64)
    return _pack(_count(*_word_ids([words])), _count(*nothing), 1)[0]


def unpack(features: Sequence[bytes]) -> tuple[tuple[Ids, NDArray[Any], NDArray[Any]], ...]:
    """The two channels (words, structure) of many functions, each as (ids, counts, row of each id)."""
    sizes = np.array([HEADER.unpack_from(item) for item in features], dtype=np.int64).reshape(-1, 2)
    id_parts: tuple[list[bytes], list[bytes]] = ([], [])
    count_parts: tuple[list[bytes], list[bytes]] = ([], [])
    for item, (words, nodes) in zip(features, sizes.tolist(), strict=True):
        middle, last = 8 + 4 * words, 8 + 4 * (words + nodes)
        id_parts[0].append(item[8:middle])
        id_parts[1].append(item[middle:last])
        count_parts[0].append(item[last : last + words])
        count_parts[1].append(item[last + words :])
    rows = np.arange(len(features))
    return tuple(
        (
            np.frombuffer(b"".join(id_parts[channel]), dtype="<u4"),
            np.frombuffer(b"".join(count_parts[channel]), dtype=np.uint8),
            np.repeat(rows, sizes[:, channel]),
        )
        for channel in (0, 1)
    )


def mix(values: Ids) -> Ids:
    """Murmur3's 32-bit finaliser: every bit of the input moves half of the bits of the output."""
    values = values ^ (values >> np.uint32(16))
    values = values * np.uint32(0x85EBCA6B)
    values ^= values >> np.uint32(13)
    values = values * np.uint32(0xC2B2AE35)
    return values ^ (values >> np.uint32(16))


@cache
def _comment_query(language: Language) -> Query | None:
    from tree_sitter import Query, QueryError

    numbers = range(language.node_kind_count)
    visible = (n for n in numbers if language.node_kind_is_named(n) and language.node_kind_is_visible(n))
    types = {language.node_kind_for_id(number) for number in visible}
    comments = sorted(name for name in types if name and "comment" in name)
    pattern = "[" + " ".join(f"({name})" for name in comments) + "] @comment" if comments else ""
    try:
        return Query(language, f"{pattern} (expression_statement . (string) @comment .)")
    except QueryError:
        return Query(language, pattern) if pattern else None


def without_comments(parsed: ParsedFile, span: tuple[int, int] | None = None) -> bytes:
    """The bytes of a file, or of a span (first byte, last exclusive) of it, blanks for comments and lone strings."""
    start, end = span or (0, len(parsed.data))
    return _blanked(parsed, start, end)[start:end]


def _blanked(parsed: ParsedFile, start: int, end: int) -> bytes:
    """The bytes of a file, with blanks for the comments and lone strings between two of them."""
    from agentforge.parse import captures

    query = _comment_query(parsed.tree.language)
    comments = captures(query, parsed.tree.root_node, (start, end)).get("comment") if query else None
    if not comments:
        return parsed.data
    code = bytearray(parsed.data)
    for node in comments:
        code[node.start_byte : node.end_byte] = b" " * (node.end_byte - node.start_byte)
    return bytes(code)


def expression_of(root: Node, code: bytes, start: int, end: int) -> str:
    """The S-expression of what lies between two bytes, empty where nothing does.

    A node may go on behind a function, with comments that a grammar takes for its last; `code` has none.
    """
    node = root.descendant_for_byte_range(start, end)
    if node is None or start >= end:
        return ""
    if node.start_byte >= start and not code[end : node.end_byte].strip():
        return _expression([node])
    return _expression([child for child in node.named_children if child.start_byte >= start and child.end_byte <= end])


def _node_pieces(root: Node, code: bytes, start: int, end: int) -> list[str]:
    """The same, cut at its opening parentheses."""
    text = expression_of(root, code, start, end)
    if "(MISSING" in text or "(UNEXPECTED" in text:
        text = _QUOTED.sub("", text)
    if "(expression_statement (string" in text:
        text = _LONE_STRING.sub("", text)
    return text.split("(")


def _expression(nodes: list[Node]) -> str:
    """The S-expressions of some nodes. tree-sitter writes them by recursion, so a deep tree is given to it in parts."""
    if len(nodes) == 1 and nodes[0].descendant_count < _RECURSION_LIMIT:
        return str(nodes[0])
    parts = []
    todo: list[Node | None] = list(reversed(nodes))
    while todo:
        node = todo.pop()
        if node is None:
            parts.append(")")
        elif node.descendant_count < _RECURSION_LIMIT:
            parts.append(str(node))
        else:
            parts.append(f"({node.type}")
            todo.append(None)
            todo.extend(reversed(node.named_children))
    return " ".join(parts)


def _word_ids(words: list[bytes]) -> tuple[Ids, NDArray[Any]]:
    sizes = [len(packed) // 4 for packed in words]
    return np.frombuffer(b"".join(words), dtype="<u4"), np.repeat(np.arange(len(words)), sizes)


def _ngram_ids(nodes: list[bytes]) -> tuple[Ids, NDArray[Any]]:
    """Ids of the runs of 2, 3 and 4 nodes, and the row (function) of each."""
    pieces = np.frombuffer(b"".join(nodes), dtype=_NODE_PIECE)
    depth = np.arange(len(pieces)) - (np.cumsum(pieces["closed"], dtype=np.int64) - pieces["closed"])
    kept = pieces["kind"] != 0
    row = np.repeat(np.arange(len(nodes)), [len(packed) // 8 for packed in nodes])[kept]
    depth = depth[kept]
    relation = np.full(len(row), 2)
    relation[1:] = np.where(np.diff(row) == 0, np.sign(np.diff(depth)) + 1, 2)
    node = mix(pieces["kind"][kept] ^ _RELATION[relation])
    ids, rows, run = [], [], node
    for size in (2, 3, 4):
        run = mix(run[:-1] * _MULTIPLIER ^ node[size - 1 :])
        whole = row[: len(run)] == row[size - 1 :]
        ids.append(run[whole])
        rows.append(row[: len(run)][whole])
    return np.concatenate(ids), np.concatenate(rows)


def _count(ids: Ids, rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Distinct (row, id) as one 64-bit key each, ascending, and how often each occurs (255 at most)."""
    keys = np.sort((rows.astype(np.uint64) << np.uint64(32)) | ids)
    first = np.ones(len(keys), dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    starts = np.flatnonzero(first)
    counts = np.diff(np.append(starts, len(keys)))
    return keys[starts], np.minimum(counts, 255).astype(np.uint8)


def _pack(words: tuple[NDArray[Any], NDArray[Any]], nodes: tuple[NDArray[Any], NDArray[Any]], rows: int) -> list[bytes]:
    bounds = np.arange(rows + 1, dtype=np.uint64) << np.uint64(32)
    packed = []
    for keys, counts in (words, nodes):
        cuts = np.searchsorted(keys, bounds).tolist()
        packed.append((cuts, (keys & np.uint64(0xFFFFFFFF)).astype("<u4").tobytes(), counts.tobytes()))
    (word_cuts, word_ids, word_counts), (node_cuts, node_ids, node_counts) = packed
    result = []
    for row in range(rows):
        a, b = word_cuts[row : row + 2]
        c, d = node_cuts[row : row + 2]
        header = HEADER.pack(b - a, d - c)
        result.append(header + word_ids[4 * a : 4 * b] + node_ids[4 * c : 4 * d] + word_counts[a:b] + node_counts[c:d])
    return result
