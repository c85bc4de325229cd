"""`agentforge import sarif`."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from agentforge.cli.database import open_database
from agentforge.cli.output import ignore, print_json, print_table, say
from agentforge.errors import EXIT_CLEAN, UsageError
from agentforge.pipeline.events import Event, Notice
from agentforge.pipeline.import_sarif import Imported, Request, import_sarif, read_log
from agentforge.pipeline.sarif.log import MAX_SIZE
from agentforge.report.text import count
from agentforge.store import requests
from agentforge.store.connection import DatabaseSettings
from agentforge.walk import discover, escape

_OURS = ("agentforge", "bandit")


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    files: tuple[str, ...]
    project: str | None
    branch: str | None
    partial: bool


def run(options: Options, settings: DatabaseSettings, *, as_json: bool, quiet: bool) -> int:
    """Import, and say what became of each tool's findings."""
    notice = ignore if quiet else say
    files = [_read(file) for file in options.files]
    tree = discover(["."])
    folder = os.path.relpath(os.path.realpath("."), tree.root)
    request = Request(files, tree, "" if folder == "." else folder, options.project, options.branch, options.partial)

    def observe(event: Event) -> None:
        if isinstance(event, Notice):
            notice(event.text)

    command = requests.Request("import sarif")
    with open_database(settings, notice, command) as connection:
        done = import_sarif(connection, request, observe)
    for item in done:
        if item.tool.lower() in _OURS:
            notice(f"agentforge analyze makes the findings of {item.tool}, too: what both find is there twice.")
        for reason, number in item.left_out.items():
            notice(f"{item.tool}: {count(number, 'result')} {reason} left out.")
    if as_json:
        print_json({"imports": [dataclasses.asdict(item) for item in done]})
    else:
        _print(done)
    return EXIT_CLEAN


def _read(file: str) -> tuple[str, bytes]:
    if file != "-":
        return escape(file), read_log(file, escape(file))
    raw = sys.stdin.buffer.read(MAX_SIZE + 1)
    if len(raw) > MAX_SIZE:
        raise UsageError(f"Standard input is larger than {MAX_SIZE:,} bytes.", "Import less at a time.")
    return "standard input", raw


def _print(done: Sequence[Imported]) -> None:
    print_table(
        ("tool", "project", "branch", "new", "reopened", "known", "waived", "fixed"),
        [
            (
                f"{item.tool} {item.version}".strip(),
                item.project,
                item.branch,
                *(
                    f"{number:,}"
                    for number in (
                        item.standing.new,
                        item.standing.reopened,
                        item.standing.known,
                        item.standing.waived,
                        item.standing.fixed,
                    )
                ),
            )
            for item in done
        ],
    )
