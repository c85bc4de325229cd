"""The functions of a file that fall within patterns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from agentforge.embed.interface import Snippet
from agentforge.model import Function
from agentforge.patterns import Pattern

if TYPE_CHECKING:
    from agentforge.embed.interface import Embedder
    from agentforge.embed.patterns import Shape
    from agentforge.parse import ParsedFile


@dataclass(frozen=True, slots=True)
class Within:
    """A function that falls within a pattern; `score` is its cosine to the centroid."""

    pattern: Pattern
    function: Function
    score: float


class Finder:
    """Compares functions with patterns.

    Nearly all functions lack the words that a pattern wants, which a search for bytes tells. Only what is left is
    embedded, so a pattern that wants words costs next to nothing, whatever the model.
    """

    def __init__(self, patterns: Collection[Pattern], model: str) -> None:
        """Load nothing yet: the model and the vectors of a pattern's examples are made when they are first needed.

        Args:
            patterns: to compare with.
            model: name of the embedder.
        """
        self._patterns = tuple(patterns)
        self._model = model
        self._shapes: dict[str, Shape] = {}

    @cached_property
    def embedder(self) -> Embedder:
        """What compares."""
        from agentforge.embed.interface import load

        return load(self._model)

    def shape(self, pattern: Pattern) -> Shape:
        """The numbers of a pattern."""
        from agentforge.embed.patterns import shape_of

        if pattern.name not in self._shapes:
            self._shapes[pattern.name] = shape_of(pattern.examples, pattern.spread, self.embedder)
        return self._shapes[pattern.name]

    def find(
        self, parsed: ParsedFile, functions: Sequence[Function], *, is_test: bool, wanted: Collection[str] | None = None
    ) -> list[Within]:
        """The functions of a file that fall within a pattern, by place.

        Args:
            parsed: the file.
            functions: of the file.
            is_test: whether it holds tests.
            wanted: names of the patterns to compare with; None for all.
        """
        text = parsed.data.lower()
        patterns = [
            pattern
            for pattern in self._patterns
            if (wanted is None or pattern.name in wanted)
            and (pattern.in_tests or not is_test)
            and pattern.applies_to(parsed.language.name)
            and _may_have(pattern, text)
        ]
        likely = list(_likely(patterns, parsed, functions, text)) if patterns else []
        if not likely:
            return []
        return list(self._near(parsed, likely))

    def _near(self, parsed: ParsedFile, likely: Sequence[tuple[Function, list[Pattern]]]) -> Iterator[Within]:
        from agentforge.embed.features import extract

        language = parsed.language.name
        missing = [(item.start_byte, item.end_byte) for item, _ in likely if not item.features]
        made = iter(extract(parsed, missing))
        snippets = [
            Snippet(
                language, item.name, _code(parsed, item), item.features or next(made)
            )
            for item, _ in likely
        ]
        vectors = self.embedder.embed(snippets)
        for (function, patterns), vector in zip(likely, vectors, strict=True):
            for pattern in patterns:
                shape = self.shape(pattern)
                score = float(vector @ shape.centroid)
                if score >= shape.least:
                    yield Within(pattern, function, score)


@lru_cache(maxsize=16)
def finder(patterns: tuple[Pattern, ...], model: str) -> Finder:
    """The finder of some patterns, prepared once a process."""
    return Finder(patterns, model)


def _code(parsed: ParsedFile, function: Function) -> str:
    return function.code or parsed.data[function.start_byte : function.end_byte].decode("utf-8", "replace")


def _may_have(pattern: Pattern, text: bytes) -> bool:
    from agentforge.embed.patterns import has_words

    return has_words(pattern, text)


def _likely(
    patterns: Sequence[Pattern], parsed: ParsedFile, functions: Sequence[Function], text: bytes
) -> Iterator[tuple[Function, list[Pattern]]]:
    """The functions that have all that a pattern wants, with these patterns."""
    from agentforge.embed.features import without_comments
    from agentforge.embed.patterns import has_kinds, has_words, lacks_words

    code = None
    for function in functions:
        span = (function.start_byte, function.end_byte)
        found = [
            pattern
            for pattern in patterns
            if function.lines_of_code >= pattern.min_lines and has_words(pattern, text[slice(*span)])
        ]
        if not found:
            continue
        code = code if code is not None else without_comments(parsed).lower()
        body = code[slice(*span)]
        found = [
            pattern
            for pattern in found
            if has_words(pattern, body) and lacks_words(pattern, body) and has_kinds(pattern, parsed, span)
        ]
        if found:
            yield function, found
