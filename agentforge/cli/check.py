"""`agentforge check`: the linter."""

from __future__ import annotations

import sys

from rich.console import Console

import agentforge
from agentforge.cli.inputs import Options, exit_code, print_files, source_tree
from agentforge.cli.progress import ProgressBar
from agentforge.errors import EXIT_CLEAN
from agentforge.pipeline.check import check
from agentforge.report import document, table


def run(options: Options, *, show_files: bool, as_json: bool, quiet: bool) -> int:
    """Analyse, print, and give the exit code: 1 where there are violations."""
    with source_tree(options.paths) as tree:
        if show_files:
            print_files(tree, options)
            return EXIT_CLEAN
        with ProgressBar(quiet=quiet) as progress:
            report = check(tree, options.walk, options.worker_processes, agentforge.__version__, progress)
    if as_json:
        sys.stdout.writelines(document.render(report, agentforge.__version__))
    else:
        Console(highlight=False).print(table.summary(report))
    return exit_code(report)
