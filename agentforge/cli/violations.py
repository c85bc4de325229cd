"""`agentforge violations list|show|waive|unwaive|history`."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from rich.console import Console

from agentforge.cli import violation_page as page
from agentforge.cli.current_tree import current_tree
from agentforge.cli.database import open_database
from agentforge.cli.output import print_json, say
from agentforge.errors import EXIT_CLEAN, UsageError
from agentforge.model import Category, Severity, Status
from agentforge.pipeline import violations as pipeline
from agentforge.pipeline.waivers import rescore
from agentforge.report.spreadsheet import cell
from agentforge.report.text import showable
from agentforge.store import violations as store
from agentforge.store import waivers
from agentforge.store.connection import DatabaseSettings
from agentforge.store.requests import Request
from agentforge.store.retry import retrying
from agentforge.store.violations import Branch, Found
from agentforge.store.waivers import Touched

if TYPE_CHECKING:
    from agentforge.store.connection import Connection
    from agentforge.walk import SourceTree

_DAYS = {"d": 1, "w": 7}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `list` was asked for, as it was said."""

    project: str | None
    branch: str | None
    statuses: tuple[str, ...]
    severity: Severity | None
    rules: tuple[str, ...]
    categories: tuple[Category, ...]
    paths: tuple[str, ...]
    since: datetime | None
    limit: int | None


def run_list(settings: DatabaseSettings, wanted: Wanted, output_format: str) -> int:
    """Print the violations that are wanted."""
    with open_database(settings, say, Request("violations list"), needs_session=False) as connection:
        here = current_tree()
        scope = pipeline.scope(store.branches(connection), wanted.project, wanted.branch, here)
        if wanted.branch is None:
            _tell_of_another_branch(scope, here)
        paths, rules = store.names(connection, scope) if wanted.paths or wanted.rules else ((), ())
        found, total = store.find(
            connection,
            scope,
            store.Filter(
                statuses=_statuses(wanted.statuses),
                severities=_or_worse(wanted.severity) if wanted.severity else None,
                categories=wanted.categories or None,
                paths=pipeline.matching_paths(wanted.paths, paths) if wanted.paths else None,
                rules=pipeline.matching(wanted.rules, rules) if wanted.rules else None,
                since=wanted.since,
                limit=wanted.limit,
            ),
        )
    if output_format == "json":
        print_json({"total": total, "violations": [page.violation_object(item) for item in found]})
    elif output_format == "csv":
        _print_csv(found)
    else:
        console = Console(highlight=False, soft_wrap=True)
        for line in page.listing(found):
            console.print(line)
        if not found:
            say("No violations.")
    if total > len(found):
        say(f"{len(found):,} of {total:,} are shown; --limit 0 shows all.")
    return EXIT_CLEAN


def _tell_of_another_branch(scope: Sequence[Branch], here: SourceTree | None) -> None:
    """Say so where the branch that is checked out was not analysed, and another one is shown."""
    for item in scope:
        if here is not None and item.key == here.key and item.name != here.branch:
            missing = f"Branch {here.branch}" if here.branch else "What is checked out"
            say(showable(f"{missing} was not analysed yet: this is {item.name or 'the last analysis'}."))


def _statuses(values: Sequence[str]) -> tuple[Status, ...]:
    if "all" in values:
        return tuple(Status)
    return tuple(Status(value) for value in values) or store.OPEN


def _or_worse(severity: Severity) -> tuple[Severity, ...]:
    every = tuple(Severity)
    return every[: every.index(severity) + 1]


def _print_csv(found: Sequence[Found]) -> None:
    columns = list(page.COLUMNS)
    writer = csv.writer(sys.stdout, lineterminator="\r\n")
    writer.writerow(columns)
    for item in found:
        row = page.violation_object(item)
        writer.writerow([cell(row[column]) for column in columns])


def run_show(settings: DatabaseSettings, text: str, project: str | None, branch: str | None, *, as_json: bool) -> int:
    """Print all that is known of a violation."""
    here = current_tree()
    with open_database(settings, say, Request("violations show"), needs_session=False) as connection:
        shown, *others = _identify(connection, text, project, branch, here)
        file = store.file_of(connection, shown.id)
        events = store.history(connection, shown)
        places = [item.local_path for item in store.branches(connection) if item.project_id == shown.project_id]
    roots = [here.root] if here is not None and here.key == shown.project_key else []
    roots += [place for place in dict.fromkeys(places) if place]
    code = pipeline.excerpt(shown, file, roots)
    language = file.language if file else None
    elsewhere = [item.branch for item in others if item.fixed is None]
    if as_json:
        print_json(page.document(shown, code, events))
    else:
        Console(highlight=False, soft_wrap=True).print(page.page(shown, code, language, events, elsewhere))
    return EXIT_CLEAN


def run_waive(
    settings: DatabaseSettings, texts: Sequence[str], reason: str, until: str | None, project: str | None
) -> int:
    """Waive violations, all of them or none."""
    reason = " ".join(reason.split())
    if not reason:
        raise UsageError("A waiver needs a reason.", 'Say why: --reason "the path comes from our own configuration".')
    day = parse_day(until)

    def work(connection: Connection, item: Found) -> Touched:
        touched = waivers.waive(
            connection,
            item.project_id,
            item.project,
            rule_id=item.rule_id,
            path=item.path,
            fingerprint=item.fingerprint,
            reason=reason,
            until=day,
        )
        if not touched.branches:
            raise UsageError(f"{item.fingerprint[: pipeline.SHORT_ID]} is fixed: there is nothing to waive.")
        return touched

    return _change(settings, "waive", texts, project, work, "Waived")


def run_unwaive(settings: DatabaseSettings, texts: Sequence[str], project: str | None) -> int:
    """End waivers, all of them or none."""

    def work(connection: Connection, item: Found) -> Touched:
        writable = store.may_write(connection, item.project_id)
        touched = waivers.unwaive(connection, item.project_id, item.project, item.fingerprint, writable=writable)
        if touched is None:
            short = item.fingerprint[: pipeline.SHORT_ID]
            if item.waiver_kind == "inline":
                raise UsageError(f"{short} is waived by a comment at {item.path}:{item.line}.", "Remove the comment.")
            raise UsageError(
                f"Nobody has waived {short}.", "`agentforge violations list --status waived` shows who has."
            )
        return touched

    return _change(settings, "unwaive", texts, project, work, "Counts again:")


def _change(
    settings: DatabaseSettings,
    command: str,
    texts: Sequence[str],
    project: str | None,
    work: Callable[[Connection, Found], Touched],
    done: str,
) -> int:
    here = current_tree()
    with open_database(settings, say, Request(f"violations {command}"), needs_session=False) as connection:
        chosen = {}
        for text in texts:
            item = _identify(connection, text, project, None, here)[0]
            chosen[item.project_id, item.fingerprint] = item

        def change() -> list[Touched]:
            touched = [work(connection, item) for item in chosen.values()]
            rescore(connection, {file for each in touched for file in each.files})
            return touched

        changed = retrying(connection, change)
    for item, touched in zip(chosen.values(), changed, strict=True):
        Console(highlight=False, markup=False, soft_wrap=True).print(page.changed(done, item, touched.branches))
    return EXIT_CLEAN


def run_history(settings: DatabaseSettings, text: str, project: str | None, *, as_json: bool) -> int:
    """Print what became of a violation, on each branch."""
    with open_database(settings, say, Request("violations history"), needs_session=False) as connection:
        found = _identify(connection, text, project, None, current_tree())
        lives = [(item, store.history(connection, item)) for item in found]
    if as_json:
        print_json({"branches": [page.life_object(item, events) for item, events in lives]})
    else:
        Console(highlight=False).print(page.lives(lives))
    return EXIT_CLEAN


def parse_day(text: str | None) -> date | None:
    """The last day of a waiver: a date, or so many days or weeks from today.

    Raises:
        UsageError: it is none of these, or in the past.
    """
    if text is None:
        return None
    today = datetime.now(UTC).date()
    ahead = re.fullmatch(r"([0-9]{1,4})([dw])", text)
    try:
        day = today + timedelta(days=int(ahead[1]) * _DAYS[ahead[2]]) if ahead else date.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(f"{text} is not a day.", "Say a date (2027-01-31), or how far ahead: 30d, 12w.") from None
    if day < today:
        raise UsageError(f"{text} is over.", f"Say today ({today}) or a later day.")
    return day


def _identify(
    connection: Connection, text: str, project: str | None, branch: str | None, here: SourceTree | None
) -> list[Found]:
    prefix = pipeline.prefix_of(text)
    everywhere = store.branches(connection)
    scope = pipeline.scope(everywhere, project, branch, here)
    ids = {item.project_id for item in scope} if project is not None else None
    found = store.beginning_with(connection, prefix, ids)
    if branch is not None:
        found = [item for item in found if item.branch == branch] or found
    meant = pipeline.scope(everywhere, None, branch, here) if project is None else scope
    return pipeline.identify(found, prefix, meant, here)
