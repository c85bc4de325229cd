"""Violations as people and programs read them: a list, one with its code and its history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agentforge import languages
from agentforge.detect import catalogue
from agentforge.detect.rule import Rule
from agentforge.model import Status
from agentforge.pipeline.violations import SHORT_ID, Excerpt
from agentforge.report.document import flow_objects
from agentforge.report.table import SEVERITY_STYLE
from agentforge.report.text import one_line, showable
from agentforge.store.violations import Event, Found

COLUMNS = (
    "id", "project", "branch", "status", "severity", "rule_id", "path", "line", "column", "message", "function",
    "category", "confidence", "cwe", "first_found", "fixed", "fingerprint", "tool",
)  # fmt: skip
_CWE = "https://cwe.mitre.org/data/definitions/{}.html"
_EVENTS = {"found": "found", "fixed": "fixed", "reopened": "open again", "waived": "waived", "moved": "moved"}


def listing(found: Sequence[Found]) -> Iterator[Text]:
    """A line a violation, and below it what is said."""
    several = len({(item.project_id, item.branch) for item in found}) > 1
    widths = [max(len(value) for value in column) for column in zip(*map(_cells, found), strict=True)]
    for item in found:
        one, severity, status = (value.ljust(width) for value, width in zip(_cells(item), widths, strict=True))
        where = f"  {item.project} {item.branch}".rstrip() if several else ""
        yield Text.assemble(
            f"{one}  ",
            (severity, SEVERITY_STYLE[item.severity]),
            showable(f"  {status}  {item.rule_id}  {item.path}:{item.line}"),
            (showable(where), "dim"),
            (f"\n{' ' * (SHORT_ID + 2)}{one_line(item.message)}", "dim"),
        )


def _cells(item: Found) -> tuple[str, str, str]:
    return short(item), item.severity.value, item.status.value


def short(item: Found) -> str:
    """The id that people use."""
    return item.fingerprint[:SHORT_ID]


def page(
    item: Found, code: Excerpt | None, language: str | None, events: Sequence[Event], elsewhere: Sequence[str]
) -> Group:
    """All that is known of a violation.

    Args:
        item: the violation.
        code: around it, None where it is not at hand.
        language: of its file.
        events: what became of it.
        elsewhere: other branches where it is.
    """
    return Group(*_sections(item, code, language, events, elsewhere))


def _sections(
    item: Found, code: Excerpt | None, language: str | None, events: Sequence[Event], elsewhere: Sequence[str]
) -> Iterator[RenderableType]:
    rule = rule_of(item)
    by = "" if item.tool == "agentforge" else f", found by {item.tool}"
    title = showable(f" {item.rule_id}  {item.rule_name}  {item.status.value}{by}")
    yield Text.assemble((short(item), "bold"), " ", (item.severity.value, SEVERITY_STYLE[item.severity]), title)
    inside = f" in {item.function}" if item.function else ""
    branch = f", branch {item.branch}" if item.branch else ""
    yield Text(showable(f"{item.path}:{item.line}:{item.column}{inside}  ({item.project}{branch})"), "dim")
    yield Text(one_line(item.message))
    yield Text()
    yield from _code(item, code)
    yield from _way(item)
    facts = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    facts.add_column(no_wrap=True, style="bold")
    facts.add_column(overflow="fold")
    for name, value in _facts(item, rule, elsewhere):
        facts.add_row(name, Text(one_line(value)))
    yield facts
    yield Text("\nHistory", "bold")
    yield _history(events)
    if item.status not in (Status.WAIVED, Status.FIXED):
        yield from _how_to_waive(item, language)


def _facts(item: Found, rule: Rule | None, elsewhere: Sequence[str]) -> Iterator[tuple[str, str]]:
    if rule is not None:
        yield "Why", rule.why
    fix = rule.suggestion if rule is not None else item.suggestion
    if fix:
        yield "Fix", fix
    if fix != item.suggestion:
        yield "", item.suggestion
    if item.cwe is not None:
        yield f"CWE-{item.cwe}", _CWE.format(item.cwe)
    if item.waiver_kind is not None:
        yield "Waived", _waiver(item)
    if elsewhere:
        yield "Also on", ", ".join(elsewhere)


def _waiver(item: Found) -> str:
    by = {"inline": "by a comment", "tool": "by another tool"}.get(item.waiver_kind or "", f"by {item.waiver_user}")
    when = f" on {item.waiver_created.astimezone():%Y-%m-%d}" if item.waiver_created else ""
    until = f", until {item.waiver_until}" if item.waiver_until else ""
    return f"{by}{when}{until}: {item.waiver_reason or 'no reason given'}"


def _code(item: Found, code: Excerpt | None) -> Iterator[Text]:
    if code is None:
        yield Text("Its code is not at hand: the file has changed since it was analysed, or is not here.\n", "dim")
        return
    width = len(str(code.first + len(code.lines) - 1))
    for number, line in enumerate(code.lines, code.first):
        marked = item.line <= number <= item.end_line
        gutter = f"{'>' if marked else ' '} {number:>{width}} | "
        yield Text.assemble((gutter, "bold red" if marked else "dim"), _shown(line))
        if number == item.line:
            yield Text.assemble((" " * (width + 3) + "| ", "dim"), (_carets(item, line), "bold red"))
    yield Text()


def _way(item: Found) -> Iterator[Text]:
    """Where the value comes from, on one line."""
    if item.flow:
        steps = [f"{one_line(step.message)}, line {step.line}" for step in item.flow]
        yield Text(f"from {' → '.join(steps)} → here\n", "bold")


def _carets(item: Found, line: str) -> str:
    """Marks below the part of the line that is meant: to its end where the violation goes on below."""
    before, end = line[: max(0, item.column - 1)], item.end_column - 1 if item.end_line == item.line else len(line)
    start = cell_len(_shown(before))
    length = cell_len(_shown(line[:end].rstrip())) - start
    return " " * start + "^" * max(1, length)


def _shown(code: str) -> str:
    return showable(code.expandtabs(4))


def _history(events: Sequence[Event]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for event in events:
        table.add_row(f"{event.at.astimezone():%Y-%m-%d %H:%M}", Text(one_line(_said(event))))
    return table


def _said(event: Event) -> str:
    """One step of a life, in words."""
    if event.kind == "expired":
        return f"the waiver ran out: {event.reason}"
    by = _by(event)
    if event.kind == "moved":
        return f"moved from {event.from_path}{by}"
    if event.kind == "waived":
        until = f" until {event.until}" if event.until else ""
        return f"waived{until}{by}: {event.reason or 'no reason given'}"
    return f"{_EVENTS[event.kind]}{by}"


def _by(event: Event) -> str:
    if event.analysis_id is None:
        return f" by {event.user}" if event.user else ""
    branch = f" of {event.branch}" if event.branch else ""
    commit = f" at {event.commit[:10]}" if event.commit else ""
    return f" by analysis {event.analysis_id}{branch}{commit}"


def _how_to_waive(item: Found, language: str | None) -> Iterator[Text]:
    yield Text("\nTo accept it", "bold")
    yield Text(f'  agentforge violations waive {short(item)} --reason "..." [--until DATE]')
    if language is not None:
        lead = languages.get(language).line_comment
        yield Text(showable(f"  or in the source: {lead} agentforge: ignore[{item.rule_id}] the reason"))


def lives(found: Sequence[tuple[Found, Sequence[Event]]]) -> Group:
    """What became of a violation, on each branch."""
    parts: list[RenderableType] = []
    for item, events in found:
        where = f"{item.branch or item.project}: {item.status.value}"
        parts.append(Text(showable(f"{short(item)} {item.rule_id}  {item.path}:{item.line}  {where}"), "bold"))
        parts.append(_history(events))
    return Group(*parts)


def changed(done: str, item: Found, branches: Sequence[str]) -> str:
    """What was done to a violation, and where."""
    on = f" (on {', '.join(branches)})" if any(branches) else ""
    return showable(f"{done} {short(item)} {item.rule_id} {item.path}:{item.line}{on}")


def rule_of(item: Found) -> Rule | None:
    """What is said of the rule; None for one of another tool, or of a project's own."""
    if item.tool not in ("agentforge", "bandit"):
        return None
    return next((entry.rule for entry in catalogue.entries() if entry.rule.id == item.rule_id), None)


def violation_object(item: Found) -> dict[str, Any]:
    """A violation as JSON shows it."""
    waiver = {
        "kind": item.waiver_kind,
        "reason": item.waiver_reason,
        "by": item.waiver_user,
        "created": item.waiver_created,
        "until": item.waiver_until,
    }
    return {
        "id": short(item),
        "fingerprint": item.fingerprint,
        "project": item.project,
        "branch": item.branch or None,
        "status": item.status.value,
        "severity": item.severity.value,
        "category": item.category.value,
        "confidence": item.confidence.value,
        "rule_id": item.rule_id,
        "rule_name": item.rule_name,
        "tool": item.tool,
        "cwe": item.cwe,
        "path": item.path,
        "line": item.line,
        "column": item.column,
        "end_line": item.end_line,
        "end_column": item.end_column,
        "function": item.function or None,
        "message": item.message,
        "suggestion": item.suggestion,
        "first_found": _iso(item.first_found),
        "fixed": _iso(item.fixed),
        "flow": flow_objects(item.flow),
        "waiver": {name: _iso(value) for name, value in waiver.items()} if item.waiver_kind else None,
    }


def document(item: Found, code: Excerpt | None, events: Sequence[Event]) -> dict[str, Any]:
    """All that is known of a violation, for JSON."""
    rule = rule_of(item)
    return {
        **life_object(item, events),
        "why": rule.why if rule else None,
        "cwe_url": _CWE.format(item.cwe) if item.cwe else None,
        "code": {"first_line": code.first, "lines": list(code.lines)} if code else None,
    }


def life_object(item: Found, events: Sequence[Event]) -> dict[str, Any]:
    """A violation and what became of it, for JSON."""
    return {
        "violation": violation_object(item),
        "history": [
            {
                "event": event.kind,
                "at": _iso(event.at),
                "analysis_id": event.analysis_id,
                "branch": event.branch or None,
                "commit": event.commit,
                "user": event.user,
                "reason": event.reason,
                "until": _iso(event.until),
                "from_path": event.from_path,
            }
            for event in events
        ],
    }


def _iso(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else value
