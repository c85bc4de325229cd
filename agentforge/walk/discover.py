"""Paths on the command line to the one tree that they lie in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agentforge.errors import UsageError
from agentforge.model import Project
from agentforge.walk import git
from agentforge.walk.source import escape


@dataclass(frozen=True, slots=True)
class SourceTree:
    """A project's folder.

    Attributes:
        root: absolute, symbolic links resolved, in `os.fsdecode` form.
        scopes: the root-relative paths that are looked at; empty is the whole tree.
        name: shown to people.
        key: identity of the project: `host/owner/name` of its `origin`, else the root.
        repository_url: of `origin`, without credentials.
        branch: checked out; empty without git and on a detached HEAD.
        commit: checked out.
    """

    root: str
    scopes: tuple[str, ...]
    name: str
    key: str
    repository_url: str | None
    branch: str
    commit: str | None
    is_git: bool

    @property
    def project(self) -> Project:
        """What an analysis of it belongs to, before anything is stored."""
        return Project(None, self.name, self.key, self.root, self.repository_url, self.branch, self.commit)


def discover(paths: Sequence[str]) -> SourceTree:
    """Find the project that some paths belong to.

    In a checkout that is the whole checkout, with the paths as scopes; elsewhere it is the one folder given, or the
    folder that all paths lie in.

    Raises:
        UsageError: a path does not exist, or the paths lie in different checkouts.
    """
    real = [_existing(path) for path in paths]
    folders = [path if Path(path).is_dir() else str(Path(path).parent) for path in real]
    checkouts = {git.checkout_root(folder) for folder in folders}
    if len(checkouts) > 1:
        raise UsageError("The paths lie in different repositories.", "Analyse one repository at a time.")
    checkout = checkouts.pop()
    root = checkout or os.path.commonpath(folders)
    scopes = () if root in real else tuple(sorted({os.path.relpath(path, root) for path in real}))
    url = git.line(root, "remote", "get-url", "origin") if checkout else None
    return SourceTree(
        root=root,
        scopes=scopes,
        name=escape(git.identity(url).rsplit("/", 1)[-1] if url else Path(root).name or "root"),
        key=escape(git.identity(url) if url else root),
        repository_url=escape(git.without_credentials(url)) if url else None,
        branch=escape(git.line(root, "symbolic-ref", "--quiet", "--short", "HEAD") or "") if checkout else "",
        commit=git.line(root, "rev-parse", "--verify", "--quiet", "HEAD") if checkout else None,
        is_git=checkout is not None,
    )


@dataclass(frozen=True, slots=True)
class DefaultBranch:
    """The branch that others are merged into; `certain` where git says so, not custom."""

    name: str
    certain: bool


def default_branch(tree: SourceTree) -> DefaultBranch | None:
    """The default branch of a tree's repository: `origin/HEAD`, else `main` or `master`; None without any."""
    found = git.default_branch(tree.root) if tree.is_git else None
    if found is not None:
        return DefaultBranch(escape(found[0]), found[1])
    # Before the first commit no branch is there but the one that is checked out.
    return DefaultBranch(tree.branch, certain=False) if tree.branch in ("main", "master") else None


def _existing(path: str) -> str:
    real = os.path.realpath(path)
    if not Path(real).exists():
        raise UsageError(f"{escape(path)} does not exist.", "Give a folder, a file or a git URL.")
    return real
