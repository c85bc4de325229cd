"""Markdown for a comment on a pull or merge request.

Whatever comes from files is written so that it cannot be markup: punctuation to which Markdown or HTML gives a meaning
becomes a character reference, and a zero-width space parts what would mention a person, an issue or a label.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from agentforge.model import Report, Severity, Violation
from agentforge.report.choice import active, by_severity, condition_text, has_baseline, is_new, severest, tally
from agentforge.report.text import count, one_line

# GitHub refuses a longer comment (65,536 characters); GitLab allows a million.
LIMIT = 65_536
_RESERVE = 400  # for what closes the comment
_MESSAGE = 300  # characters of a text, each of which may become a reference of six
_CONDITIONS = 20
_SHORTEST_ROW = 50
_SPECIAL = re.compile(r"""[\\`*_{}\[\]<>()#+!|~@&$^="':%]""")
_REFERENCE = re.compile(r"(?<![A-Za-z0-9])([@#!~%&$]|GH-|[a-z]+://|www\.)(?=\S)", re.IGNORECASE)
_ZERO_WIDTH_SPACE = "\u200b"
# The mark of a comment: a job finds the one that it wrote before by it and edits it.
MARK = "<!-- agentforge -->"


def render(report: Report) -> str:
    """The gate's verdict, numbers, what is new, and the rest folded; at most `LIMIT` characters."""
    present = tally(active(report.violations))
    new = tally(item for item in active(report.violations) if is_new(report, item))
    parts = [MARK, _verdict(report, present.total(), new.total()), *_gate(report), _numbers(report)]
    text = "\n\n".join(part for part in parts if part) + "\n"
    title = "New violations" if has_baseline(report) else "Violations"
    text += _section(title, _ranked(report, new=True), new, LIMIT - _RESERVE - len(text), folded=False)
    text += _section(
        "Known before", _ranked(report, new=False), present - new, LIMIT - _RESERVE - len(text), folded=True
    )
    return text + _footer(report)


def _ranked(report: Report, *, new: bool) -> list[Violation]:
    """The severest of the new ones, or of the others; more than there can be room for."""
    found = (item for item in active(report.violations) if is_new(report, item) is new)
    return severest(found, LIMIT // _SHORTEST_ROW)


def _verdict(report: Report, present: int, new: int) -> str:
    gate = report.gate
    if gate is not None and not gate.passed:
        failed = sum(not item.passed for item in gate.conditions)
        return f"### ❌ Gate failed: {failed:,} of {count(len(gate.conditions), 'condition')}"
    if gate is not None:
        return "### ✅ Gate passed"
    if not present:
        return "### ✅ No violations"
    if has_baseline(report):
        return f"### {count(new, 'new violation')}, {present - new:,} known before"
    return f"### {count(present, 'violation')}"


def _gate(report: Report) -> Iterator[str]:
    gate = report.gate
    if gate is None:
        return
    if gate.conditions:
        shown = sorted(gate.conditions, key=lambda item: item.passed)[:_CONDITIONS]
        lines = [f"- {'✅' if item.passed else '❌'} {escaped(condition_text(item), _MESSAGE)}" for item in shown]
        if len(gate.conditions) > len(shown):
            lines.append(f"- and {count(len(gate.conditions) - len(shown), 'more condition')}")
        yield "\n".join(lines)
    if gate.basis:
        yield f"New is what was not there {escaped(gate.basis, _MESSAGE)}."
    if gate.first and not gate.passed:
        yield "**Fix first**"
        yield "\n".join(
            f"{number}. {_code(_place(item))} {escaped(item.message, _MESSAGE)}"
            for number, item in enumerate(gate.first[:3], start=1)
        )


def _numbers(report: Report) -> str:
    rows = [row for row in report.summary.severities if row.new or row.fixed or row.remaining]
    if not rows or not has_baseline(report):
        return ""
    if report.analysis.previous_id is None:  # nothing was stored that would tell what is fixed
        lines = [f"| {row.severity.value} | {row.new:,} | {row.remaining:,} |" for row in rows]
        return "\n".join(["| severity | new | remaining |", "|---|---:|---:|", *lines])
    lines = [f"| {row.severity.value} | {row.new:,} | {row.fixed:,} | {row.remaining:,} |" for row in rows]
    return "\n".join(["| severity | new | fixed | remaining |", "|---|---:|---:|---:|", *lines])


def _section(title: str, violations: Sequence[Violation], counts: Counter[Severity], room: int, *, folded: bool) -> str:
    """A table of violations, as many as there is room for; `counts` are of all."""
    if not violations:
        return ""
    head = f"{title}: {by_severity(counts)}"
    opening = f"\n<details>\n<summary>{head}</summary>\n\n" if folded else f"\n**{head}**\n\n"
    opening += "| severity | rule | place | message |\n|---|---|---|---|\n"
    closing = "\n</details>\n" if folded else ""
    room -= len(opening) + len(closing) + 100
    rows: list[str] = []
    for violation in violations:
        row = _row(violation)
        if len(row) > room:
            break
        room -= len(row)
        rows.append(row)
    left_out = counts.total() - len(rows)
    if not rows:
        return f"\n{head}: no room for them here.\n"
    rest = f"\n{count(left_out, 'more violation')} not shown.\n" if left_out else ""
    return opening + "".join(rows) + rest + closing


def _row(item: Violation) -> str:
    message = escaped(item.message, _MESSAGE)
    return f"| {item.severity.value} | {_code(item.rule_id)} | {_code(_place(item))} | {message} |\n"


def _place(item: Violation) -> str:
    return f"{item.path}:{item.line}"


def _footer(report: Report) -> str:
    analysis = report.analysis
    parts = [count(analysis.files_analyzed + analysis.files_unchanged, "file")]
    if report.summary.parse_errors:
        parts.append(f"{report.summary.parse_errors:,} did not parse completely")
    if report.project.commit:
        parts.append(f"commit {escaped(report.project.commit[:12], 12)}")
    return f"\n<sub>agentforge: {', '.join(parts)}</sub>\n"


def escaped(text: str, limit: int) -> str:
    """A text that Markdown shows as it is, on one line; `limit` counts its own characters."""
    parted = _REFERENCE.sub(rf"\g<1>{_ZERO_WIDTH_SPACE}", one_line(text, limit))
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", parted)


def _code(text: str) -> str:
    """As code, where GitHub and GitLab look for no mention and no reference."""
    return f"<code>{_SPECIAL.sub(lambda found: f'&#{ord(found[0])};', one_line(text, _MESSAGE))}</code>"
