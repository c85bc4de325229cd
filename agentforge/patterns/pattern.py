"""What a pattern is: examples of functions, and what a function must have to be compared with them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from agentforge.model import Category, Confidence, PatternType, Severity

PREFIX = "pattern-"


@dataclass(frozen=True, slots=True)
class Example:
    """A function that is what the pattern means."""

    language: str
    code: str


@dataclass(frozen=True, slots=True)
class Measured:
    """How often a pattern was right on real projects: hits, how many were read, and how many of these were right."""

    hits: int
    read: int
    right: int


@dataclass(frozen=True)
class Pattern:
    """Functions that do one thing, by examples.

    Attributes:
        name: lower-case words joined by `-`; `pattern-<name>` is the id of its rule.
        title: what it is, in a few words.
        message: of a violation; `{name}` becomes the function's name.
        words: groups of texts: of each group one must be in the function's code, whatever its case, comments aside.
        not_words: texts of which none may be there.
        kinds: kinds of syntax (`kinds.toml`) that must all be there.
        languages: to which it applies; none means all.
        min_lines: least lines of a function, signature included.
        spread: how many standard deviations of the examples' similarities a function may be less similar than they are.
        in_tests: whether it applies to files that hold tests.
        match, no_match: code that falls within it and code that does not, no examples; its tests.
        source: file that it comes from, empty for one from the database.
    """

    name: str
    type: PatternType
    title: str
    severity: Severity
    confidence: Confidence
    category: Category
    cwe: int | None
    message: str
    why: str
    suggestion: str
    examples: tuple[Example, ...]
    words: tuple[tuple[str, ...], ...] = ()
    not_words: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    min_lines: int = 3
    spread: float = 2.0
    enabled: bool = True
    in_tests: bool = False
    match: tuple[Example, ...] = ()
    no_match: tuple[Example, ...] = ()
    measured: Measured | None = None
    source: str = ""

    @cached_property
    def groups(self) -> tuple[tuple[bytes, ...], ...]:
        """`words` as they are looked for.

        Groups with the fewest texts come first: to find that none of them is there takes a search for each.
        """
        return tuple(tuple(word.encode() for word in group) for group in sorted(self.words, key=len))

    @cached_property
    def unwanted(self) -> tuple[bytes, ...]:
        """`not_words` as they are looked for."""
        return tuple(word.encode() for word in self.not_words)

    @property
    def rule_id(self) -> str:
        """What names it where rules are chosen, waived and counted."""
        return PREFIX + self.name

    def applies_to(self, language: str) -> bool:
        """Whether functions of a language can fall within it."""
        return not self.languages or language in self.languages
