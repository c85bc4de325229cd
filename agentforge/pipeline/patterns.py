"""The functions of a file that fall within patterns, as violations and as idioms."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from agentforge.embed.interface import Snippet
from agentforge.model import FileMetrics, Function, PatternType, Violation
from agentforge.patterns import Pattern, shipped
from agentforge.patterns.words import has_words

if TYPE_CHECKING:
    from agentforge.detect import Rule
    from agentforge.embed.interface import Embedder
    from agentforge.embed.patterns import Bounds, Shape
    from agentforge.parse import ParsedFile, Vocabulary

    Likely = tuple[Function, list[Pattern]]


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
        self.patterns = tuple(patterns)
        self._model = model
        self._shapes: dict[str, Shape] = {}
        self._bounds: dict[str, Bounds] = {}
        self._by_language: dict[str, tuple[Pattern, ...]] = {}

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

    @cached_property
    def _known(self) -> dict[str, Bounds]:
        from agentforge.embed.patterns import known_bounds

        return known_bounds(self.embedder)

    def bounds(self, pattern: Pattern) -> Bounds:
        """What tells whether a function falls within a pattern."""
        from agentforge.embed.patterns import Bounds, digest

        if pattern.name not in self._bounds:
            known = self._known.get(digest(pattern)) if pattern.source else None
            if known is None:
                shape = self.shape(pattern)
                known = Bounds(shape.centroid, shape.least)
            self._bounds[pattern.name] = known
        return self._bounds[pattern.name]

    def possible(
        self,
        vocabulary: Vocabulary,
        language: str,
        *,
        is_test: bool,
        wanted: Callable[[Pattern], bool] = lambda _: True,
    ) -> list[Pattern]:
        """The patterns that a function of a file may fall within, by what can be told without a tree.

        Args:
            vocabulary: of the file.
            language: of the file.
            is_test: whether it holds tests.
            wanted: says whether a pattern counts here.
        """
        words = vocabulary.lowered
        return [
            pattern
            for pattern in self._of_language(language)
            if (pattern.in_tests or not is_test) and wanted(pattern) and has_words(pattern, words)
        ]

    def _of_language(self, language: str) -> tuple[Pattern, ...]:
        if language not in self._by_language:
            self._by_language[language] = tuple(item for item in self.patterns if item.applies_to(language))
        return self._by_language[language]

    def find(
        self,
        parsed: ParsedFile,
        functions: Sequence[Function],
        *,
        is_test: bool,
        wanted: Callable[[Pattern], bool] = lambda _: True,
    ) -> list[Within]:
        """The functions of a file that fall within a pattern; of two of which one lies in the other, the inner one.

        Args:
            parsed: the file.
            functions: of the file.
            is_test: whether it holds tests.
            wanted: says whether a pattern counts here.
        """
        if not functions:
            return []
        patterns = self.possible(parsed.vocabulary, parsed.language.name, is_test=is_test, wanted=wanted)
        likely = list(_likely(patterns, parsed, functions)) if patterns else []
        return _innermost(list(self._near(parsed, likely))) if likely else []

    def _near(self, parsed: ParsedFile, likely: Sequence[Likely]) -> Iterator[Within]:
        """Those that are near enough."""
        from agentforge.embed.features import extract

        made = iter(extract(parsed, [(item.start_byte, item.end_byte) for item, _ in likely if not item.features]))
        snippets = [
            Snippet(parsed.language.name, item.name, _code(parsed, item), item.features or next(made))
            for item, _ in likely
        ]
        for (function, patterns), vector in zip(likely, self.embedder.embed(snippets), strict=True):
            for pattern in patterns:
                bounds = self.bounds(pattern)
                score = float(vector @ bounds.centroid)
                if score >= bounds.least:
                    yield Within(pattern, function, score)


@lru_cache(maxsize=16)
def finder(own: tuple[Pattern, ...], model: str) -> Finder:
    """The finder of the patterns that ship and of some others, prepared once a process."""
    return Finder((*shipped(), *own), model)


def violations_of(
    parsed: ParsedFile, metrics: FileMetrics, found: Iterable[Within], rules: Iterable[Rule], path: str
) -> list[Violation]:
    """What functions that fall within a pattern break, without fingerprints.

    Args:
        parsed: the file.
        metrics: of the file.
        found: the functions.
        rules: that are on, those of the patterns among them.
        path: of the file.
    """
    from agentforge.detect.engine import Places

    by_id = {rule.id: rule for rule in rules}
    places = Places(parsed, metrics.functions)
    return [
        places.whole(by_id[item.pattern.rule_id], item.function, path)
        for item in found
        if item.pattern.rule_id in by_id
    ]


def with_idioms(metrics: FileMetrics, found: Iterable[Within]) -> FileMetrics:
    """The same with the idioms that functions are."""
    idioms: dict[tuple[int, int], list[str]] = defaultdict(list)
    for item in found:
        if item.pattern.type is PatternType.IDIOM:
            idioms[item.function.start_byte, item.function.end_byte].append(item.pattern.name)
    if not idioms:
        return metrics
    functions = (
        dataclasses.replace(function, idioms=tuple(sorted(names)))
        if (names := idioms.get((function.start_byte, function.end_byte)))
        else function
        for function in metrics.functions
    )
    return dataclasses.replace(metrics, functions=tuple(functions))


def _innermost(found: list[Within]) -> list[Within]:
    return [item for item in found if not any(_holds(item, other) for other in found)]


def _holds(item: Within, other: Within) -> bool:
    outer, inner = item.function, other.function
    return (
        item.pattern is other.pattern
        and (outer.start_byte, outer.end_byte) != (inner.start_byte, inner.end_byte)
        and outer.start_byte <= inner.start_byte
        and inner.end_byte <= outer.end_byte
    )


def _code(parsed: ParsedFile, function: Function) -> str:
    return function.code or parsed.data[function.start_byte : function.end_byte].decode("utf-8", "replace")


def _likely(patterns: Sequence[Pattern], parsed: ParsedFile, functions: Sequence[Function]) -> Iterator[Likely]:
    """The functions that have all that a pattern wants, with these patterns."""
    text = parsed.vocabulary.lowered.text
    for function in functions:
        span = (function.start_byte, function.end_byte)
        part = text[slice(*span)]
        found = [item for item in patterns if function.lines_of_code >= item.min_lines and has_words(item, part)]
        if found and (met := _demanding(found, parsed, span)):
            yield function, met


def _demanding(patterns: Sequence[Pattern], parsed: ParsedFile, span: tuple[int, int]) -> list[Pattern]:
    """Those of which a piece of a file has all that they want, its comments aside."""
    from agentforge.embed.features import without_comments
    from agentforge.embed.patterns import demands_met

    code = without_comments(parsed, span).lower()
    return [item for item in patterns if demands_met(item, code, parsed, span)]
