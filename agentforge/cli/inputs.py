"""What the commands that read a tree have in common."""

from __future__ import annotations

import dataclasses
import gc
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from agentforge import walk
from agentforge.errors import UsageError
from agentforge.model import SkippedFile


@contextmanager
def source_tree(paths: Sequence[str], branch: str | None = None) -> Iterator[walk.SourceTree]:
    """The tree of the paths on the command line; a git URL is cloned to a folder that is removed afterwards.

    Args:
        paths: as they were said.
        branch: which one the tree is of; None or empty for the one that is checked out.
    """
    gc.enable()
    urls = [path for path in paths if walk.is_git_url(path)]
    if not urls:
        yield _of_branch(walk.discover(paths), branch)
        return
    if len(paths) > 1:
        raise UsageError("A git URL is analysed alone.", "Give one URL, or paths.")
    with tempfile.TemporaryDirectory(prefix="agentforge-") as folder:
        walk.clone(urls[0], f"{folder}/clone")
        yield _of_branch(walk.discover([f"{folder}/clone"]), branch)


def _of_branch(tree: walk.SourceTree, branch: str | None) -> walk.SourceTree:
    return dataclasses.replace(tree, branch=walk.escape(branch)) if branch else tree


def print_files(tree: walk.SourceTree, options: walk.WalkOptions) -> None:
    """Each file with its language, or the reason why it is skipped."""
    rows = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for item in walk.walk(tree, options):
        if isinstance(item, SkippedFile):
            rows.add_row(item.path, f"skipped: {item.reason}", style="dim")
        else:
            rows.add_row(item.path, item.language or "text")
    Console(highlight=False, markup=False).print(rows)
