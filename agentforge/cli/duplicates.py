"""`agentforge duplicates`: functions that are there twice."""

from __future__ import annotations

import agentforge
from agentforge.cli.database import open_database
from agentforge.cli.output import functions_console, print_json, say
from agentforge.errors import EXIT_CLEAN, EXIT_FINDINGS, UsageError
from agentforge.pipeline.duplicates import Found, Request, find_duplicates
from agentforge.pipeline.events import Event, Notice
from agentforge.report import duplicates as report
from agentforge.store import requests
from agentforge.store.connection import DatabaseSettings
from agentforge.store.duplicates import Comparison


def run(request: Request, settings: DatabaseSettings, *, show_code: bool, as_json: bool) -> int:
    """Find them, print them, and give the exit code: 1 where only new ones were wanted and there are some."""
    if request.only_new and request.since is not None:
        raise UsageError("--new and --since say different things of what is new.", "Give one of them.")
    command = requests.Request("duplicates")
    with open_database(settings, say, command, needs_session=False) as connection:
        found = find_duplicates(Comparison(connection), request, _tell)
        command.status = EXIT_FINDINGS if found.rewritten else EXIT_CLEAN
    if as_json:
        print_json(_members(found, request, show_code=show_code), report.SCHEMA_VERSION)
    else:
        _print(found, request, show_code=show_code)
    return command.status


def _tell(event: Event) -> None:
    if isinstance(event, Notice):
        say(event.text)


def _print(found: Found, request: Request, *, show_code: bool) -> None:
    if request.only_fresh:
        shown = report.new_ones(found.rewritten, show_code=show_code)
    else:
        totals = report.Totals(found.functions, found.total, found.lines)
        shown = report.table(found.clusters, totals, several=len(found.projects) > 1, show_code=show_code)
    functions_console(show_code=show_code).print(shown)


def _members(found: Found, request: Request, *, show_code: bool) -> dict[str, object]:
    return {
        "tool": {"name": "agentforge", "version": agentforge.__version__},
        "model": found.model,
        "calibrated": found.calibrated,
        "projects": list(found.projects),
        "min_score": round(found.min_score, 4),
        "min_lines": request.min_lines,
        "only_new": request.only_new,
        "since": request.since,
        "functions": found.functions,
        "total": found.total,
        "lines": found.lines,
        **report.members(found.clusters, found.rewritten, show_code=show_code),
    }
