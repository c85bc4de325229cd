"""The files of a tree that are worth analysing, and the reason for each that is not."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from agentforge import languages
from agentforge.errors import UsageError
from agentforge.model import SkippedFile, SourceFile
from agentforge.walk import git
from agentforge.walk.classify import HEAD_BYTES, skip_by_content, skip_by_path
from agentforge.walk.discover import SourceTree
from agentforge.walk.source import UnreadableSourceError, escape, read_source

MAX_FILE_SIZE = 2 * 1024 * 1024
NOT_OF_THE_PROJECT = "left out by the project"


@dataclass(frozen=True, slots=True)
class WalkOptions:
    """What to leave out. `include` and `exclude` are gitignore-style patterns relative to the root.

    `project_include` and `project_exclude` are the part of them that the project itself says: what these leave out is
    no part of it; what the rest leaves out is only not looked at.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_file_size: int = MAX_FILE_SIZE
    project_include: tuple[str, ...] = ()
    project_exclude: tuple[str, ...] = ()

    @property
    def narrowed(self) -> bool:
        """Whether less than the whole project is looked at."""
        return (self.include, self.exclude) != (self.project_include, self.project_exclude)


def walk(
    tree: SourceTree, options: WalkOptions, names: Iterable[str] | None = None
) -> Iterator[SourceFile | SkippedFile]:
    """Every file of the tree in the order of paths: as git sees it in a checkout, by the .gitignore files elsewhere.

    Args:
        tree: where to look.
        options: what to leave out.
        names: root-relative paths (`os.fsdecode` form) to look at instead, as far as they lie in the tree's scopes.

    Raises:
        UsageError: a pattern of the options is none.
    """
    for name, reason in chosen_names(tree, options, _names(tree) if names is None else names):
        found = _look(tree.root, name, options.max_file_size) if reason is None else SkippedFile(escape(name), reason)
        if found is not None:
            yield found


def chosen_names(tree: SourceTree, options: WalkOptions, names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Those of some root-relative paths that the options and the scopes leave in, and `excluded` ones with the reason.

    Raises:
        UsageError: a pattern of the options is none.
    """
    patterns = _Wanted(options.include, options.exclude)
    project = _Wanted(options.project_include, options.project_exclude)
    for name in names:
        if tree.scopes and not any(name == scope or name.startswith(f"{scope}/") for scope in tree.scopes):
            continue
        if not patterns.includes(name):
            continue
        if patterns.excludes(name):
            yield name, "excluded" if project.holds(name) else NOT_OF_THE_PROJECT
        else:
            yield name, None


def looked_at(tree: SourceTree, options: WalkOptions) -> Callable[[str], bool]:
    """Whether a walk with these options looks at a path (as in `SourceFile.path`), be there a file or not.

    It looks at what is no part of the project, too, and finds nothing there.
    """
    wanted = _Wanted(options.include, options.exclude)
    project = _Wanted(options.project_include, options.project_exclude)
    scopes = tuple(escape(scope) for scope in tree.scopes)

    def looks(path: str) -> bool:
        if scopes and not any(path == scope or path.startswith(f"{scope}/") for scope in scopes):
            return False
        return wanted.holds(path) or not project.holds(path)

    return looks


def renames(tree: SourceTree, since_commit: str | None) -> dict[str, str]:
    """Old to new path (as in `SourceFile.path`) of files that git sees as renamed since a commit; empty without git."""
    if not tree.is_git or since_commit is None:
        return {}
    return {escape(old): escape(new) for old, new in (git.renamed(tree.root, since_commit) or {}).items()}


class _Wanted:
    """Patterns that say which paths are wanted.

    Raises:
        UsageError: a pattern is none.
    """

    def __init__(self, include: tuple[str, ...], exclude: tuple[str, ...]) -> None:
        self._include = _spec(include, "include") if include else None
        self._exclude = _spec(exclude, "exclude") if exclude else None

    def includes(self, path: str) -> bool:
        """Whether a path is among those to look at."""
        return self._include is None or self._include.match_file(path)

    def excludes(self, path: str) -> bool:
        """Whether a path is among those to leave out."""
        return self._exclude is not None and self._exclude.match_file(path)

    def holds(self, path: str) -> bool:
        """Whether a path is looked at."""
        return self.includes(path) and not self.excludes(path)


def _spec(patterns: tuple[str, ...], option: str) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise UsageError(f"{option}: {error}", "Patterns are written as in .gitignore.") from None


def _names(tree: SourceTree) -> Iterator[str]:
    listed = git.list_files(tree.root, tree.scopes) if tree.is_git else None
    if listed is not None:
        yield from listed
        return
    for scope in tree.scopes or ("",):
        if scope and not (Path(tree.root) / scope).is_dir():
            yield scope
        else:
            yield from _walk_folder(tree.root, scope, _rules_above(tree.root, scope))


Rules = tuple[tuple[str, GitIgnoreSpec], ...]


def _rules_above(root: str, scope: str) -> Rules:
    """The rules of the root and of each folder down to, but without, the scope."""
    rules: Rules = ()
    folder = ""
    for part in scope.split("/") if scope else ():
        rules += _rules(root, folder)
        folder = f"{folder}{part}/"
    return rules


def _rules(root: str, prefix: str) -> Rules:
    try:
        text = read_source(f"{root}/{prefix}.gitignore", MAX_FILE_SIZE)
    except UnreadableSourceError:
        return ()
    return ((prefix, GitIgnoreSpec.from_lines(os.fsdecode(text).splitlines())),)


def _ignored(path: str, rules: Rules) -> bool:
    """Whether the deepest .gitignore that says anything of the path says to ignore it."""
    for prefix, spec in reversed(rules):
        decided = spec.check_file(path[len(prefix) :]).include
        if decided is not None:
            return decided
    return False


def _walk_folder(root: str, folder: str, rules: Rules) -> Iterator[str]:
    prefix = f"{folder}/" if folder else ""
    rules += _rules(root, prefix)
    try:
        with os.scandir(f"{root}/{prefix}") as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        yield folder  # looked at again as a file, which gives the reason
        return
    for entry in found:
        path = prefix + entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        if (is_folder and entry.name == ".git") or _ignored(path + "/" if is_folder else path, rules):
            continue
        if is_folder:
            yield from _walk_folder(root, path, rules)
        else:
            yield path


def _look(root: str, name: str, max_size: int) -> SourceFile | SkippedFile | None:
    location = f"{root}/{name}"
    path = escape(name)
    try:
        mode = os.lstat(location).st_mode
    except OSError:
        return None  # deleted, but still in git's index, or gone a moment ago: not of this tree
    if stat.S_ISDIR(mode):
        reason = "no permission" if not os.access(location, os.R_OK | os.X_OK) else "another repository"
        return SkippedFile(path, reason)
    if stat.S_ISLNK(mode):
        return SkippedFile(path, "symbolic link")
    reason_by_path = skip_by_path(name)
    if reason_by_path is not None:
        return SkippedFile(path, reason_by_path)
    try:
        raw = read_source(location, max_size)
    except UnreadableSourceError as error:
        return SkippedFile(path, str(error))
    return classified(name, location, raw)


def classified(name: str, location: str, raw: bytes) -> SourceFile | SkippedFile:
    """What a file is by its name and by what is in it.

    Args:
        name: root-relative, in `os.fsdecode` form.
        location: where to open it.
        raw: its bytes.
    """
    path = escape(name)
    reason_by_path = skip_by_path(name)
    if reason_by_path is not None:
        return SkippedFile(path, reason_by_path)
    language = languages.detect(name, raw[:HEAD_BYTES])
    reason_by_content = skip_by_content(raw, language)
    if reason_by_content is not None:
        return SkippedFile(path, reason_by_content)
    return SourceFile(path, location, len(raw), hashlib.sha256(raw).hexdigest(), language)
