"""Which functions of projects, of a file or of pasted code fall within patterns; nearest first, with reasons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agentforge import languages, measure, parse
from agentforge.embed.interface import Snippet
from agentforge.errors import UsageError
from agentforge.model import Explanation, Function, FunctionRef
from agentforge.patterns.words import has_words
from agentforge.pipeline.patterns import Finder
from agentforge.store import patterns as stored

if TYPE_CHECKING:
    from agentforge.patterns import Example, Pattern
    from agentforge.store.connection import Connection
    from agentforge.store.similar import SearchedProject

_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class PatternMatch:
    """A function that falls within a pattern.

    Attributes:
        score: cosine to the centroid of the examples; at least `least`.
        least: of the pattern.
        example: number of the nearest example, from 1.
        explanation: what it has in common with that example, None where one of them cannot be parsed.
    """

    pattern: Pattern
    function: FunctionRef
    score: float
    least: float
    example: int
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A function that has what some patterns want."""

    function: FunctionRef
    snippet: Snippet
    patterns: tuple[Pattern, ...]


def in_projects(
    connection: Connection, projects: Sequence[SearchedProject], finder: Finder, *, tests: bool
) -> list[PatternMatch]:
    """The functions of projects that fall within patterns, as they are stored.

    Args:
        connection: to the database.
        projects: whose branches that were analysed last are looked at.
        finder: compares with its patterns.
        tests: look at test files too, whatever a pattern says.
    """

    def candidates() -> Iterator[_Candidate]:
        for function, name, is_test in stored.functions_of(connection, projects):
            wanted = [item for item in finder.patterns if tests or item.in_tests or not is_test]
            yield from _candidate(function, name, wanted)

    return _ranked(candidates(), finder)


def in_code(raw: bytes, path: str, language: str | None, finder: Finder) -> list[PatternMatch]:
    """The functions of a piece of source that fall within patterns.

    Args:
        raw: a file, or what is on standard input.
        path: as it is shown.
        language: None to go by the path, else to guess.
        finder: compares with its patterns.

    Raises:
        UsageError: it is in no language that is parsed, or holds no function.
    """
    from agentforge.embed.snippets import guess_language

    decoded = parse.decode(raw)
    if not decoded.text.strip():
        raise UsageError("There is no code in it.", "Give a source file, or pipe one in.")
    try:
        language = language or (guess_language(decoded.text) if path == "-" else languages.detect(path, raw[:4096]))
        if language is None:
            raise UsageError(
                f"{path} is in no language that agentforge parses.",
                "Say which with --code-language; see docs/languages.md.",
            )
        parsed, functions = _functions(decoded, language)
    except parse.ParseTimeoutError:
        raise UsageError(f"{path} takes the parser too long.", "Give a smaller piece of it.") from None
    if not functions:
        raise UsageError(
            f"There is no function in {'it' if path == '-' else path}.",
            f"It was read as {languages.get(language).title}; --code-language says what it is.",
        )
    matches = [
        PatternMatch(
            item.pattern,
            FunctionRef.of(item.function, "", path, language, item.function.code),
            item.score,
            finder.bounds(item.pattern).least,
            1,
        )
        for item in finder.find(parsed, functions, is_test=False)
    ]
    return _with_examples(sorted(matches, key=_order), finder)


def explained(matches: Sequence[PatternMatch]) -> list[PatternMatch]:
    """The same with the reasons."""
    from agentforge.embed.explain import Explainer

    found = []
    for match in matches:
        example = match.pattern.examples[match.example - 1]
        reason = Explainer(match.function).explain([_ref_of(example)])[0]
        found.append(replace(match, explanation=reason))
    return found


def _functions(decoded: parse.Decoded, language: str) -> tuple[parse.ParsedFile, Sequence[Function]]:
    """A piece of source with its functions; a method alone is parsed in the class that its language wants around it."""
    from agentforge.embed.snippets import wrappings

    parsed = parse.parse(language, decoded)
    functions = measure.measure(parsed, decoded).functions
    for before, after in wrappings(decoded.text, language):
        if functions and not parsed.tree.root_node.has_error:
            break
        wrapped = parse.decode(f"{before}{decoded.text}{after}".encode("utf-8", "replace"))
        tried = parse.parse(language, wrapped)
        found = measure.measure(tried, wrapped).functions
        if found and not tried.tree.root_node.has_error:
            return tried, found
    return parsed, functions


def _candidate(function: FunctionRef, name: str, patterns: Iterable[Pattern]) -> Iterator[_Candidate]:
    from agentforge.embed.features import without_comments
    from agentforge.embed.patterns import demands_met
    from agentforge.embed.snippets import parsed_snippet

    code = function.code.encode("utf-8", "replace").lower()
    likely = [
        item
        for item in patterns
        if function.language is not None
        and function.lines_of_code >= item.min_lines
        and item.applies_to(function.language)
        and has_words(item, code)
    ]
    if not likely or function.language is None:
        return
    try:
        snippet, parsed = parsed_snippet(function.code, function.language, name)
    except parse.ParseTimeoutError:
        return
    body = without_comments(parsed).lower()
    wanted = tuple(item for item in likely if demands_met(item, body, parsed, (0, len(body))))
    if wanted:
        yield _Candidate(function, snippet, wanted)


def _ranked(candidates: Iterator[_Candidate], finder: Finder) -> list[PatternMatch]:
    found: list[PatternMatch] = []
    batch: list[_Candidate] = []
    for candidate in candidates:
        batch.append(candidate)
        if len(batch) == _AT_ONCE:
            found += _near(batch, finder)
            batch = []
    found += _near(batch, finder)
    return _with_examples(sorted(_innermost(found), key=_order), finder)


def _near(batch: Sequence[_Candidate], finder: Finder) -> Iterator[PatternMatch]:
    if not batch:
        return
    vectors = finder.embedder.embed([item.snippet for item in batch])
    for item, vector in zip(batch, vectors, strict=True):
        for pattern in item.patterns:
            bounds = finder.bounds(pattern)
            score = float(vector @ bounds.centroid)
            if score >= bounds.least:
                yield PatternMatch(pattern, item.function, score, bounds.least, 1)


def _with_examples(matches: Sequence[PatternMatch], finder: Finder) -> list[PatternMatch]:
    """The same with the nearest example of each."""
    from agentforge.embed.snippets import snippet_from_code

    if not matches:
        return []
    vectors = finder.embedder.embed(
        [snippet_from_code(match.function.code, match.function.language) for match in matches]
    )
    return [
        replace(match, example=int((finder.shape(match.pattern).vectors @ vector).argmax()) + 1)
        for match, vector in zip(matches, vectors, strict=True)
    ]


def _innermost(found: Sequence[PatternMatch]) -> list[PatternMatch]:
    """Of two functions of one pattern of which one lies in the other, the inner one."""
    groups: dict[tuple[str, str, str], list[PatternMatch]] = defaultdict(list)
    for item in found:
        groups[item.pattern.name, item.function.project, item.function.path].append(item)
    return [item for group in groups.values() for item in group if not any(_holds(item, other) for other in group)]


def _holds(item: PatternMatch, other: PatternMatch) -> bool:
    outer, inner = item.function, other.function
    return (
        (outer.start_line, outer.end_line) != (inner.start_line, inner.end_line)
        and outer.start_line <= inner.start_line
        and inner.end_line <= outer.end_line
    )


def _order(match: PatternMatch) -> tuple[str, float, str, str, int]:
    function = match.function
    return match.pattern.name, -match.score, function.project, function.path, function.start_line


def _ref_of(example: Example) -> FunctionRef:
    lines = example.code.strip().count("\n") + 1
    return FunctionRef("", "-", example.language, "-", "", 1, lines, lines, 1, 0, example.code)
