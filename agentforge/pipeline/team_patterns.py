"""Patterns of a team: between their rows, what the command line says and what is compared."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentforge.errors import UsageError
from agentforge.model import Confidence, FunctionRef, PatternType, Severity
from agentforge.patterns import Example, Pattern, loader, shipped
from agentforge.pipeline.stored_models import registered
from agentforge.store import patterns
from agentforge.store.lifecycle import storable

if TYPE_CHECKING:
    from agentforge.embed.patterns import Shape
    from agentforge.store.connection import Connection
    from agentforge.store.patterns import StoredPattern

_KEYS = ("words", "not_words", "kinds", "languages")
# Examples whose cosines to the centroid of the others are no higher on average than those of unrelated functions.
UNLIKE = 0.25
_RARE_WORDS = 5
_MOST_EXAMPLES = 100
_LONGEST_CODE = 200_000
_NAME = re.compile(r"[A-Za-z_$][A-Za-z_$]*")


@dataclass(frozen=True, slots=True)
class Definition:
    """What a user says of a new pattern; None where he says nothing.

    Attributes:
        words: groups of texts, of each of which one must be in a function.
        not_words: texts of which none may be.
        languages: to which it applies; none means all.
    """

    name: str
    type: PatternType
    title: str | None = None
    message: str | None = None
    severity: Severity | None = None
    cwe: int | None = None
    words: tuple[tuple[str, ...], ...] = ()
    not_words: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    spread: float | None = None
    in_tests: bool = False


@dataclass(frozen=True, slots=True)
class Added:
    """A pattern that was stored, its numbers, and what its user should know."""

    pattern: Pattern
    shape: Shape
    warnings: tuple[str, ...]


def team_patterns(connection: Connection) -> tuple[Pattern, ...]:
    """The patterns of the team, by name; without rows that somebody wrote in SQL and that are no patterns."""
    found = (_pattern(row) for row in patterns.team_patterns(connection))
    taken = {pattern.name for pattern in shipped()}
    return tuple(pattern for pattern in found if pattern is not None and pattern.name not in taken)


def named(known: Iterable[Pattern], name: str) -> Pattern:
    """The pattern of a name, with or without `pattern-` before it.

    Raises:
        UsageError: there is none; says which is nearest.
    """
    by_name = {pattern.name: pattern for pattern in known}
    wanted = name.lower().removeprefix("pattern-")
    if wanted in by_name:
        return by_name[wanted]
    near = difflib.get_close_matches(wanted, sorted(by_name), 1)
    hint = f"Did you mean {near[0]}?" if near else "`agentforge patterns list` lists them."
    raise UsageError(f"There is no pattern {name}.", hint)


def check_name(name: str) -> None:
    """Do nothing for a name that a new pattern may have.

    Raises:
        UsageError: it is none, or a pattern that ships has it.
    """
    if not loader.NAME.fullmatch(name) or len(name) > loader.LONGEST_NAME:
        raise UsageError(
            f"{name} is no name of a pattern.",
            "A name is lower-case words joined by `-`, such as home-made-cache; at most 60 characters.",
        )
    if name in {pattern.name for pattern in shipped()}:
        raise UsageError(f"There is a pattern {name} already: it ships with agentforge.", "Take another name.")


def add(connection: Connection, definition: Definition, functions: Sequence[FunctionRef]) -> Added:
    """Store a pattern of the team.

    Args:
        connection: of an admin.
        definition: of the pattern.
        functions: its examples, with their code.

    Raises:
        UsageError: the name is no name or taken, an example is no function, or the user is no admin.
    """
    from agentforge.embed.interface import load
    from agentforge.embed.patterns import shape_of

    check_name(definition.name)
    patterns.require_admin(connection)
    examples = _examples(functions)
    warnings = []
    words = definition.words
    if not words:
        words = (rare_words(examples),)
        warnings.append(
            f"Only functions with one of these words are compared: {', '.join(words[0])}. --require names others."
        )
    pattern = _defined(definition, words, examples)
    embedder = load()
    shape = shape_of(examples, pattern.spread, embedder)
    warnings += _unlike(shape, functions)
    patterns.add(connection, _row(pattern, functions, shape), registered(connection, embedder))
    return Added(pattern, shape, tuple(warnings))


def remove(connection: Connection, name: str) -> None:
    """Remove a pattern of the team.

    Raises:
        UsageError: there is none, it ships with agentforge, or the user is no admin.
    """
    wanted = named((*shipped(), *team_patterns(connection)), name)
    if wanted.source:
        raise UsageError(
            f"{wanted.name} ships with agentforge and stays.",
            f'Switch it off: disable = ["{wanted.rule_id}"] in the configuration of a project.',
        )
    patterns.require_admin(connection)
    patterns.remove(connection, wanted.name)


def rare_words(examples: Sequence[Example]) -> tuple[str, ...]:
    """Words of the examples that are rare in code, those that several have first: what they are looked for by.

    Keywords are none: nearly all code has them.

    Raises:
        UsageError: they have none.
    """
    from agentforge import parse
    from agentforge.embed.fast import FastEmbedder
    from agentforge.embed.features import sub_tokens, without_comments
    from agentforge.embed.snippets import parsed_snippet
    from agentforge.embed.subtokens import KEYWORDS

    embedder = FastEmbedder()
    found: dict[str, int] = {}
    for example in examples:
        try:
            code = without_comments(parsed_snippet(example.code, example.language)[1]).decode("utf-8", "replace")
        except parse.ParseTimeoutError:
            raise UsageError("An example takes the parser too long.", "Take a smaller function.") from None
        words = {word for name in _NAME.findall(code) for word in sub_tokens(name) if len(word) > 2} - KEYWORDS
        best = sorted(words, key=lambda word: (-embedder.rarity(f"s:{word}"), word))[: 3 * _RARE_WORDS]
        for word in best:
            found[word] = found.get(word, 0) + 1
    most = max(found.values(), default=0)
    if not most:
        raise UsageError("The examples hold no words.", "Give functions that do something.")
    shared = [word for word, count in found.items() if count == most]
    chosen = sorted(shared, key=lambda word: (-embedder.rarity(f"s:{word}"), word))[:_RARE_WORDS]
    return tuple(sorted(chosen))


def _examples(functions: Sequence[FunctionRef]) -> tuple[Example, ...]:
    if not functions:
        raise UsageError("A pattern needs an example.", "Name functions: --from Model.save --from src/a.py:12")
    if len(functions) > _MOST_EXAMPLES:
        raise UsageError(f"A pattern has at most {_MOST_EXAMPLES} examples.", "Leave out those that are alike.")
    found = {}
    for function in functions:
        if not function.code.strip():
            raise UsageError(f"{function.qualified_name} has no code.", "Give a function with a body.")
        if function.language is None:
            raise UsageError(
                f"{function.qualified_name} is in no language that agentforge parses.", "See docs/languages.md."
            )
        if len(function.code) > _LONGEST_CODE:
            raise UsageError(f"{function.qualified_name} is too long for an example.", "Give a smaller function.")
        found[function.code.strip()] = Example(function.language, storable(function.code))
    return tuple(found.values())


def _unlike(shape: Shape, functions: Sequence[FunctionRef]) -> list[str]:
    if len(shape.similarities) == 1:
        return ["One example tells nothing of what may differ: only nearly the same code falls within. Give more."]
    if shape.mean < UNLIKE:
        return [
            f"The examples have little in common (similarity {shape.mean:.2f} on average): "
            "little but themselves falls within, or what should not."
        ]
    names = [function.qualified_name for function in functions]
    if len(names) != len(shape.similarities):
        return []
    return [
        f"{name} is unlike the others (similarity {score:.2f})."
        for name, score in zip(names, shape.similarities, strict=True)
        if score < min(UNLIKE, shape.mean / 2)
    ]


def _defined(definition: Definition, words: tuple[tuple[str, ...], ...], examples: tuple[Example, ...]) -> Pattern:
    kind = definition.type
    title = definition.title or definition.name.replace("-", " ").capitalize()
    return Pattern(
        name=definition.name,
        type=kind,
        title=title,
        severity=definition.severity or loader.severity_of(kind),
        confidence=Confidence.MEDIUM,
        category=loader.category_of(kind),
        cwe=definition.cwe,
        message=definition.message or f"{{name}} is like the examples of the pattern {definition.name}",
        why=f"The team looks for functions of this kind ({definition.name}).",
        suggestion=f"agentforge patterns show {definition.name} shows its examples.",
        examples=examples,
        words=tuple(tuple(word.lower() for word in group) for group in words),
        not_words=tuple(word.lower() for word in definition.not_words),
        languages=definition.languages,
        spread=definition.spread if definition.spread is not None else 2.0,
        in_tests=definition.in_tests,
    )


def _row(pattern: Pattern, functions: Sequence[FunctionRef], shape: Shape) -> patterns.NewPattern:
    places = {function.code.strip(): function for function in functions}
    return patterns.NewPattern(
        name=pattern.name,
        type=pattern.type,
        title=pattern.title,
        message=pattern.message,
        severity=pattern.severity,
        cwe=pattern.cwe,
        configuration={
            **{key: getattr(pattern, key) for key in _KEYS},
            "min_lines": pattern.min_lines,
            "spread": pattern.spread,
            "in_tests": pattern.in_tests,
        },
        examples=[
            {
                "language": example.language,
                "code": example.code,
                "function": storable(place.qualified_name) if (place := places.get(example.code.strip())) else "",
            }
            for example in pattern.examples
        ],
        embedding=shape.centroid.tolist(),
        least=shape.least,
    )


def _pattern(row: StoredPattern) -> Pattern | None:
    """The pattern of a row, None where the row is none that `add` could have written."""
    configuration = row.configuration
    try:
        definition = Definition(
            name=row.name,
            type=PatternType(row.type),
            title=row.title or None,
            message=row.message or None,
            severity=Severity(row.severity),
            cwe=row.cwe,
            not_words=_texts(configuration.get("not_words", [])),
            languages=_texts(configuration.get("languages", [])),
            spread=float(configuration.get("spread", 2.0)),
            in_tests=configuration.get("in_tests") is True,
        )
        words = tuple(_texts(group) for group in configuration.get("words", []))
        examples = tuple(Example(*_texts([item["language"], item["code"]])) for item in row.examples)
        minimum = int(configuration.get("min_lines", 3))
    except (KeyError, TypeError, ValueError):
        return None
    if not (examples and words and all(words) and loader.NAME.fullmatch(row.name)):
        return None
    from agentforge import languages

    if not {example.language for example in examples}.issubset(languages.names()):
        return None
    return dataclasses.replace(
        _defined(definition, words, examples), kinds=_texts(configuration.get("kinds", [])), min_lines=minimum
    )


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise TypeError("no list of texts")
    return tuple(value)
