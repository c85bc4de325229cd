"""Which branches and which violation a person means, and the code that a violation is in."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pathspec import GitIgnoreSpec

from agentforge.errors import UsageError
from agentforge.parse import decode
from agentforge.store.violations import Branch, File, Found
from agentforge.walk import MAX_FILE_SIZE, SourceTree, UnreadableSourceError, read_source

SHORT_ID = 10
MIN_ID = 4
_CONTEXT_LINES = 3
_LONGEST_EXCERPT = 30


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of the code around a violation; `first` is the number of the first of them."""

    first: int
    lines: tuple[str, ...]


def scope(branches: Sequence[Branch], project: str | None, branch: str | None, here: SourceTree | None) -> list[Branch]:
    """The branches that a person means: one of each project.

    Args:
        branches: all that there are.
        project: name or key of a project; None for the one that the person is in, else all.
        branch: its name; None for the one that is checked out, else the default branch, else the last analysed.
        here: the tree that the person is in.

    Raises:
        UsageError: there is no such project or branch.
    """
    if not branches:
        raise UsageError("No project has been analysed yet, or you may read none.", "Run `agentforge analyze PATH`.")
    found = _of_project(branches, project, here)
    if branch is not None:
        known = ", ".join(dict.fromkeys(item.name or "(none)" for item in found))
        found = [item for item in found if item.name == branch]
        if not found:
            raise UsageError(f"No analysis of a branch {branch} is stored.", f"There are: {known}.")
    # The last analysed one of a project comes last, and is the one that stays among equals.
    ranked = sorted(found, key=lambda item: _rank(item, here))
    return sorted({item.project_id: item for item in ranked}.values(), key=lambda item: (item.project, item.project_id))


def _of_project(branches: Sequence[Branch], project: str | None, here: SourceTree | None) -> list[Branch]:
    if project is not None:
        found = [item for item in branches if project in (item.project, item.key)]
        if not found:
            raise UsageError(f"There is no analysed project {project} that you may read.", "Say its name or key.")
        return found
    return [item for item in branches if here is not None and item.key == here.key] or list(branches)


def _rank(item: Branch, here: SourceTree | None) -> int:
    """How much a branch is the one that is meant where none was named."""
    if here is not None and item.key == here.key and item.name == here.branch:
        return 2
    return 1 if item.name == item.default_branch else 0


def identify(found: Sequence[Found], prefix: str, branches: Sequence[Branch], here: SourceTree | None) -> list[Found]:
    """The one violation whose fingerprint begins so, on each branch where it is or was; the branch that is meant first.

    Args:
        found: all whose fingerprints begin so.
        prefix: as the person said it.
        branches: those that are meant, one a project.
        here: the tree that the person is in; its project is meant where several have the violation.

    Raises:
        UsageError: there is none, or there are several.
    """
    if not found:
        raise UsageError(f"There is no violation {prefix}.", "`agentforge violations list` shows them.")
    mine = [item for item in found if here is not None and item.project_key == here.key]
    found = mine or found
    fingerprints = sorted({item.fingerprint for item in found})
    if len(fingerprints) > 1:
        raise UsageError(f"{prefix} is ambiguous.", "It may be:\n" + "\n".join(_candidates(found, fingerprints)))
    projects = sorted({item.project_key for item in found})
    if len(projects) > 1:
        raise UsageError(f"{prefix} is in several projects.", f"Say --project: {', '.join(projects)}.")
    meant = {(branch.project_id, branch.name) for branch in branches}
    return sorted(
        found, key=lambda item: ((item.project_id, item.branch) not in meant, item.fixed is not None, -item.id)
    )


def _candidates(found: Sequence[Found], fingerprints: Sequence[str]) -> Iterable[str]:
    length = SHORT_ID
    while len({fingerprint[:length] for fingerprint in fingerprints}) < len(fingerprints):
        length += 1
    for fingerprint in fingerprints[:10]:
        item = next(item for item in found if item.fingerprint == fingerprint)
        yield f"  {fingerprint[:length]}  {item.rule_id}  {item.path}:{item.line}"
    if len(fingerprints) > 10:
        yield "  ..."


def prefix_of(text: str) -> str:
    """The digits of a violation's id.

    Raises:
        UsageError: it is none.
    """
    if not re.fullmatch(rf"[0-9a-fA-F]{{{MIN_ID},64}}", text):
        raise UsageError(
            f"{text} is not the id of a violation.",
            f"Say {MIN_ID} or more of its hexadecimal digits, as `agentforge violations list` shows them.",
        )
    return text.lower()


def matching(globs: Sequence[str], names: Iterable[str]) -> list[str]:
    """The rules that a pattern (`python-*`) matches."""
    return [name for name in names if any(fnmatchcase(name, glob) for glob in globs)]


def matching_paths(globs: Sequence[str], paths: Iterable[str]) -> list[str]:
    """The paths that a pattern matches, written as in .gitignore.

    Raises:
        UsageError: a pattern is none.
    """
    try:
        spec = GitIgnoreSpec.from_lines(globs)
    except ValueError as error:
        raise UsageError(f"--path: {error}", "Patterns are written as in .gitignore.") from None
    return list(spec.match_files(paths))


def excerpt(violation: Found, file: File | None, roots: Iterable[str]) -> Excerpt | None:
    """The code around a violation as it was analysed; None where it is not at hand.

    Args:
        violation: to be shown.
        file: the version of its file that was analysed.
        roots: folders where the project may lie; a file of other bytes there is not the one.
    """
    if file is None:
        return None
    inside = not Path(violation.path).is_absolute() and ".." not in Path(violation.path).parts
    for root in roots if inside else ():
        try:
            raw = read_source(str(Path(root) / violation.path), MAX_FILE_SIZE * 8)
        except (UnreadableSourceError, ValueError):
            continue
        if hashlib.sha256(raw).hexdigest() == file.content_hash:
            return _around(decode(raw).text.split("\n"), 1, violation)
    if file.code is not None and file.start_line is not None:
        return _around(file.code.split("\n"), file.start_line, violation)
    return None


def _around(lines: Sequence[str], first: int, violation: Found) -> Excerpt:
    start = max(first, violation.line - _CONTEXT_LINES)
    end = min(violation.end_line + _CONTEXT_LINES, start + _LONGEST_EXCERPT, first + len(lines) - 1)
    shown = list(lines[start - first : end - first + 1])
    while shown and not shown[-1].strip() and start + len(shown) - 1 > violation.line:
        shown.pop()
    return Excerpt(start, tuple(shown))
