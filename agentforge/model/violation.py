"""What is wrong at a place: violations, the rules that they break, and waivers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

# The one rule whose violations have two places: the message ends with the other one.
DUPLICATE_FUNCTION = "duplicate-function"
_OTHER_PLACE = re.compile(r", (?P<path>[^\n]+):(?P<line>[0-9]+)$")


class Severity(StrEnum):
    """How bad a violation is, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Confidence(StrEnum):
    """How sure the detector is that the violation is real."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    UNDEFINED = "undefined"


class Category(StrEnum):
    """What a rule protects."""

    QUALITY = "quality"
    SECURITY = "security"
    RELIABILITY = "reliability"
    PERFORMANCE = "performance"


class PatternType(StrEnum):
    """What it means that a function falls within a pattern: a violation, or (idiom) a mark."""

    VULNERABILITY = "vulnerability"
    SMELL = "smell"
    IDIOM = "idiom"


class Status(StrEnum):
    """Where a violation stands in its life."""

    NEW = "new"
    OPEN = "open"
    FIXED = "fixed"
    REOPENED = "reopened"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class Waiver:
    """Why a violation is accepted, and until when.

    Attributes:
        reason: in words, empty where a comment gives none.
        kind: `inline` for a comment in the source, `stored` for `agentforge violations waive`, `tool` for another
            tool's report that says so.
        by: name of the user who waived it, empty where a comment did.
        until: last day on which it holds (ISO 8601), None for ever.
    """

    reason: str
    kind: str
    by: str = ""
    until: str | None = None


@dataclass(frozen=True, slots=True)
class FlowStep:
    """A place on the way of a value. `message` says what it is there, in words that follow "from"."""

    line: int
    column: int
    end_line: int
    end_column: int
    message: str


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule broken at a place.

    Attributes:
        cwe: number of the Common Weakness Enumeration entry, None where there is none.
        function: qualified name of the enclosing function, empty at module level.
        line_hash: SHA-256 of the line's text with its white space removed; identity survives edits elsewhere.
        fingerprint: identity of the violation over runs (docs/waivers.md, "Known again").
        waiver: set where, and only where, the status is `waived`.
        tool: what found it: `agentforge`, `bandit`, or the tool of an imported report.
        flow: the places in the same file through which a value came here, its source first; empty where nobody knows.
    """

    rule_id: str
    rule_name: str
    category: Category
    severity: Severity
    confidence: Confidence
    cwe: int | None
    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    suggestion: str
    function: str = ""
    line_hash: str = ""
    fingerprint: str = ""
    status: Status = Status.NEW
    waiver: Waiver | None = None
    tool: str = "agentforge"
    flow: tuple[FlowStep, ...] = ()

    @property
    def related(self) -> tuple[str, int] | None:
        """Path and line of the other function where one is said to be there already; None for other rules."""
        found = _OTHER_PLACE.search(self.message) if self.rule_id == DUPLICATE_FUNCTION else None
        return (found["path"], int(found["line"])) if found else None


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """What a report says of a rule that was broken.

    `tool` made the finding: `agentforge`, `bandit`, or the tool of an imported report. `why` says why it matters,
    `suggestion` what to do; both may be empty for an imported rule.
    """

    id: str
    name: str
    category: Category
    severity: Severity
    confidence: Confidence
    cwe: int | None
    why: str = ""
    suggestion: str = ""
    tool: str = "agentforge"
