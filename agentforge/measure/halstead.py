"""Halstead's measures from the tokens of any language.

Operators are the grammar's own keywords and punctuation, operands are all other words and literals; a closing bracket
belongs to its opening one and is not counted. What a keyword is comes from the grammar itself: its anonymous nodes.
A word that is a keyword only in some places counts as one everywhere.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from functools import cache

from radon.metrics import mi_compute

from agentforge.model import Halstead
from agentforge.parse import grammar

_CLOSING = frozenset({")", "]", "}"})
_WORD = re.compile(r"[^\W\d]\w*\Z")


@cache
def _lexer(language: str) -> tuple[re.Pattern[bytes], frozenset[bytes]]:
    """A pattern over the tokens of a language, and its keywords. Group 1: punctuation, 2: words, 3: numbers."""
    tree_sitter = grammar(language)
    kinds = {
        kind
        for number in range(tree_sitter.node_kind_count)
        if not tree_sitter.node_kind_is_named(number)
        and (kind := tree_sitter.node_kind_for_id(number))
        and not kind.isspace()
    }
    keywords = frozenset(kind.encode() for kind in kinds if _WORD.match(kind))
    signs = sorted((kind for kind in kinds if not any(c.isalnum() or c.isspace() for c in kind)), key=len, reverse=True)
    punctuation = "|".join(re.escape(sign) for sign in signs if sign not in _CLOSING)
    pattern = rf"((?:{punctuation or '(?!)'}))|([^\W\d][\w$]*|[\x80-\xff]+)|(\d[\w.]*)"
    return re.compile(pattern.encode()), keywords


class Tokens:
    """The tokens of a file outside comments, in order, each known by its place."""

    def __init__(self, language: str, code: bytes, strings: Iterable[tuple[int, int]], string_text: bytes) -> None:
        """Tokenise.

        Args:
            language: whose keywords to know.
            code: the file with comments and string literals blanked out.
            strings: byte ranges of the string literals, an operand each.
            string_text: the file as it was, to tell string literals apart.
        """
        pattern, keywords = _lexer(language)
        tokens: list[tuple[int, bool, bytes]] = []
        for match in pattern.finditer(code):
            text = match[0]
            tokens.append((match.start(), match.lastindex == 1 or text in keywords, text))
        tokens.extend((start, False, string_text[start:end]) for start, end in strings)
        tokens.sort()
        self._tokens = tokens
        self._starts = [token[0] for token in tokens]

    def measure(self, start: int, end: int) -> Halstead:
        """The measures of the tokens that begin within a byte range."""
        low, high = bisect_left(self._starts, start), bisect_left(self._starts, end)
        operators: list[bytes] = []
        operands: list[bytes] = []
        for _, is_operator, text in self._tokens[low:high]:
            (operators if is_operator else operands).append(text)
        return Halstead.of(len(set(operators)), len(set(operands)), len(operators), len(operands))


def maintainability_index(volume: float, cyclomatic: float, code_lines: int, comment_share: float) -> float:
    """Maintainability index, 0 to 100: radon's own formula (Oman and Hagemeister 1992 with Microsoft's scale).

    Args:
        volume: Halstead volume.
        cyclomatic: cyclomatic complexity, the total of the span.
        code_lines: lines with code.
        comment_share: comment lines of all lines, 0 to 1.
    """
    return float(mi_compute(volume, cyclomatic, code_lines, comment_share * 100))
