"""`agentforge analyze`: the analysis into the database."""

from __future__ import annotations

from collections.abc import Sequence

import agentforge
from agentforge.cli.database import open_database
from agentforge.cli.inputs import exit_code, print_files, source_tree
from agentforge.cli.progress import ProgressBar
from agentforge.cli.reports import outputs, write
from agentforge.cli.settings import Given, show, walk_options, worker_processes
from agentforge.detect.select import select
from agentforge.embed.interface import load
from agentforge.errors import EXIT_CLEAN
from agentforge.pipeline.analyze import Request, analyze
from agentforge.pipeline.events import Notice
from agentforge.store import requests
from agentforge.store.connection import DatabaseSettings


def run(
    paths: Sequence[str],
    given: Given,
    database: DatabaseSettings,
    *,
    show_files: bool,
    show_settings: bool,
    quiet: bool,
) -> int:
    """Analyse, store, print, and give the exit code: 1 where the project has violations."""
    with source_tree(paths) as tree:
        settings = given.settings(tree.root)
        options, selection = walk_options(settings), select(settings)
        if show_settings:
            show(settings, analyze=True)
            return EXIT_CLEAN
        if show_files:
            print_files(tree, options)
            return EXIT_CLEAN
        wanted = outputs(settings.format, settings.output_files)
        request = Request(
            tree,
            options,
            load(settings.model),
            worker_processes(settings),
            agentforge.__version__,
            selection,
            with_rows=wanted.need_rows,
        )
        command = requests.Request("analyze")
        with (
            ProgressBar(quiet=quiet) as progress,
            open_database(database, lambda text: progress(Notice(text)), command) as connection,
        ):
            report = analyze(connection, request, progress)
            command.status = exit_code(report)
        write(report, wanted)
    return command.status
