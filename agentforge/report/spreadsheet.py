"""Comma-separated values as in RFC 4180, safe to be opened by a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from agentforge.model import Report, Violation

# The order is part of the format: new columns come last.
HEADER = (
    "path",
    "line",
    "column",
    "end_line",
    "end_column",
    "severity",
    "category",
    "rule_id",
    "rule_name",
    "message",
    "suggestion",
    "function",
    "status",
    "confidence",
    "cwe",
    "tool",
    "fingerprint",
    "waiver_kind",
    "waiver_reason",
    "waiver_by",
    "waiver_until",
)
# A spreadsheet takes a cell that begins like this for a formula (OWASP, CSV injection); the wide ones are its
# full-width forms, and white space before them is skipped by some.
_FORMULA = re.compile("[\\s\0]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def render(report: Report) -> Iterator[str]:
    """A header and one record a violation, waived and fixed ones with their status; each ends in CR LF."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(HEADER)
    yield buffer.getvalue()
    for violation in report.violations:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow([cell(value) for value in _values(violation)])
        yield buffer.getvalue()


def _values(item: Violation) -> tuple[str | int | None, ...]:
    waiver = item.waiver
    return (
        item.path,
        item.line,
        item.column,
        item.end_line,
        item.end_column,
        item.severity.value,
        item.category.value,
        item.rule_id,
        item.rule_name,
        item.message,
        item.suggestion,
        item.function,
        item.status.value,
        item.confidence.value,
        item.cwe,
        item.tool,
        item.fingerprint,
        *((waiver.kind, waiver.reason, waiver.by, waiver.until) if waiver else ("", "", "", "")),
    )


def cell(value: str | int | None) -> str | int:
    """A value that no spreadsheet takes for a formula, without control characters; nothing for None."""
    if value is None or isinstance(value, int):
        return "" if value is None else value
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", value)
    return f"'{text}" if _FORMULA.match(value) else text
