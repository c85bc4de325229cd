"""What the queries of a language find in a file, from one walk over its tree: it costs more than what is looked for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache

from tree_sitter import Node, Query, QueryCursor

from agentforge import languages
from agentforge.parse import MATCH_LIMIT, ParsedFile, grammar, query_text, switch_off

Captures = dict[str, list[Node]]


@dataclass(frozen=True, slots=True)
class Survey:
    """The captures of a file.

    Attributes:
        definitions: those of `functions.scm`, a match each, in the order of the file.
        marks: name of a capture of `complexity.scm`, `comment` or `string` -> its nodes by their ids, each once. Calls
            are left out, of which few need to be looked at.
        calls: the query that finds those.
    """

    definitions: list[Captures]
    marks: dict[str, dict[int, Node]]
    calls: str

    @property
    def comments(self) -> list[tuple[int, int]]:
        """The byte ranges of comments, outermost ones only, in order."""
        return _outermost(self.marks.get("comment", {}))

    @property
    def strings(self) -> list[tuple[int, int]]:
        """The same of string literals; none where they were not wanted."""
        return _outermost(self.marks.get("string", {}))


def survey(parsed: ParsedFile, *, strings: bool) -> Survey:
    """Look through a file.

    Args:
        parsed: the file.
        strings: whether string literals are wanted.
    """
    query, defining, calls = _query(parsed.language.name, strings=strings)
    found = Survey([], defaultdict(dict), calls)
    for pattern, captures in QueryCursor(query, match_limit=MATCH_LIMIT).matches(parsed.tree.root_node):
        if pattern in defining:
            found.definitions.append(captures)
            continue
        for name, nodes in captures.items():
            marks = found.marks[name]
            for node in nodes:
                marks[node.id] = node
    return found


@cache
def _query(language: str, *, strings: bool) -> tuple[Query, range, str]:
    """The queries of a language as one, which of its patterns are those of `functions.scm`, and what finds calls."""
    found = languages.get(language)
    kinds = [(kind, "comment") for kind in found.comments] + [(kind, "string") for kind in found.strings if strings]
    trivia = "".join(f"({kind}) @{name}\n" for kind, name in kinds)
    functions = trivia + query_text(language, "functions.scm")
    text = f"{functions}\n{query_text(language, 'complexity.scm')}"
    query = Query(grammar(language), text)
    calls = switch_off(query, text, "call")
    starts = (query.start_byte_for_pattern(pattern) for pattern in range(query.pattern_count))
    return query, range(len(kinds), sum(start < len(functions.encode()) for start in starts)), calls


def _outermost(nodes: dict[int, Node]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    end = -1
    for start, stop in sorted((node.start_byte, node.end_byte) for node in nodes.values()):
        if start >= end:
            spans.append((start, stop))
            end = stop
    return spans
