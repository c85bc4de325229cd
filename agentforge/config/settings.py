"""The options that are in force for one run, whichever source they came from (docs/configuration.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from agentforge.model import Severity


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """Which rules apply, and how severe they are. Picklable, and equal settings have one hash: workers keep them.

    Attributes:
        folders: of the project's own rules, absolute.
        disable: ids or patterns (`python-*`, `B1*`) of rules that are off.
        enable: ids or patterns of rules that are on, though they ship disabled.
        severity: rule id to the severity that its violations have.
    """

    folders: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    enable: tuple[str, ...] = ()
    severity: Mapping[str, Severity] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class TeamRule:
    """What a team has set for all its projects, in the database: None where it leaves that to others.

    Attributes:
        language: to which it applies.
        rule_id: of a rule.
        enabled: whether it is on.
        severity: of its violations.
    """

    language: str
    rule_id: str
    enabled: bool | None = None
    severity: Severity | None = None


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


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A report to be written.

    Attributes:
        format: empty where the file's extension tells it.
        path: absolute, or `-` for standard output.
    """

    format: str
    path: str

    def __str__(self) -> str:
        """As it is written: `FORMAT:PATH`."""
        return f"{self.format}:{self.path}" if self.format else self.path


class Source(StrEnum):
    """Where a value comes from, the strongest first."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Origin:
    """A value of an option as one source gives it.

    Attributes:
        source: which one.
        value: in plain TOML values.
        locate: gives `place`; looking for a line takes time, and few want to know.
    """

    source: Source
    value: Any
    locate: Callable[[], str] = str

    @property
    def place(self) -> str:
        """The flag, the variable, or the file with the line where that can be told; empty for a default."""
        return self.locate()


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is in force for a run over one tree.

    Attributes:
        include, exclude: patterns as in .gitignore, relative to the tree's root.
        project_include, project_exclude: the part of them that the project's file says; what it leaves out is no part
            of the project, what a flag leaves out is only not looked at.
        jobs: worker processes; 0 is one a core.
        max_file_size: bytes.
        model: what embeds functions.
        embed: how much is embedded by the analysis itself: `full`, `fast` or `none`.
        format: of the report on stdout.
        output_files: further reports.
        rules: for the whole tree.
        overrides: for some paths, in order; what flags and variables say of rules is the last.
        gate: what makes the run fail.
        file: the configuration file that was read, None where there is none.
        origins: key of each option to what the sources say that its value is made of, the strongest first.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    project_include: tuple[str, ...] = ()
    project_exclude: tuple[str, ...] = ()
    jobs: int = 0
    max_file_size: int = 2 * 1024 * 1024
    model: str = "hybrid"
    embed: str = "full"
    format: str = "table"
    output_files: tuple[OutputFile, ...] = ()
    rules: RuleSettings = RuleSettings()
    overrides: tuple[Override, ...] = ()
    gate: GateSettings = GateSettings()
    file: str | None = None
    origins: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict, hash=False)
