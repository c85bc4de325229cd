"""`agentforge check`: the linter."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

import agentforge
from agentforge import walk
from agentforge.cli.progress import ProgressBar
from agentforge.errors import EXIT_CLEAN, EXIT_FINDINGS, UsageError
from agentforge.model import SkippedFile
from agentforge.pipeline.check import check
from agentforge.report import document, table


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says of where to look and how."""

    paths: tuple[str, ...]
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    jobs: int
    max_file_size: int

    @property
    def walk(self) -> walk.WalkOptions:
        """The part of it that `walk` needs."""
        return walk.WalkOptions(self.include, self.exclude, self.max_file_size)


def run(options: Options, *, show_files: bool, as_json: bool, quiet: bool) -> int:
    """Analyse, print, and give the exit code: 1 where there are violations."""
    with source_tree(options.paths) as tree:
        if show_files:
            print_files(tree, options)
            return EXIT_CLEAN
        with ProgressBar(quiet=quiet) as progress:
            jobs = options.jobs or len(os.sched_getaffinity(0))
            report = check(tree, options.walk, jobs, agentforge.__version__, progress)
    if as_json:
        sys.stdout.writelines(document.render(report, agentforge.__version__))
    else:
        Console(highlight=False).print(table.summary(report))
    return EXIT_FINDINGS if report.violations else EXIT_CLEAN


@contextmanager
def source_tree(paths: tuple[str, ...]) -> Iterator[walk.SourceTree]:
    """The tree of the paths on the command line; a git URL is cloned to a folder that is removed afterwards."""
    urls = [path for path in paths if walk.is_git_url(path)]
    if not urls:
        yield walk.discover(paths)
        return
    if len(paths) > 1:
        raise UsageError("A git URL is analysed alone.", "Give one URL, or paths.")
    with tempfile.TemporaryDirectory(prefix="agentforge-") as folder:
        walk.clone(urls[0], f"{folder}/clone")
        yield walk.discover([f"{folder}/clone"])


def print_files(tree: walk.SourceTree, options: Options) -> None:
    """Each file with its language, or the reason why it is skipped."""
    rows = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for item in walk.walk(tree, options.walk):
        if isinstance(item, SkippedFile):
            rows.add_row(item.path, f"skipped: {item.reason}", style="dim")
        else:
            rows.add_row(item.path, item.language or "text")
    Console(highlight=False, markup=False).print(rows)
