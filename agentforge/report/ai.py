"""What a coding agent needs to act, in as few tokens as that takes (docs/formats.md describes it)."""

from __future__ import annotations

from collections.abc import Iterator

from agentforge.model import Report, Violation
from agentforge.report.choice import by_severity, condition_text, fixes, has_baseline, is_new, new_first
from agentforge.report.text import one_line

LIMIT = 200
_MESSAGE, _FIX = 200, 160


def render(report: Report) -> Iterator[str]:
    """One line a violation, grouped by file, the file with the worst first; new ones, marked with `*`, before others.

    A fix is written where its rule occurs for the first time. Files that did not parse come before them all, and the
    last line says what was left out.
    """
    if report.gate is not None:
        failed = [one_line(condition_text(item)) for item in report.gate.conditions if not item.passed]
        yield f"gate failed: {'; '.join(failed)}\n" if failed else "gate passed\n"
    for file in report.files:
        if file.metrics.parse_error is not None:
            yield f"not parsed: {one_line(file.path)}: {one_line(file.metrics.parse_error, _FIX)}\n"
    ranked = new_first(report)
    if not ranked:
        yield "0 violations\n"
        return
    fix_of, fixed = fixes(report), set[tuple[str, str]]()
    files: dict[str, list[Violation]] = {}
    for violation in ranked[:LIMIT]:
        files.setdefault(violation.path, []).append(violation)
    mark_new = has_baseline(report)
    for path, violations in files.items():
        yield f"{one_line(path)}\n"
        for violation in violations:
            rule = (violation.tool, violation.rule_id)
            fix = "" if rule in fixed else fix_of(violation)
            fixed.add(rule)
            yield _line(violation, fix, new=mark_new and is_new(report, violation))
    if left_out := ranked[LIMIT:]:
        yield f"+{len(left_out)} more: {by_severity(left_out)}\n"


def _line(violation: Violation, fix: str, *, new: bool) -> str:
    place = f"{violation.line}:{violation.column}"
    text = f"{place} {violation.severity.value}{'*' if new else ''} {one_line(violation.rule_id)}"
    text += f" {one_line(violation.message, _MESSAGE)}"
    return f"{text} → {one_line(fix, _FIX)}\n" if fix else f"{text}\n"
