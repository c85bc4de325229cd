"""What of a report goes into a log that GitHub accepts, and what is left out.

https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support says: 25,000 results a run,
of which the severest 5,000 are kept, 25,000 rules, 100 extensions, 1,000 locations a result, 20 tags a rule, 10 MB
gzipped. A log of ours has one run, one location a result and two tags a rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agentforge.model import Report, Status, Violation
from agentforge.report.choice import RANK, by_severity, has_baseline
from agentforge.report.text import count

MAX_RESULTS = 25_000
SHOWN_RESULTS = 5_000


@dataclass(frozen=True, slots=True)
class Selection:
    """The results of a log, in order, and sentences on what is not among them."""

    violations: list[Violation]
    notes: tuple[str, ...]


def select(report: Report, *, in_github: bool) -> Selection:
    """Choose the results: what is there before what is waived before what is gone, the severest first.

    Args:
        report: with all violations.
        in_github: leave out what is waived or gone: GitHub knows neither suppressions nor baseline states and would
            open an alert for each.
    """
    groups: dict[Status, list[Violation]] = {}
    for item in report.violations:
        place = item.status if item.status in (Status.WAIVED, Status.FIXED) else Status.OPEN
        groups.setdefault(place, []).append(item)
    wanted = groups.get(Status.OPEN, [])
    notes = []
    if in_github:
        unwanted = len(groups.get(Status.WAIVED, [])) + len(groups.get(Status.FIXED, []))
        if unwanted:
            what = count(unwanted, "waived or fixed violation")
            notes.append(f"SARIF: {what} left out, as GitHub would open an alert for each.")
    else:
        wanted = [
            *wanted,
            *groups.get(Status.WAIVED, []),
            *(groups.get(Status.FIXED, []) if has_baseline(report) else []),
        ]
    wanted = sorted(wanted, key=_order)
    notes.extend(_limit_notes(wanted, in_github=in_github))
    return Selection(wanted[:MAX_RESULTS], tuple(notes))


def _limit_notes(wanted: list[Violation], *, in_github: bool) -> Iterator[str]:
    if len(wanted) > MAX_RESULTS:
        yield (
            f"SARIF: {len(wanted) - MAX_RESULTS:,} of {len(wanted):,} results left out, as GitHub refuses more than "
            f"{MAX_RESULTS:,}: {by_severity(wanted[MAX_RESULTS:])}."
        )
    if in_github and len(wanted) > SHOWN_RESULTS:
        yield f"SARIF: GitHub keeps the severest {SHOWN_RESULTS:,} results of a run."


def _order(item: Violation) -> tuple[int, int]:
    return (item.status is Status.WAIVED) + 2 * (item.status is Status.FIXED), RANK[item.severity]
