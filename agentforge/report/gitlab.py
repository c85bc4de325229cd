"""GitLab's Code Quality report: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator

from agentforge.model import Report, Severity, Violation
from agentforge.report.choice import active
from agentforge.report.text import one_line

_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}


def render(report: Report) -> Iterator[str]:
    """A JSON array, one violation a line; waived and fixed ones are left out. GitLab itself finds what is new."""
    seen: Counter[str] = Counter()
    before = "[\n"
    for violation in active(report.violations):
        yield before + json.dumps(_entry(violation, seen), ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _entry(violation: Violation, seen: Counter[str]) -> dict[str, object]:
    return {
        "description": one_line(violation.message),
        "check_name": violation.rule_id,
        "fingerprint": _fingerprint(violation, seen),
        "severity": _SEVERITIES[violation.severity],
        "location": {
            "path": violation.path,
            "lines": {"begin": violation.line, "end": max(violation.line, violation.end_line)},
        },
    }


def _fingerprint(violation: Violation, seen: Counter[str]) -> str:
    """Ours; GitLab drops what has one that another has, so a second one of the same gets one of its own."""
    seen[violation.fingerprint] += 1
    if violation.fingerprint and seen[violation.fingerprint] == 1:
        return violation.fingerprint
    parts = (violation.fingerprint, violation.path, violation.rule_id, str(seen[violation.fingerprint]))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
