"""Pattern files to patterns: read, check every key, and name the file of a mistake."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from agentforge import languages
from agentforge.config import toml
from agentforge.config.check import nearest
from agentforge.errors import UsageError
from agentforge.model import Category, Confidence, PatternType, Severity
from agentforge.patterns.pattern import Example, Measured, Pattern

FOLDER = Path(__file__).parent / "shipped"
NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
LONGEST_NAME = 60
_REQUIRED = ("name", "type", "title", "message", "why", "suggestion")
_TYPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys((*_REQUIRED, "severity", "confidence", "category"), str),
    **dict.fromkeys(("words", "not_words", "kinds", "languages", "example", "match", "no_match"), list),
    **dict.fromkeys(("cwe", "min_lines"), int),
    **dict.fromkeys(("enabled", "in_tests"), bool),
    "spread": (int, float),
    "measured": dict,
}
_CATEGORY = {
    PatternType.VULNERABILITY: Category.SECURITY,
    PatternType.SMELL: Category.QUALITY,
    PatternType.IDIOM: Category.QUALITY,
}
_SEVERITY = {
    PatternType.VULNERABILITY: Severity.MEDIUM,
    PatternType.SMELL: Severity.LOW,
    PatternType.IDIOM: Severity.INFO,
}
_Member = TypeVar("_Member", bound=StrEnum)


@cache
def shipped() -> tuple[Pattern, ...]:
    """The patterns of this release, by name.

    Raises:
        UsageError: a file is not usable as it stands.
    """
    return tuple(read(file) for file in sorted(FOLDER.glob("*.toml")))


def read(file: Path) -> Pattern:
    """The pattern of one file.

    Raises:
        UsageError: the file cannot be read, or is no pattern.
    """
    text = toml.read_text(str(file), str(file))
    return _Reader(str(file), toml.parse(text, str(file))).pattern()


def severity_of(kind: PatternType) -> Severity:
    """How severe a pattern of a type is that does not say."""
    return _SEVERITY[kind]


def category_of(kind: PatternType) -> Category:
    """What a pattern of a type protects, where it does not say."""
    return _CATEGORY[kind]


class _Reader:
    """What one file says, on its way to a `Pattern`."""

    def __init__(self, source: str, data: Mapping[str, Any]) -> None:
        self.source, self.data = source, data

    def fail(self, problem: str, hint: str = "") -> UsageError:
        return UsageError(f"{self.source}: {toml.printable(problem, 300)}", hint or "docs/patterns.md describes it.")

    def pattern(self) -> Pattern:
        self._check_keys()
        data = self.data
        kind = self._member(PatternType, "type", None)
        pattern = Pattern(
            name=data["name"],
            type=kind,
            title=data["title"],
            severity=self._member(Severity, "severity", _SEVERITY[kind]),
            confidence=self._member(Confidence, "confidence", Confidence.MEDIUM),
            category=self._member(Category, "category", _CATEGORY[kind]),
            cwe=data.get("cwe"),
            message=data["message"],
            why=data["why"],
            suggestion=data["suggestion"],
            examples=self._codes("example"),
            words=tuple(tuple(self._texts(group, "words")) for group in data.get("words", ())),
            not_words=tuple(self._texts(data.get("not_words", []), "not_words")),
            kinds=tuple(self._texts(data.get("kinds", []), "kinds")),
            languages=tuple(self._texts(data.get("languages", []), "languages")),
            min_lines=data.get("min_lines", 3),
            spread=float(data.get("spread", 2.0)),
            enabled=data.get("enabled", True),
            in_tests=data.get("in_tests", kind is PatternType.IDIOM),
            match=self._codes("match"),
            no_match=self._codes("no_match"),
            measured=Measured(**data["measured"]) if "measured" in data else None,
            source=self.source,
        )
        self._check_meaning(pattern)
        return pattern

    def _check_keys(self) -> None:
        for key, value in self.data.items():
            if key not in _TYPES:
                raise self.fail(f"unknown key `{key}`.", nearest(key, _TYPES))
            if not isinstance(value, _TYPES[key]) or (isinstance(value, bool) and _TYPES[key] is not bool):
                raise self.fail(f"`{key}` is of the wrong type.")
        for key in _REQUIRED:
            if not self.data.get(key, "").strip():
                raise self.fail(f"`{key}` is missing or empty.")
        if not NAME.fullmatch(self.data["name"]) or len(self.data["name"]) > LONGEST_NAME:
            raise self.fail("a name is lower-case words joined by `-`.")

    def _check_meaning(self, pattern: Pattern) -> None:
        if pattern.type is PatternType.VULNERABILITY and not pattern.cwe:
            raise self.fail("a vulnerability names its `cwe`.")
        if not pattern.examples:
            raise self.fail("there is no [[example]].")
        for name in pattern.languages:
            if name not in languages.names():
                raise self.fail(f"there is no language `{name}`.", nearest(name, languages.names()))

    def _codes(self, key: str) -> tuple[Example, ...]:
        found = []
        for item in self.data.get(key, ()):
            if not isinstance(item, dict) or set(item) != {"language", "code"}:
                raise self.fail(f"a [[{key}]] has a `language` and a `code`.")
            if item["language"] not in languages.names():
                raise self.fail(
                    f"there is no language `{item['language']}`.", nearest(str(item["language"]), languages.names())
                )
            if not isinstance(item["code"], str) or not item["code"].strip():
                raise self.fail(f"a [[{key}]] has no code.")
            found.append(Example(item["language"], item["code"]))
        return tuple(found)

    def _texts(self, value: object, key: str) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise self.fail(f"`{key}` must be a list of texts that are not empty.")
        return [item.lower() for item in value]

    def _member(self, kind: type[_Member], key: str, default: _Member | None) -> _Member:
        value = self.data.get(key, default)
        try:
            return kind(str(value))
        except ValueError:
            raise self.fail(f"`{key}` is `{value}`; it must be one of {', '.join(kind)}.") from None
