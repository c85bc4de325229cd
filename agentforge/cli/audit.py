"""`agentforge audit log|verify|key|rotate-key`: the audit trail, shown, checked and put under another key."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from agentforge.cli.database import open_as_owner, open_database
from agentforge.cli.encryption import encryption_key
from agentforge.cli.output import SCHEMA_VERSION, print_json, say
from agentforge.errors import EXIT_CLEAN, EXIT_FINDINGS, UsageError
from agentforge.report.text import showable
from agentforge.store import audit_chain, audit_key, audit_log
from agentforge.store.audit_chain import Head, Month
from agentforge.store.audit_encryption import rotate
from agentforge.store.audit_log import Entry, Filter
from agentforge.store.connection import DatabaseSettings
from agentforge.store.requests import Request

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_time(text: str | None) -> datetime | None:
    """A time that was said as a date, an ISO time, or `7d`, `24h`, `30m`, `2w` ago; local where it names no zone.

    Raises:
        UsageError: it is none of these.
    """
    if text is None:
        return None
    ago = re.fullmatch(r"([0-9]{1,9})([mhdw])", text)
    try:
        if ago:
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text} is not a time.", "Say a date (2026-11-25), an ISO time, or how long ago: 30m, 24h, 7d, 2w."
        ) from None


def parse_resource(text: str | None) -> tuple[str | None, int | None]:
    """The table and the id of `TABLE` or `TABLE:ID`.

    Raises:
        UsageError: the id is no number.
    """
    table, colon, row_id = (text or "").partition(":")
    if colon and not re.fullmatch(r"[0-9]{1,18}", row_id):
        raise UsageError(f"{row_id!r} is not the id of a row.", "Say TABLE:ID, such as users:17.")
    return table or None, int(row_id) if row_id else None


def show_log(settings: DatabaseSettings, wanted: Filter, key_file: str | None, *, as_json: bool) -> int:
    """Print the entries."""
    key = encryption_key(key_file)
    with open_database(settings, say, Request("audit log"), needs_session=False) as connection:
        found = list(audit_log.entries(connection, wanted, key))
    if as_json:
        print_json({"entries": [dataclasses.asdict(entry) for entry in found]})
        return EXIT_CLEAN
    if found:
        _print_lines(found)
    else:
        say("No entries.")
    if len(found) == wanted.limit:
        say(f"Only the newest {wanted.limit:,} are shown; --limit shows more.")
    return EXIT_CLEAN


def _print_lines(found: Sequence[Entry]) -> None:
    """A line an entry, and below it what it changed."""
    columns = ("time", "user", "action", "resource", "project", "rows")
    rows = [columns, *map(_cells, found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(columns))]
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for row, entry in zip(rows, (None, *found), strict=True):
        console.print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        change = showable(_change(entry.old_values, entry.new_values)) if entry else ""
        if change:
            console.print(f"    {change}", style="dim")


def _cells(entry: Entry) -> tuple[str, ...]:
    who = entry.user or (f"#{entry.user_id}" if entry.user_id else entry.database_user)
    resource = entry.resource if entry.resource_id is None else f"{entry.resource}:{entry.resource_id}"
    project = entry.project or (f"#{entry.project_id}" if entry.project_id else "")
    rows = "" if entry.row_count is None else f"{entry.row_count:,}"
    time = f"{entry.created_at.astimezone():%Y-%m-%d %H:%M:%S}"
    return tuple(map(showable, (time, who, entry.action, resource, project, rows)))


def _change(old: Any, new: Any) -> str:
    """What became of each column: `role "viewer" -> "admin"`."""
    if not isinstance(old or {}, dict) or not isinstance(new or {}, dict):
        return audit_log.ENCRYPTED
    old, new = old or {}, new or {}
    parts = []
    for column in [*new, *(column for column in old if column not in new)]:
        values = [json.dumps(side[column], ensure_ascii=False) for side in (old, new) if column in side]
        parts.append(f"{column} {' -> '.join(values)}")
    return ", ".join(parts)


def run_verify(settings: DatabaseSettings, against: str | None, key_file: str | None, *, as_json: bool) -> int:
    """Verify the chain; 1 where it is broken."""
    key = encryption_key(key_file)
    saved = _read_heads(Path(against)) if against else []
    request = Request("audit verify")
    with open_as_owner(settings, say, request) as connection:
        months = audit_chain.verify(connection, key, saved)
        request.status = _status(months)
    if as_json:
        print_json({"whole": request.status == EXIT_CLEAN, "months": [_month(month) for month in months]})
    else:
        _print_months(months)
    return request.status


def _status(months: Sequence[Month]) -> int:
    return EXIT_FINDINGS if any(month.problem for month in months) else EXIT_CLEAN


def _print_months(months: Sequence[Month]) -> None:
    if not months:
        say("Nothing is chained yet: `agentforge db maintain` does it.")
    for month in months:
        sys.stdout.write(f"{month.head.month:%Y-%m}  {_state(month)}\n")


def _state(month: Month) -> str:
    if month.problem:
        return month.problem.text
    if not month.head.position:  # of a saved head: nothing else has no link and no problem
        return "gone: it is past its retention."
    return f"whole, {month.head.position:,} rows, {month.head.hash}"


def _month(month: Month) -> dict[str, Any]:
    problem = dataclasses.asdict(month.problem) if month.problem else None
    return {**dataclasses.asdict(month.head), "problem": problem}


def _read_heads(file: Path) -> list[Head]:
    """The heads that an earlier `verify --format json` printed.

    Raises:
        UsageError: the file cannot be read, or is something else.
    """
    try:
        document = json.loads(file.read_text("utf-8"))
        if document["schema_version"] != SCHEMA_VERSION:
            raise ValueError
        return [
            Head(date.fromisoformat(month["month"]), int(month["position"]), month["hash"], month["key_id"])
            for month in document["months"]
        ]
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", "Name an earlier output.") from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            f"{file} does not hold heads of the audit chain.",
            "Name a file that `agentforge audit verify --format json` printed.",
        ) from None


def create_key(file: str) -> int:
    """Create a key file and say how to use it."""
    key = audit_key.create_key_file(Path(file))
    sys.stdout.write(
        f"{file} holds the key {key.id}. Keep a copy in a safe place: what is encrypted with it is lost without it.\n"
    )
    return EXIT_CLEAN


def run_rotate(settings: DatabaseSettings, new_key_file: str, key_file: str | None) -> int:
    """Verify the chain, and put everything under another key; 1 where the chain is broken, and then nothing is done."""
    old, new = encryption_key(key_file), audit_key.read_key_file(Path(new_key_file))
    request = Request("audit rotate-key")
    with open_as_owner(settings, say, request) as connection:
        months = audit_chain.verify(connection, old, next_key=new)
        request.status = _status(months)
        if request.status != EXIT_CLEAN:
            _print_months([month for month in months if month.problem])
            say("Nothing was done: the chain is broken, or made with another key than the one given.")
            return request.status
        for month in rotate(connection, old, new):
            say(f"{month:%Y-%m} is done.")
    sys.stdout.write(f"The audit trail is under the key {new.id}. From now on name {new_key_file}.\n")
    return EXIT_CLEAN
