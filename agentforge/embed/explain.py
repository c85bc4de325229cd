"""Why two functions are near, in words: how alike their structure and their names are, and what both call."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agentforge import parse
from agentforge.embed.fast import FastEmbedder
from agentforge.embed.interface import Snippet
from agentforge.embed.snippets import parsed_snippet
from agentforge.embed.traits import Traits, alike, traits
from agentforge.model import Explanation, FunctionRef

# Of random pairs of functions of Django one in a thousand reaches 0.47 in names and 0.57 in structure; 19 in 20
# near-duplicates reach 0.83 and 0.85.
_LEVELS = ((0.95, "same"), (0.75, "mostly the same"), (0.5, "partly the same"))
_SHOWN_CALLS = 3


class Explainer:
    """Compares one function with others. It reads the code of each once."""

    def __init__(self, function: FunctionRef) -> None:
        """Read the code of the function in question."""
        self._embedder = FastEmbedder()
        self._known: dict[FunctionRef, tuple[Snippet, Traits] | None] = {}
        self._function = self._read(function)

    def alike(self, other: FunctionRef) -> float:
        """How alike another one is in what `traits` knows; 0 where the code of either cannot be parsed."""
        read = self._read(other)
        return alike(self._function[1], read[1]) if self._function and read else 0.0

    def explain(self, matches: Sequence[FunctionRef]) -> list[Explanation | None]:
        """One explanation for each match; None where the code of either cannot be parsed."""
        return [self._compare(self._read(match)) for match in matches]

    def _read(self, function: FunctionRef) -> tuple[Snippet, Traits] | None:
        if function not in self._known:
            self._known[function] = self._parsed(function)
        return self._known[function]

    def _parsed(self, function: FunctionRef) -> tuple[Snippet, Traits] | None:
        if function.language is None or not function.code:
            return None
        try:
            snippet, parsed = parsed_snippet(function.code, function.language)
        except parse.ParseTimeoutError:
            return None
        name = function.qualified_name.rpartition(".")[2]
        return snippet, traits(name, parsed, self._embedder.rarity)

    def _compare(self, match: tuple[Snippet, Traits] | None) -> Explanation | None:
        if self._function is None or match is None:
            return None
        (one, mine), (other, its) = self._function, match
        words, structure = self._embedder.channels([one, other])
        near = [float(np.dot(channel[0], channel[1])) for channel in (words, structure)]
        both = mine.called.keys() & its.called.keys()
        shared = sorted(both, key=lambda key: (-self._embedder.rarity(f"c:{key}"), key))
        names = tuple(mine.called[key] for key in shared)
        return Explanation(near[0], near[1], names, _text(near[0], near[1], names))


def _text(words: float, structure: float, names: Sequence[str]) -> str:
    parts = [f"{_level(structure)} structure, {_level(words)} names"]
    if names:
        more = f" and {len(names) - _SHOWN_CALLS} more" if len(names) > _SHOWN_CALLS else ""
        parts.append(f"both call {', '.join(names[:_SHOWN_CALLS])}{more}")
    return "; ".join(parts)


def _level(cosine: float) -> str:
    return next((name for least, name in _LEVELS if cosine >= least), "other")
