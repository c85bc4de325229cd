"""The options that are in force for one run, whichever source they came from (docs/configuration.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from agentforge.model import Severity

_NONE: Mapping[str, Severity] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """Which rules apply, and how severe they are.

    Attributes:
        folders: of the project's own rules, absolute.
        disable: ids or patterns (`python-*`, `B1*`) of rules that are off.
        enable: ids or patterns of rules that are on, though they ship disabled.
        severity: rule id to the severity that its violations have.
    """

    folders: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    enable: tuple[str, ...] = ()
    severity: Mapping[str, Severity] = field(default_factory=lambda: _NONE)


@dataclass(frozen=True, slots=True)
class Override:
    """Rule settings for some paths (globs as in .gitignore), on top of the project's; a later one wins."""

    paths: tuple[str, ...]
    rules: RuleSettings


@dataclass(frozen=True, slots=True)
class GateSettings:
    """What makes a run fail; None is no condition.

    Attributes:
        fail_on: least severity of a violation that fails the run (of a new one, where something says what is new).
        new_violations: severity to the number of new violations of it that are allowed.
        new_cyclomatic, new_cognitive: highest complexity of a new or changed function.
        min_complexity_score, min_quality_score, min_security_score: least score (0 to 100) of the project.
        new_duplication: largest share (0 to 100, percent) of the lines of new functions that are in duplicates.
    """

    fail_on: Severity | None = None
    new_violations: Mapping[Severity, int] = field(default_factory=lambda: MappingProxyType({}))
    new_cyclomatic: int | None = None
    new_cognitive: int | None = None
    min_complexity_score: float | None = None
    min_quality_score: float | None = None
    min_security_score: float | None = None
    new_duplication: float | None = None
