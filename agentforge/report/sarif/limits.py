"""What of a report goes into a log that GitHub accepts, and what is left out.

https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support says: 25,000 results a run,
of which the severest 5,000 are kept, 25,000 rules, 100 extensions, 1,000 locations a result, 10,000 locations a flow,
20 tags a rule, 10 MB gzipped. A log of ours has one run, one location a result and two tags a rule.
"""

from __future__ import annotations

import heapq
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agentforge.model import Report, Severity, Status, Violation
from agentforge.report.choice import RANK, by_severity, has_baseline, tally
from agentforge.report.text import count

MAX_RESULTS = 25_000
SHOWN_RESULTS = 5_000
MAX_BYTES = 10_000_000
# What a log that is cut may still gain: what the compressor holds back.
_HELD_BACK = 100_000


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
    left_out: tuple[Status, ...] = () if has_baseline(report) else (Status.FIXED,)
    notes = []
    if in_github:
        left_out = (Status.WAIVED, Status.FIXED)
        unwanted = sum(item.status in left_out for item in report.violations)
        if unwanted:
            what = count(unwanted, "waived or fixed violation")
            notes.append(f"SARIF: {what} left out, as GitHub would open an alert for each.")
    counts = tally(item for item in report.violations if item.status not in left_out)
    wanted = (item for item in report.violations if item.status not in left_out)
    chosen = heapq.nsmallest(MAX_RESULTS, wanted, key=_order)
    notes.extend(_limit_notes(counts.total(), counts - tally(chosen), in_github=in_github))
    return Selection(chosen, tuple(notes))


def fitting(selection: Selection, head: str, results: Iterable[str]) -> Selection:
    """As many of the results, from the first, as a log may hold that is gzipped.

    Args:
        selection: the results.
        head: what stands around them, roughly.
        results: each as text, in order.
    """
    wanted = selection.violations
    if sum(map(_most_bytes, wanted)) + len(head) < MAX_BYTES:
        return selection
    compressor = zlib.compressobj(wbits=31)
    size = len(compressor.compress(head.encode())) + _HELD_BACK
    for number, text in enumerate(results):
        size += len(compressor.compress(text.encode()))
        if size > MAX_BYTES:
            note = (
                f"SARIF: {len(wanted) - number:,} of {len(wanted):,} results left out, as GitHub refuses a file of "
                f"more than {MAX_BYTES // 1_000_000} MB when it is gzipped: {by_severity(tally(wanted[number:]))}."
            )
            return Selection(wanted[:number], (*selection.notes, note))
    return selection


def _most_bytes(item: Violation) -> int:
    """More than a result takes as JSON in UTF-8."""
    texts = 6 * (len(item.message) + len(item.suggestion) + len(item.function) + sum(len(s.message) for s in item.flow))
    return 2_000 + texts + 12 * len(item.path) * (2 + len(item.flow)) + 400 * len(item.flow)


def _limit_notes(total: int, left_out: Counter[Severity], *, in_github: bool) -> Iterator[str]:
    if left_out:
        yield (
            f"SARIF: {left_out.total():,} of {total:,} results left out, as GitHub refuses more than "
            f"{MAX_RESULTS:,}: {by_severity(left_out)}."
        )
    if in_github and total > SHOWN_RESULTS:
        yield f"SARIF: GitHub keeps the severest {SHOWN_RESULTS:,} results of a run."


def _order(item: Violation) -> tuple[int, int]:
    return (item.status is Status.WAIVED) + 2 * (item.status is Status.FIXED), RANK[item.severity]
