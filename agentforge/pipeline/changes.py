"""What of a tree must be analysed: what is new, changed, gone or moved since it was last stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agentforge.model import SkippedFile, SourceFile
from agentforge.store.lifecycle import Version

# A file that could not be looked at is not gone.
_NOT_LOOKED_AT = ("no permission", "cannot be read", "excluded")


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run has to do.

    Attributes:
        changed: files to be analysed.
        unchanged: how many are up to date.
        gone: stored paths that are no longer in the tree.
        renames: old path, among the gone, to new path, among the changed.
    """

    changed: list[SourceFile]
    unchanged: int
    gone: list[str]
    renames: dict[str, str]


def find_changes(
    found: Sequence[SourceFile | SkippedFile],
    stored: Mapping[str, Version],
    wanted: Callable[[SourceFile], Version],
    looked_at: Callable[[str], bool],
    git_renames: Mapping[str, str],
) -> Changes:
    """Compare a tree with what is stored of it.

    Args:
        found: by the walk.
        stored: versions by path.
        wanted: the version that a file has when it is up to date.
        looked_at: whether the walk looked at a path; what it did not look at is not gone.
        git_renames: old to new path of files that git sees as renamed.
    """
    sources = {item.path: item for item in found if isinstance(item, SourceFile)}
    changed = [file for path, file in sources.items() if stored.get(path) != wanted(file)]
    unread = {item.path for item in found if isinstance(item, SkippedFile) and item.reason.startswith(_NOT_LOOKED_AT)}
    gone = [
        path
        for path in stored
        if path not in sources and looked_at(path) and not any(parent in unread for parent in _with_parents(path))
    ]
    arrived = [file for file in changed if file.path not in stored]
    return Changes(changed, len(sources) - len(changed), gone, _renames(gone, arrived, stored, git_renames))


def _with_parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[: end + 1]) for end in range(len(parts))]


def _renames(
    gone: Sequence[str], arrived: Sequence[SourceFile], stored: Mapping[str, Version], git_renames: Mapping[str, str]
) -> dict[str, str]:
    """What git says, and files of which the one copy went and one of the same content came."""
    new_paths = {file.path for file in arrived}
    left = set(gone)
    renames = {old: new for old, new in git_renames.items() if old in left and new in new_paths}
    taken = set(renames.values())
    origins: dict[str, list[str]] = defaultdict(list)
    targets: dict[str, list[str]] = defaultdict(list)
    for old in gone:
        if old not in renames:
            origins[stored[old].content_hash].append(old)
    for file in arrived:
        if file.path not in taken and file.size:
            targets[file.content_hash].append(file.path)
    for content_hash, old_paths in origins.items():
        if len(old_paths) == len(targets[content_hash]) == 1:
            renames[old_paths[0]] = targets[content_hash][0]
    return renames
