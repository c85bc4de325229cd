"""`agentforge similar`: which functions do the same."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import agentforge
from agentforge.cli.current_tree import current_tree
from agentforge.cli.database import open_database
from agentforge.cli.embed_notes import partly, say_left_out
from agentforge.cli.output import functions_console, say
from agentforge.errors import EXIT_CLEAN, UsageError
from agentforge.pipeline import similar as pipeline
from agentforge.report import similar as report
from agentforge.store.connection import DatabaseSettings
from agentforge.store.requests import Request
from agentforge.store.similar import Search

MAX_CODE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    function: str
    code_language: str | None
    model: str | None
    project: str | None
    other_projects: bool
    language: str | None
    limit: int
    min_score: float


def run(options: Options, settings: DatabaseSettings, *, show_code: bool, as_json: bool) -> int:
    """Look it up and print it."""
    code = standard_input() if options.function == "-" else None
    request = pipeline.Request(
        function=options.function,
        code=code,
        code_language=options.code_language,
        here=current_tree,
        file=located(options.function),
        model=options.model,
        project=options.project,
        other_projects=options.other_projects,
        language=options.language,
        limit=options.limit,
        min_score=options.min_score,
    )
    with open_database(settings, say, Request("similar"), needs_session=False) as connection:
        nearest = pipeline.nearest(Search(connection), request)
    found = pipeline.ranked(nearest, request)
    if found.lacking:
        say(partly(found.lacking.total))
    say_left_out(found.left_out)
    if as_json:
        document = report.document(
            found.function,
            found.model,
            found.matches,
            agentforge.__version__,
            calibrated=found.calibrated,
            without_meaning=found.lacking.total,
            without_vector=found.left_out.functions,
        )
        json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        functions_console(show_code=show_code).print(
            report.table(found.function, found.matches, calibrated=found.calibrated, show_code=show_code)
        )
    return EXIT_CLEAN


def standard_input() -> str:
    """The code on standard input.

    Raises:
        UsageError: it is larger than a function can be.
    """
    if sys.stdin.isatty():
        sys.stderr.write("Paste a function, then press Ctrl-D.\n")
    raw = sys.stdin.buffer.read(MAX_CODE_BYTES + 1)
    if len(raw) > MAX_CODE_BYTES:
        raise UsageError("Standard input is larger than a function can be.", "Pipe one function in.")
    return raw.decode("utf-8", "replace")


def located(function: str) -> str | None:
    """The location of `PATH:LINE`, where the file exists."""
    place = re.fullmatch(r"(.+):[0-9]+", function)
    if place is None or not Path(place[1]).is_file():
        return None
    return os.path.realpath(place[1])
