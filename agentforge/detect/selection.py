"""Which rules apply to a file, and how severe they are, by the settings of its project (docs/configuration.md)."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, lru_cache

from pathspec import GitIgnoreSpec

from agentforge.config.settings import Override, RuleSettings, TeamRule
from agentforge.detect import loader
from agentforge.detect.bandit.described import not_in_tests
from agentforge.detect.patterns import rules_of_patterns
from agentforge.detect.rule import Rule
from agentforge.detect.rule_set import RuleSet, rule_set
from agentforge.errors import UsageError
from agentforge.model import Severity, Violation
from agentforge.patterns import Pattern

_EXACT = 1_000_000  # an id is more exact than any pattern


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A file of a project's own rules: where it lies, and a digest of what decides what it finds."""

    path: str
    digest: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The rules of a project. Picklable, and equal ones have one hash: a worker prepares each once.

    Attributes:
        project: for all files.
        overrides: for some paths, in order.
        files: of the project's own rules.
        team: what is set in the database, below all that the project says.
        patterns: of the team, which the database holds.
    """

    project: RuleSettings = field(default_factory=RuleSettings)
    overrides: tuple[Override, ...] = ()
    files: tuple[RuleFile, ...] = ()
    team: tuple[TeamRule, ...] = ()
    patterns: tuple[Pattern, ...] = ()

    @property
    def digest(self) -> str:
        """Changes when other violations may be found: not with where the files lie, or the order of what has none."""
        layers = [
            (layer_paths, sorted(set(rules.disable)), sorted(set(rules.enable)), sorted(rules.severity.items()))
            for layer_paths, rules in [((), self.project), *((item.paths, item.rules) for item in self.overrides)]
        ]
        team = sorted((rule.language, rule.rule_id, str(rule.enabled), str(rule.severity)) for rule in self.team)
        more = [item for item in (team, self.patterns) if item]
        said = repr((layers, sorted(file.digest for file in self.files), *more))
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()

    def layers(self, path: str, language: str) -> tuple[RuleSettings, ...]:
        """What applies to a path, the last word last."""
        matching = (item.rules for item in self.overrides if _spec(item.paths).match_file(path))
        return (team_layer(self.team, language), self.project, *matching)


NOTHING_CHOSEN = Selection()


class Chosen:
    """The rules of one language as a project wants them.

    Attributes:
        rules: those that are on for any path.
    """

    def __init__(self, selection: Selection, language: str) -> None:
        self._selection = selection
        self._language = language
        shipped = rules_of(selection, language)
        if selection == NOTHING_CHOSEN:
            self.rules = rule_set(language)
        else:
            self.rules = RuleSet(language, tuple(_wanted(selection, rule) for rule in shipped))
        self._off = frozenset(rule.id for rule in shipped if not rule.enabled)
        self._off_in_tests = self._off | not_in_tests()
        self._wanted: dict[tuple[str, bool], bool] = {}  # by pattern, where that depends on no path

    def wants(self, path: str, pattern: Pattern) -> bool:
        """Whether a pattern counts in a file; idioms are no rules, but are switched on and off like them."""
        key = pattern.rule_id, pattern.enabled
        wanted = self._wanted.get(key)
        if wanted is None:
            wanted = verdict(self._selection.layers(path, self._language), pattern.rule_id, on=pattern.enabled)[0]
            if not self._selection.overrides:
                self._wanted[key] = wanted
        return wanted

    def apply(self, path: str, found: Iterable[Violation], *, is_test: bool) -> list[Violation]:
        """What of the violations in a file its project wants to hear of, as severe as it wants.

        Args:
            path: of the file.
            found: by the rules, and by bandit.
            is_test: whether the file holds tests, in which some of bandit's count only where they are enabled.
        """
        off = self._off_in_tests if is_test else self._off
        if self._selection == NOTHING_CHOSEN:
            return [violation for violation in found if violation.rule_id not in off]
        layers = self._selection.layers(path, self._language)
        kept = []
        for violation in found:
            on, severity = verdict(layers, violation.rule_id, on=violation.rule_id not in off)
            if on:
                kept.append(dataclasses.replace(violation, severity=severity) if severity else violation)
        return kept


@cache
def chosen(selection: Selection, language: str) -> Chosen:
    """The rules of a language, prepared once a process.

    Raises:
        UsageError: a rule file is not usable as it stands.
    """
    return Chosen(selection, language)


@lru_cache(maxsize=10_000)
def _verdict(layers: tuple[RuleSettings, ...], rule_id: str, on: bool) -> tuple[bool, Severity | None]:
    severity = None
    for layer in layers:
        on = _switched(layer, rule_id, on=on)
        severity = layer.severity.get(rule_id, severity)
    return on, severity


def verdict(layers: Sequence[RuleSettings], rule_id: str, *, on: bool) -> tuple[bool, Severity | None]:
    """Whether a rule is on, and the severity that it is given, None for its own.

    Args:
        layers: the last word last.
        rule_id: of the rule.
        on: whether it ships enabled.
    """
    return _verdict(tuple(layers), rule_id, on)


def _switched(layer: RuleSettings, rule_id: str, *, on: bool) -> bool:
    """What names the rule more exactly counts; where both are equal it is off."""
    off_by = max((exactness(pattern, rule_id) for pattern in layer.disable), default=-1)
    on_by = max((exactness(pattern, rule_id) for pattern in layer.enable), default=-1)
    if rule_id in layer.severity:
        on_by = _EXACT
    return on if off_by == on_by == -1 else on_by > off_by


def exactness(pattern: str, rule_id: str) -> int:
    """How exactly a pattern (`python-*`, `B1?1`) names a rule, -1 where it does not."""
    if pattern == rule_id:
        return _EXACT
    if not fnmatchcase(rule_id, pattern):
        return -1
    return sum(character not in "*?" for character in pattern)


@lru_cache(maxsize=100)
def team_layer(team: tuple[TeamRule, ...], language: str) -> RuleSettings:
    """What a team has set for one language, as a project would say it."""
    mine = [rule for rule in team if rule.language == language]
    return RuleSettings(
        disable=tuple(rule.rule_id for rule in mine if rule.enabled is False),
        enable=tuple(rule.rule_id for rule in mine if rule.enabled),
        severity={rule.rule_id: rule.severity for rule in mine if rule.severity},
    )


def _wanted(selection: Selection, rule: Rule) -> Rule:
    """The rule, enabled if it is on for any path."""
    on, _ = verdict((team_layer(selection.team, rule.language), selection.project), rule.id, on=rule.enabled)
    on = on or any(_switched(item.rules, rule.id, on=False) for item in selection.overrides)
    return dataclasses.replace(rule, enabled=on)


def rules_of(selection: Selection, language: str) -> tuple[Rule, ...]:
    """The built-in rules of a language and the project's own ones, as they ship.

    Raises:
        UsageError: a rule file is not usable, or an own rule has the id of another one.
    """
    built_in = loader.load(language)
    if selection.patterns:
        built_in = (*built_in, *rules_of_patterns(selection.patterns, language))
    if not selection.files:
        return built_in
    own: dict[str, Rule] = {}
    for folder in selection.project.folders:
        for rule in loader.load_folder(folder, language):
            if rule.id in own:
                raise UsageError(
                    f"{rule.source}:{rule.line}: rule `{rule.id}` is already defined in {own[rule.id].source}.",
                    "Give one of them another id.",
                )
            own[rule.id] = rule
    return (*built_in, *own.values())


@lru_cache(maxsize=1000)
def _spec(paths: tuple[str, ...]) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines(paths)
