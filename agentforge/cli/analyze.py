"""`agentforge analyze`: the analysis into the database."""

from __future__ import annotations

import sys

from rich.console import Console

import agentforge
from agentforge.cli.database import open_database
from agentforge.cli.inputs import Options, exit_code, print_files, source_tree
from agentforge.cli.progress import ProgressBar
from agentforge.embed.interface import load
from agentforge.errors import EXIT_CLEAN
from agentforge.pipeline.analyze import Request, analyze
from agentforge.pipeline.events import Notice
from agentforge.report import document, table
from agentforge.store import requests
from agentforge.store.connection import DatabaseSettings


def run(
    options: Options, settings: DatabaseSettings, model: str, *, show_files: bool, as_json: bool, quiet: bool
) -> int:
    """Analyse, store, print, and give the exit code: 1 where the project has violations."""
    with source_tree(options.paths) as tree:
        if show_files:
            print_files(tree, options)
            return EXIT_CLEAN
        request = Request(
            tree, options.walk, load(model), options.worker_processes, agentforge.__version__, with_rows=as_json
        )
        command = requests.Request("analyze")
        with (
            ProgressBar(quiet=quiet) as progress,
            open_database(settings, lambda text: progress(Notice(text)), command) as connection,
        ):
            report = analyze(connection, request, progress)
            command.status = exit_code(report)
    if as_json:
        sys.stdout.writelines(document.render(report, agentforge.__version__))
    else:
        Console(highlight=False).print(table.summary(report))
    return command.status
