"""Which violations a format shows, and in which order."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from agentforge.model import GateCondition, Report, Severity, Status, Violation
from agentforge.report.text import quantity

_PAGE = re.compile(r"(?:^|\s+)See https?://\S+$")
RANK = {severity: rank for rank, severity in enumerate(Severity)}


def active(violations: Iterable[Violation]) -> Iterator[Violation]:
    """Those that are there and not waived, in the order given."""
    return (item for item in violations if item.status not in (Status.FIXED, Status.WAIVED))


def has_baseline(report: Report) -> bool:
    """Whether something says what is new: the gate's basis, or an earlier analysis."""
    return bool(report.gate and report.gate.basis) or report.analysis.previous_id is not None


def is_new(report: Report, violation: Violation) -> bool:
    """Whether a violation counts as new; the gate knows best. Without a baseline all do."""
    if report.gate and report.gate.basis:
        return violation.fingerprint in report.gate.new
    return violation.status in (Status.NEW, Status.REOPENED)


def severest(violations: Iterable[Violation], limit: int) -> list[Violation]:
    """The severest of some violations, at most `limit`, else in the order given."""
    return heapq.nsmallest(limit, violations, key=lambda item: RANK[item.severity])


def new_first(report: Report, limit: int) -> list[Violation]:
    """Those that are there and not waived, at most `limit`: new ones, then others, the severest of each first."""
    found = active(report.violations)
    return heapq.nsmallest(limit, found, key=lambda item: (not is_new(report, item), RANK[item.severity]))


def tally(violations: Iterable[Violation]) -> Counter[Severity]:
    """How many there are of each severity."""
    return Counter(item.severity for item in violations)


def fixes(report: Report) -> Callable[[Violation], str]:
    """Gives what to do about a violation in words, without the page that says more; empty where nobody says.

    bandit's findings name the page only: what to do is said of its rules.
    """
    said = {(rule.tool, rule.id): _PAGE.sub("", rule.suggestion) for rule in report.rules}
    return lambda item: _PAGE.sub("", item.suggestion) or said.get((item.tool, item.rule_id), "")


def by_severity(counts: Mapping[Severity, int]) -> str:
    """`2 high, 1 low`; empty for none."""
    return ", ".join(f"{counts[severity]:,} {severity.value}" for severity in Severity if counts.get(severity))


def condition_text(condition: GateCondition) -> str:
    """`new high violations: 3, at most 0 allowed (3 too many)`."""
    actual, limit = quantity(condition.actual), quantity(condition.limit)
    bound = f"at least {limit} required" if condition.at_least else f"at most {limit} allowed"
    if condition.passed:
        return f"{condition.subject}: {actual}, {bound}"
    off = quantity(abs(condition.actual - condition.limit))
    return f"{condition.subject}: {actual}, {bound} ({off} too {'low' if condition.at_least else 'high'})"
