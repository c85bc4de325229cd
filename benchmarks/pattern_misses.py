"""What the shipped patterns miss: a random sample of functions that only half of a pattern speaks for, to be judged.

    python benchmarks/pattern_misses.py TREE... [--near] [--pattern NAME]... [--sample 10] [--seed 1] [--lines 16]

A function falls within a pattern if it has what the pattern demands and is near enough to its examples. Shown are
those that have what is demanded and are not near enough, and with --near those that are near enough and lack something
that is demanded. How many of them the pattern should have found is judged by reading; docs/patterns.md says what came
of it. What neither half speaks for is not seen by this.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from patterns import TooFar, chosen, collected, show
from precision import sample

from agentforge.embed.features import extract, without_comments
from agentforge.embed.interface import DEFAULT_MODEL, Snippet
from agentforge.embed.patterns import demands_met
from agentforge.model import Function
from agentforge.parse import ParsedFile, Vocabulary
from agentforge.patterns import Pattern
from agentforge.patterns.words import has_words
from agentforge.pipeline.patterns import Finder, Within


class NotNear(TooFar):
    """Finds functions that have what a pattern demands and are not near enough."""

    def find(self, parsed: ParsedFile, functions: Sequence[Function], *, is_test: bool, **_: object) -> list[Within]:
        """As `Finder.find`."""
        found = super().find(parsed, functions, is_test=is_test)
        return [item for item in found if item.score < Finder.bounds(self, item.pattern).least]


class Lacking(Finder):
    """Finds functions that are near enough and lack something that a pattern demands."""

    def possible(self, vocabulary: Vocabulary, language: str, *, is_test: bool, **_: object) -> list[Pattern]:
        """All patterns that look at such files: what is demanded does not count."""
        return [item for item in self.patterns if item.applies_to(language) and (item.in_tests or not is_test)]

    def find(self, parsed: ParsedFile, functions: Sequence[Function], *, is_test: bool, **_: object) -> list[Within]:
        """As `Finder.find`."""
        return list(self._lacking(parsed, functions, is_test=is_test)) if functions else []

    def _lacking(self, parsed: ParsedFile, functions: Sequence[Function], *, is_test: bool) -> Iterator[Within]:
        language = parsed.language.name
        patterns = self.possible(parsed.vocabulary, language, is_test=is_test)
        features = extract(parsed, [(item.start_byte, item.end_byte) for item in functions])
        snippets = [
            Snippet(language, item.name, item.code, made) for item, made in zip(functions, features, strict=True)
        ]
        for function, vector in zip(functions, self.embedder.embed(snippets), strict=True):
            for pattern in patterns:
                bounds = self.bounds(pattern)
                score = float(vector @ bounds.centroid)
                if score >= bounds.least and not meets(pattern, parsed, function):
                    yield Within(pattern, function, score)


def meets(pattern: Pattern, parsed: ParsedFile, function: Function) -> bool:
    """Whether a function has all that a pattern demands."""
    span = (function.start_byte, function.end_byte)
    if function.lines_of_code < pattern.min_lines or not has_words(pattern, parsed.data.lower()[slice(*span)]):
        return False
    return demands_met(pattern, without_comments(parsed, span).lower(), parsed, span)


def main() -> None:
    """Print counts and samples, pattern by pattern."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--near", action="store_true", help="what is near enough and lacks what is demanded")
    parser.add_argument("--pattern", action="append", default=[])
    parser.add_argument("--sample", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", type=int, default=16)
    options = parser.parse_args()
    finder = (Lacking if options.near else NotNear)(chosen(options.pattern), DEFAULT_MODEL)
    for name, found in collected(finder, options.trees).items():
        print(f"=== {name}: {len(found)} functions of {len({hit[0] for hit in found})} projects")
        for hit in sample(found, options.sample, options.seed):
            show(hit, options.lines)


if __name__ == "__main__":
    main()
