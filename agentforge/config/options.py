"""The options as `options.toml` describes them, and whether a value is right for one."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from agentforge.config.toml import printable

FILE = Path(__file__).with_name("options.toml")
SEVERITIES = ("critical", "high", "medium", "low", "info")  # agentforge.model costs --help too much to import


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table of the configuration file: the main one (its name is empty), `overrides` or `gate`."""

    name: str
    title: str
    doc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option; `options.toml` says what its members mean."""

    key: str
    type: str
    help: str
    doc: str = ""
    example: str = ""
    default: Any = None
    flag: str = ""
    environment: str = ""
    metavar: str = ""
    choices: Sequence[str] = ()
    minimum: float | None = None
    maximum: float | None = None
    appends: bool = False
    required: bool = False
    file: bool = True
    secret: bool = False
    analyze_only: bool = False
    own_values: Sequence[str] = ()
    why_not: str = ""

    @property
    def section(self) -> str:
        """The table that it stands in."""
        return self.key.rpartition(".")[0]

    @property
    def name(self) -> str:
        """Its key within its table."""
        return self.key.rpartition(".")[2]

    def problem(self, value: object) -> str:
        """What is wrong with a value, to follow `must be`; empty where it is right."""
        return _CHECKS[self.type](self, value)

    def from_text(self, text: str) -> object:
        """The value that an environment variable means; a text that means none comes back as it is."""
        if self.type in ("texts", "globs"):
            return [part.strip() for part in text.split(",") if part.strip()]
        if self.type in ("integer", "number"):
            try:
                return int(text) if self.type == "integer" else float(text)
            except ValueError:
                return text
        return text


@cache
def sections() -> tuple[Section, ...]:
    """The tables in the order of the documentation."""
    return tuple(Section(**entry) for entry in _table()["section"])


@cache
def options() -> Mapping[str, Option]:
    """All options by key."""
    found = (Option(**entry) for entry in _table()["option"])
    return MappingProxyType({option.key: option for option in found})


def members(section: str) -> dict[str, Option]:
    """The options of one table by their name in it."""
    return {option.name: option for option in options().values() if option.section == section}


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text("utf-8"))


def _text(option: Option, value: object) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        return "a text that is not empty"
    if option.choices and value not in option.choices:
        return f"one of {', '.join(option.choices)}, not `{printable(value)}`"
    return ""


def _texts(option: Option, value: object) -> str:
    if not isinstance(value, list) or not all(isinstance(item, str) and item and "\0" not in item for item in value):
        return "a list of texts that are not empty"
    return "a list of at least one text" if option.required and not value else ""


def _globs(option: Option, value: object) -> str:
    problem = _texts(option, value)
    if problem or not isinstance(value, list):
        return problem
    from pathspec import GitIgnoreSpec

    for item in value:
        try:
            GitIgnoreSpec.from_lines([item])
        except ValueError:
            return f"a list of patterns as in .gitignore, not `{printable(item)}`"
    return ""


def _number(option: Option, value: object) -> str:
    kinds = (int,) if option.type == "integer" else (int, float)
    low, high = option.minimum, option.maximum
    fits = (
        isinstance(value, kinds)
        and not isinstance(value, bool)
        and (low is None or value >= low)
        and (high is None or value <= high)
        and not (isinstance(value, float) and math.isnan(value))
    )
    if fits:
        return ""
    kind = "a whole number" if option.type == "integer" else "a number"
    if low is not None and high is not None:
        return f"{kind} from {low:g} to {high:.0f}"
    return f"{kind}, at least {low:g}" if low is not None else kind


def _severities(_: Option, value: object) -> str:
    if not isinstance(value, Mapping):
        return 'a table of rule ids and severities, { B101 = "info" }'
    for severity in value.values():
        if not isinstance(severity, str) or severity not in SEVERITIES:
            return f"a table of rule ids and severities ({', '.join(SEVERITIES)}), not `{printable(str(severity))}`"
    return ""


def _counts(_: Option, value: object) -> str:
    if not isinstance(value, Mapping):
        return "a table of severities and numbers, { critical = 0 }"
    for severity, count in value.items():
        if severity not in SEVERITIES:
            return f"a table whose keys are {', '.join(SEVERITIES)}, not `{printable(str(severity))}`"
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            return "a table of whole numbers, at least 0"
    return ""


_CHECKS: dict[str, Callable[[Option, object], str]] = {
    "text": _text,
    "texts": _texts,
    "globs": _globs,
    "integer": _number,
    "number": _number,
    "severities": _severities,
    "counts": _counts,
}
