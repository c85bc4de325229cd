"""Why two functions are near, in words: how alike their structure and their names are, and what both call."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from agentforge import parse
from agentforge.embed.features import kind_table, sub_tokens
from agentforge.embed.hashed import HashedEmbedder
from agentforge.embed.interface import Snippet
from agentforge.embed.snippets import parsed_snippet
from agentforge.model import Explanation, FunctionRef

# Of random pairs of functions of Django one in a thousand reaches 0.47 in names and 0.57 in structure; 19 in 20
# near-duplicates reach 0.83 and 0.85.
_LEVELS = ((0.95, "same"), (0.75, "mostly the same"), (0.5, "partly the same"))
_SHOWN_CALLS = 3
_LAST_NAME = re.compile(r"([^\W\d][\w$]*)[?!]?(?:(?:::)?<[^<>]*>)?\s*$")
_CALLEE_FIELDS = ("function", "name", "method", "macro", "constructor", "type")


class Explainer:
    """Compares one function with others."""

    def __init__(self, function: FunctionRef) -> None:
        """Read the code of the function in question."""
        self._embedder = HashedEmbedder()
        self._function = self._read(function)

    def explain(self, matches: Sequence[FunctionRef]) -> list[Explanation | None]:
        """One explanation for each match; None where the code of either cannot be parsed."""
        return [self._compare(self._read(match)) for match in matches]

    def _read(self, function: FunctionRef) -> tuple[Snippet, dict[str, str]] | None:
        if function.language is None or not function.code:
            return None
        try:
            snippet, parsed = parsed_snippet(function.code, function.language)
        except parse.ParseTimeoutError:
            return None
        return snippet, calls(parsed)

    def _compare(self, match: tuple[Snippet, dict[str, str]] | None) -> Explanation | None:
        if self._function is None or match is None:
            return None
        (one, called), (other, also_called) = self._function, match
        words, structure = self._embedder.channels([one, other])
        alike = [float(np.dot(channel[0], channel[1])) for channel in (words, structure)]
        shared = sorted(called.keys() & also_called.keys(), key=lambda key: (-self._embedder.rarity(f"c:{key}"), key))
        names = tuple(called[key] for key in shared)
        return Explanation(alike[0], alike[1], names, _text(alike[0], alike[1], names))


def calls(parsed: parse.ParsedFile) -> dict[str, str]:
    """The names that are called in a piece of code, as written, by their letters: `read_all` and `readAll` are one."""
    types = set(kind_table()["kinds"]["call"])
    found: dict[str, str] = {}
    todo = [parsed.tree.root_node]
    while todo:
        node = todo.pop()
        todo.extend(reversed(node.named_children))
        if node.type not in types:
            continue
        fields = (node.child_by_field_name(field) for field in _CALLEE_FIELDS)
        callee = next((child for child in fields if child), node.named_children[0] if node.named_children else None)
        name = _LAST_NAME.search((callee.text or b"").decode("utf-8", "replace")) if callee else None
        if name:
            found.setdefault("".join(sub_tokens(name[1])), name[1])
    return found


def _text(words: float, structure: float, names: Sequence[str]) -> str:
    parts = [f"{_level(structure)} structure, {_level(words)} names"]
    if names:
        more = f" and {len(names) - _SHOWN_CALLS} more" if len(names) > _SHOWN_CALLS else ""
        parts.append(f"both call {', '.join(names[:_SHOWN_CALLS])}{more}")
    return "; ".join(parts)


def _level(cosine: float) -> str:
    return next((name for least, name in _LEVELS if cosine >= least), "other")
