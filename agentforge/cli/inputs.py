"""What the commands that read a tree have in common."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from agentforge import walk
from agentforge.errors import EXIT_CLEAN, EXIT_FINDINGS, UsageError
from agentforge.model import Report, SkippedFile


@contextmanager
def source_tree(paths: Sequence[str]) -> Iterator[walk.SourceTree]:
    """The tree of the paths on the command line; a git URL is cloned to a folder that is removed afterwards."""
    gc.enable()
    urls = [path for path in paths if walk.is_git_url(path)]
    if not urls:
        yield walk.discover(paths)
        return
    if len(paths) > 1:
        raise UsageError("A git URL is analysed alone.", "Give one URL, or paths.")
    with tempfile.TemporaryDirectory(prefix="agentforge-") as folder:
        walk.clone(urls[0], f"{folder}/clone")
        yield walk.discover([f"{folder}/clone"])


def print_files(tree: walk.SourceTree, options: walk.WalkOptions) -> None:
    """Each file with its language, or the reason why it is skipped."""
    rows = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for item in walk.walk(tree, options):
        if isinstance(item, SkippedFile):
            rows.add_row(item.path, f"skipped: {item.reason}", style="dim")
        else:
            rows.add_row(item.path, item.language or "text")
    Console(highlight=False, markup=False).print(rows)


def exit_code(report: Report) -> int:
    """1 where the project has violations, 0 where it has none."""
    return EXIT_FINDINGS if any(row.new or row.remaining for row in report.summary.severities) else EXIT_CLEAN
