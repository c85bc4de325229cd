"""`agentforge db doctor`: how well a database is, worst first, each finding with its remedy."""

from __future__ import annotations

import dataclasses
from collections import Counter

from rich.console import Console
from rich.text import Text

from agentforge.cli.database import open_as_it_is
from agentforge.cli.output import ignore, print_json, say
from agentforge.errors import EXIT_CLEAN, EXIT_FINDINGS
from agentforge.report.text import showable
from agentforge.store.connection import DatabaseSettings
from agentforge.store.health import SEVERITIES, DatabaseStatus, Finding, database_status, health_checks, worst
from agentforge.store.requests import Request

_BAD = ("critical", "warning")
_STYLES = {"critical": "bold red", "warning": "yellow", "info": "cyan", "ok": "green"}
_WORDS = {"critical": "critical", "warning": "warnings", "info": "notes", "ok": "well"}


def run(settings: DatabaseSettings, *, as_json: bool, quiet: bool) -> int:
    """Look at a database, migrate nothing, and show what was found.

    Args:
        settings: which database; the embedded server is started where it does not run.
        as_json: print one JSON document instead of lines.
        quiet: leave out what is well or worth no more than a note.

    Returns:
        0 where nothing is worse than a note, 1 otherwise.
    """
    request = Request("db doctor")
    with open_as_it_is(settings, ignore if quiet else say, request) as connection:
        status, findings = database_status(connection), health_checks(connection)
        request.status = EXIT_FINDINGS if worst(findings) in _BAD else EXIT_CLEAN
    shown = [finding for finding in findings if not quiet or finding.severity in _BAD]
    if as_json:
        _print_json(status, shown, worst(findings))
    else:
        _print_lines(shown, findings, quiet=quiet)
    return request.status


def _print_json(status: DatabaseStatus, findings: list[Finding], severity: str) -> None:
    shown = [dataclasses.asdict(finding) for finding in findings]
    print_json({"worst": severity, "database": dataclasses.asdict(status), "findings": shown})


def _print_lines(shown: list[Finding], findings: tuple[Finding, ...], *, quiet: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for finding in sorted(shown, key=lambda finding: -SEVERITIES.index(finding.severity)):
        severity = Text(f"{finding.severity:<9}", style=_STYLES[finding.severity])
        console.print(Text.assemble(severity, f"{finding.id:<16} ", showable(finding.what)))
        if finding.remedy:
            console.print(Text(f"{'':<26} {showable(finding.remedy)}", style="dim"))
    if not quiet:
        counts = Counter(finding.severity for finding in findings)
        total = ", ".join(f"{_WORDS[name]} {counts[name]}" for name in reversed(SEVERITIES))
        console.print(Text(f"\n{total}", style="bold"))
