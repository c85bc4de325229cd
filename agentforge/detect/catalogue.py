"""Every rule that there is, once, with the languages that it applies to: the built-in ones and bandit's tests."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agentforge import languages
from agentforge.detect import loader
from agentforge.detect.bandit.described import described, not_in_tests
from agentforge.detect.rule import Rule
from agentforge.errors import UsageError
from agentforge.model import Category, Confidence, PatternType, Severity
from agentforge.patterns import shipped

_PRECISION = Path(__file__).parent / "precision.toml"
_BANDIT_PAGE = "https://bandit.readthedocs.io/en/latest/"


@dataclass(frozen=True, slots=True)
class Precision:
    """How often a rule was right on real projects (docs/rules/precision.md).

    Attributes:
        hits: places that it found.
        read: those that were read and judged.
        right: those of them where a careful reviewer could ask for a change.
    """

    hits: int
    read: int
    right: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule in the catalogue.

    Attributes:
        rule: as its first language has it.
        languages: all that have it, sorted.
        tool: `agentforge` or `bandit`.
        home: the folder that defines it: a language, or `common`.
        precision: None where nothing was measured.
    """

    rule: Rule
    languages: tuple[str, ...]
    tool: str
    home: str
    precision: Precision | None

    @property
    def page(self) -> str:
        """Where the rule is described, from the folder `docs/rules`: a page with an anchor that stays."""
        return f"{self.home}.md#{self.rule.id.lower()}"


@cache
def entries() -> tuple[Entry, ...]:
    """All built-in rules, and bandit's tests, sorted by id.

    Raises:
        UsageError: a rule file is not usable as it stands.
    """
    measured = precision()
    found: dict[str, list[Rule]] = {}
    for language in languages.names():
        for rule in loader.load(language):
            found.setdefault(rule.id, []).append(rule)
    own = [
        Entry(rules[0], tuple(rule.language for rule in rules), "agentforge", _home(rules[0]), measured.get(id_))
        for id_, rules in found.items()
    ]
    return tuple(sorted([*own, *bandit()], key=lambda entry: entry.rule.id))


def entry(id_: str) -> Entry:
    """The rule of this id, in capitals or not.

    Raises:
        UsageError: there is none; the hint names the nearest.
    """
    known = {found.rule.id.lower(): found for found in entries()}
    if id_.lower() in known:
        return known[id_.lower()]
    near = difflib.get_close_matches(id_.lower(), sorted(known), 1)
    hint = f"Did you mean `{known[near[0]].rule.id}`?" if near else "`agentforge rules list --all` lists them."
    raise UsageError(f"There is no rule `{id_}`.", hint)


def _home(rule: Rule) -> str:
    return Path(rule.source).parent.parent.name


@cache
def bandit() -> tuple[Entry, ...]:
    """bandit's own tests. What they find is bandit's; this is what is said of them."""
    return tuple(
        Entry(
            Rule(
                id=id_,
                name=test["name"],
                category=Category.SECURITY,
                severity=Severity(test["severity"]),
                confidence=Confidence(test["confidence"]),
                cwe=test["cwe"],
                message=test["message"],
                why=test["why"],
                suggestion=test["suggestion"],
                language="python",
                in_tests=id_ not in not_in_tests(),
                source=_BANDIT_PAGE + test["page"],
            ),
            ("python",),
            "bandit",
            "python",
            None,
        )
        for id_, test in described().items()
    )


@cache
def precision() -> dict[str, Precision]:
    """Rule id -> what was measured; what was of a pattern stands in its own file."""
    data = tomllib.loads(_PRECISION.read_text("utf-8"))
    return {
        **{id_: Precision(found["hits"], found["read"], found["right"]) for id_, found in data["rules"].items()},
        **{
            pattern.rule_id: Precision(found.hits, found.read, found.right)
            for pattern in shipped()
            if (found := pattern.measured) and pattern.type is not PatternType.IDIOM
        },
    }
