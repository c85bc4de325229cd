"""`agentforge check`: the linter."""

from __future__ import annotations

from collections.abc import Sequence

import agentforge
from agentforge.cli.gate import GateOptions, exit_code, opened
from agentforge.cli.inputs import print_files, source_tree
from agentforge.cli.output import say
from agentforge.cli.progress import ProgressBar
from agentforge.cli.reports import outputs, write
from agentforge.cli.settings import Given, show, walk_options, worker_processes
from agentforge.detect.select import select
from agentforge.detect.selection import Selection, verdict
from agentforge.errors import EXIT_CLEAN
from agentforge.model import DUPLICATE_FUNCTION
from agentforge.pipeline.check import check


def run(
    paths: Sequence[str], given: Given, gate: GateOptions, *, show_files: bool, show_settings: bool, quiet: bool
) -> int:
    """Analyse, print, and give the exit code: 1 where the gate failed, or, without one, for any violation."""
    gate.refuse_urls(paths)
    with source_tree(paths) as tree:
        settings = given.settings(tree.root)
        options, selection = walk_options(settings), select(settings)
        if show_settings:
            show(settings, analyze=False)
            return EXIT_CLEAN
        if show_files:
            print_files(tree, options)
            return EXIT_CLEAN
        if not quiet and _wants_duplicates(selection):
            say(f"{DUPLICATE_FUNCTION} is not looked for here: `agentforge analyze` reports it.")
        wanted = outputs(settings.format, settings.output_files)
        jobs = worker_processes(settings.jobs)
        with ProgressBar(quiet=quiet) as progress, opened(gate, settings, tree, jobs, progress) as gate_run:
            report = check(
                tree, options, jobs, agentforge.__version__, progress, selection, gate_run, rows=wanted.need_rows
            )
        write(report, wanted)
    return exit_code(report)


def _wants_duplicates(selection: Selection) -> bool:
    """Whether the project switched on the one rule that compares with all of its stored functions."""
    layers = (selection.project, *(item.rules for item in selection.overrides))
    return any(verdict((layer,), DUPLICATE_FUNCTION, on=False)[0] for layer in layers)
