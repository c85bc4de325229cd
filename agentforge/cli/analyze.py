"""`agentforge analyze`: the analysis into the database."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import agentforge
from agentforge.cli.database import open_database
from agentforge.cli.embed import after_analysis, without_meaning
from agentforge.cli.gate import GateOptions, exit_code, opened
from agentforge.cli.inputs import print_files, source_tree
from agentforge.cli.progress import ProgressBar
from agentforge.cli.reports import outputs, write
from agentforge.cli.settings import Given, show, walk_options, worker_processes
from agentforge.detect.select import select
from agentforge.embed.interface import load
from agentforge.errors import EXIT_CLEAN
from agentforge.pipeline.analyze import Request
from agentforge.pipeline.events import Notice
from agentforge.pipeline.fresh_vectors import FULL
from agentforge.pipeline.judge_stored import judged
from agentforge.store import requests
from agentforge.store.connection import DatabaseSettings


def run(
    paths: Sequence[str],
    given: Given,
    database: DatabaseSettings,
    gate: GateOptions,
    branch: str | None,
    *,
    show_files: bool,
    show_settings: bool,
    quiet: bool,
) -> int:
    """Analyse, store, print, and give the exit code: 1 where the gate failed, or, without one, for any violation."""
    gate.refuse_urls(paths)
    with source_tree(paths, branch) as tree:
        settings = given.settings(tree.root)
        options, selection = walk_options(settings), select(settings)
        if show_settings:
            show(settings, analyze=True)
            return EXIT_CLEAN
        if show_files:
            print_files(tree, options)
            return EXIT_CLEAN
        wanted = outputs(settings.format, settings.output_files)
        jobs = worker_processes(settings.jobs)
        command = requests.Request("analyze")
        embedder = load(settings.model)
        with (
            ProgressBar(quiet=quiet) as progress,
            opened(gate, settings, tree, jobs, progress) as gate_run,
            open_database(database, lambda text: progress(Notice(text)), command) as connection,
        ):
            request = Request(
                tree,
                options,
                embedder,
                jobs,
                agentforge.__version__,
                selection,
                settings.embed,
                with_rows=wanted.need_rows,
                with_violations=gate_run is not None,
            )
            report = judged(connection, request, progress, gate_run)
            command.status = exit_code(report)
            lacking = without_meaning(connection, report, embedder)
        write(report, wanted)
        if lacking and settings.embed == FULL:
            sys.stdout.flush()
            after_analysis(database, report, embedder, lacking, jobs, quiet=quiet)
    return command.status
