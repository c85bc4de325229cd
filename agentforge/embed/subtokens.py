"""Code as a sequence of sub-tokens, for the student: what it reads, in training and afterwards.

Comments and triple-quoted strings are dropped, identifiers split at `camelCase` and `snake_case`, brackets and
separators left out. One regular expression a family of languages, so no tree is needed and a function takes 50 to 150
microseconds.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

VOCABULARY = 16_384
HASHED = 4_096
LIMIT = 160
_HASH = frozenset({"python", "ruby", "bash", "php"})
_SLASH_TOO = frozenset({"php"})
_QUOTED_CHARACTERS = frozenset({"c", "cpp", "java", "csharp", "rust", "go", "kotlin", "scala", "swift"})
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_OPERATOR = r"===|!==|[=!<>+\-*/%&|^]=|&&|\|\||<<|>>|=>|->|::|\?\?|[=+\-*/%<>!&|^~?\[]"
_STRING_PARTS = 6
KEYWORDS = frozenset(Path(__file__).with_name("keywords.txt").read_text("utf-8").split())


@cache
def _pattern(language: str) -> re.Pattern[str]:
    if language == "text":
        return re.compile(r"(?P<skip>(?!))|(?P<string>(?!))|(?P<name>[^\W\d]\w*)|(?P<rest>\d\w*)")
    comments = [r"\#[^\n]*"] if language in _HASH else []
    if language == "lua":
        comments = [r"--\[\[.*?\]\]", r"--[^\n]*"]
    elif language not in _HASH or language in _SLASH_TOO:
        comments += [r"/\*.*?\*/", r"//[^\n]*"]
    triple = [r'"""(?:.*?)"""', r"'''(?:.*?)'''"] if language == "python" else []
    single = r"'(?:\\[^\n]{1,8}|[^'\\\n])'" if language in _QUOTED_CHARACTERS else r"'(?:\\.|[^'\\\n])*'"
    string = rf'"(?:\\.|[^"\\\n])*"|{single}|`[^`]*`'
    skip = "|".join([*comments, *triple])
    return re.compile(rf"(?P<skip>{skip})|(?P<string>{string})|(?P<name>[^\W\d]\w*)|(?P<rest>\d\w*|{_OPERATOR})", re.S)


def units(code: str, language: str, limit: int = LIMIT) -> tuple[list[str], list[str]]:
    """The sub-tokens of a function and, for each, the identifier that it is a part of (empty for all else).

    The first one names the language; `text` is the language of sentences.
    """
    found = [f"0{language}"]
    owners = [""]
    for match in _pattern(language).finditer(code):
        kind, text = match.lastgroup, match.group()
        if kind == "skip":
            continue
        if kind == "rest":
            parts = [text if len(text) < 3 or not text[0].isdigit() else "0number"]
        else:
            parts = [part.lower() for part in _PART.findall(text)]
            if kind == "string":
                parts = ['"', *parts[:_STRING_PARTS]]
        owner = text if kind == "name" and text.lower() not in KEYWORDS else ""
        found += parts
        owners += [owner] * len(parts)
        if len(found) >= limit:
            break
    return found[:limit], owners[:limit]


def count(functions: Iterable[tuple[str, str]]) -> list[str]:
    """The vocabulary: sub-tokens in most functions first, equal ones by the alphabet.

    Args:
        functions: (code, language); sampled so that languages weigh alike.
    """
    counts: Counter[str] = Counter()
    for code, language in functions:
        counts.update(set(units(code, language)[0]))
    return [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))][:VOCABULARY]


class Vocabulary:
    """Sub-token -> row of the table: its own where it is common, one of `HASHED` shared ones where it is not."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self._rows = {word: row for row, word in enumerate(words, 1)}
        self._first = 1 + len(words)
        self.size = self._first + HASHED

    def row(self, word: str) -> int:
        """Row of a sub-token; 0 is padding."""
        known = self._rows.get(word)
        return known if known is not None else self._first + zlib.crc32(word.encode("utf-8", "replace")) % HASHED

    def rows(self, code: str, language: str, limit: int = LIMIT) -> list[int]:
        """The rows of a function, none where there is nothing to read; a language it does not know is not named."""
        found = units(code, language, limit)[0]
        words = found if language and found[0] in self._rows else found[1:]
        return [self.row(word) for word in words] if len(found) > 1 else []
