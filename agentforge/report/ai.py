"""What a coding agent needs to act, in as few tokens as that takes (docs/formats.md describes it)."""

from __future__ import annotations

from collections.abc import Iterator

from agentforge.model import Report, Violation
from agentforge.report.choice import active, by_severity, condition_text, fixes, has_baseline, is_new, new_first, tally
from agentforge.report.text import one_line, origin

LIMIT = 200
_MESSAGE, _FIX = 200, 160


def render(report: Report) -> Iterator[str]:
    """Violations grouped by file, the file with the worst first; new ones, marked with `*`, before others.

    What is said several times in a file is one line with all places. A fix is written where its rule occurs for the
    first time. Files that did not parse come before them all, and the last line says what was left out.
    """
    if report.gate is not None:
        failed = [one_line(condition_text(item)) for item in report.gate.conditions if not item.passed]
        yield f"gate failed: {'; '.join(failed)}\n" if failed else "gate passed\n"
    for file in report.files:
        if file.metrics.parse_error is not None:
            yield f"not parsed: {one_line(file.path)}: {one_line(file.metrics.parse_error, _FIX)}\n"
    ranked = new_first(report, LIMIT)
    if not ranked:
        yield "0 violations\n"
        return
    fix_of, fixed = fixes(report), set[tuple[str, str]]()
    mark_new = has_baseline(report)
    for path, said in _by_file(ranked).items():
        yield f"{one_line(path)}\n"
        for same in said.values():
            rule = (same[0].tool, same[0].rule_id)
            fix = "" if rule in fixed else fix_of(same[0])
            fixed.add(rule)
            yield _line(same, fix, new=mark_new and is_new(report, same[0]))
    left_out = tally(active(report.violations)) - tally(ranked)
    if left_out:
        yield f"+{left_out.total()} more: {by_severity(left_out)}\n"


def _by_file(ranked: list[Violation]) -> dict[str, dict[tuple[object, ...], list[Violation]]]:
    """Path to what is said there, to the violations of which it is said; all in order."""
    files: dict[str, dict[tuple[object, ...], list[Violation]]] = {}
    for item in ranked:
        key = (item.tool, item.rule_id, item.severity, item.status, item.message, origin(item.flow))
        files.setdefault(item.path, {}).setdefault(key, []).append(item)
    return files


def _line(same: list[Violation], fix: str, *, new: bool) -> str:
    violation = same[0]
    places = " ".join(f"{item.line}:{item.column}" for item in same)
    text = f"{places} {violation.severity.value}{'*' if new else ''} {one_line(violation.rule_id)}"
    text += f" {one_line(violation.message, _MESSAGE)}"
    if known := origin(violation.flow):
        text += f" ({known})"
    return f"{text} → {one_line(fix, _FIX)}\n" if fix else f"{text}\n"
