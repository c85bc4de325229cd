"""Workflow commands of GitHub Actions, which become annotations of the run and of the changed files.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions says how they are written; a step shows
ten errors, ten warnings and ten notices, the rest is dropped without a word.
"""

from __future__ import annotations

from collections.abc import Iterator

from agentforge.model import Report, Severity, Violation
from agentforge.report.choice import active, by_severity, condition_text, has_baseline, is_new, severest, tally
from agentforge.report.text import count, one_line

LIMIT = 10
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}


def render(report: Report) -> Iterator[str]:
    """One command a line: the gate's failures, then the severest violations (new ones, where something says what is
    new), then a notice with the number of those that are not shown and of files that did not parse.
    """
    room = {"error": LIMIT, "warning": LIMIT, "notice": LIMIT - 1}  # the last notice says what is missing
    if report.gate is not None and not report.gate.passed:
        room["error"] -= 1
        failed = [condition_text(item) for item in report.gate.conditions if not item.passed]
        yield _command("error", {"title": "Gate failed"}, "\n".join(one_line(text) for text in failed))
    baseline = has_baseline(report)
    present = tally(active(report.violations))
    left_out = tally(item for item in active(report.violations) if not baseline or is_new(report, item))
    known = present - left_out
    for level, places in room.items():
        shown = severest(_of(report, level, baseline=baseline), places)
        left_out -= tally(shown)
        yield from (_annotation(level, violation) for violation in shown)
    said = []
    if left_out:
        said.append(f"{count(left_out.total(), 'more violation')} not annotated: {by_severity(left_out)}.")
    if known:
        said.append(f"{count(known.total(), 'violation')} known before: {by_severity(known)}.")
    if report.summary.parse_errors:
        said.append(f"{count(report.summary.parse_errors, 'file')} did not parse completely.")
    if said:
        yield _command("notice", {"title": "agentforge"}, " ".join(said))


def _of(report: Report, level: str, *, baseline: bool) -> Iterator[Violation]:
    """Those that are annotated on a level: where something says what is new, the new ones."""
    for item in active(report.violations):
        if _LEVELS[item.severity] == level and (not baseline or is_new(report, item)):
            yield item


def _annotation(level: str, violation: Violation) -> str:
    properties = {
        "file": violation.path,
        "line": str(violation.line),
        "endLine": str(max(violation.line, violation.end_line)),
    }
    if violation.line == violation.end_line and 0 < violation.column <= violation.end_column:
        properties |= {"col": str(violation.column), "endColumn": str(violation.end_column)}
    name = f": {one_line(violation.rule_name)}" if violation.rule_name else ""
    properties["title"] = f"{one_line(violation.rule_id)} ({violation.severity.value}){name}"
    message = one_line(violation.message)
    if violation.suggestion:
        message += f"\n{one_line(violation.suggestion)}"
    return _command(level, properties, message)


def _command(name: str, properties: dict[str, str], message: str) -> str:
    shown = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {shown}::{_message(message)}\n"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
