"""Which functions of a checkout were added or changed since it parted from a git ref."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from agentforge import parse
from agentforge.measure import measure
from agentforge.model import SourceFile
from agentforge.walk import MAX_FILE_SIZE, SourceTree, WalkOptions, escape, walk
from agentforge.walk.git_contents import read_blobs

_Key = TypeVar("_Key", str, tuple[str, str])


@dataclass(frozen=True, slots=True)
class ChangedFunctions:
    """What was changed.

    Attributes:
        paths: of the files that changed.
        before: how often each code stood in each of them at the merge base, by the path that it has now and the hash.
        stale: those of the files whose content is not the stored one, in the order of paths.
    """

    paths: frozenset[str]
    before: Counter[tuple[str, str]]
    stale: tuple[str, ...]

    def new(self, functions: Sequence[tuple[str, str]]) -> list[int]:
        """Indexes of those of some functions that are new: more of their code is there now than was before.

        Args:
            functions: (path, hash of the code) of all that the project has now. What stayed in its file is not new, nor
                is what only moved from one changed file to another.
        """
        left = self.before.copy()
        arrived = [index for index, key in enumerate(functions) if key[0] in self.paths and not _take(left, key)]
        elsewhere: Counter[str] = Counter()
        for (_, code_hash), count in left.items():
            elsewhere[code_hash] += count
        return [index for index in arrived if not _take(elsewhere, functions[index][1])]


def _take(left: Counter[_Key], key: _Key) -> bool:
    """Take one away, if there is one."""
    if left[key] <= 0:
        return False
    left[key] -= 1
    return True


def changed_since(tree: SourceTree, ref: str, stored: Mapping[str, str]) -> ChangedFunctions:
    """Compare the changed files of a checkout with what they were where HEAD and a ref parted.

    Args:
        tree: the checkout.
        ref: a branch, a tag or a commit.
        stored: SHA-256 of each file as it was analysed last.

    Raises:
        UsageError: the tree is no checkout, or there is no such commit.
    """
    from agentforge.pipeline.comparison import since

    changed = since(tree, ref).files
    found = {
        item.path: item
        for item in walk(tree, WalkOptions(), [file.path for file in changed])
        if isinstance(item, SourceFile)
    }
    rows = [(found[escape(file.path)], file) for file in changed if escape(file.path) in found]
    olds = [(source, file.old_blobs[0]) for source, file in rows if file.old_blobs]
    before: Counter[tuple[str, str]] = Counter()
    contents = read_blobs(tree.root, [blob for _, blob in olds], MAX_FILE_SIZE)
    for (source, _), raw in zip(olds, contents, strict=True):
        if raw is not None and source.language:
            before.update((source.path, code_hash) for code_hash in _hashes(source.language, raw))
    stale = tuple(path for path, source in sorted(found.items()) if stored.get(path) != source.content_hash)
    return ChangedFunctions(frozenset(found), before, stale)


def _hashes(language: str, raw: bytes) -> list[str]:
    """The hash of the code of each function of a file; none where it takes the parser too long."""
    decoded = parse.decode(raw)
    try:
        parsed = parse.parse(language, decoded)
    except parse.ParseTimeoutError:
        return []
    return [item.code_hash for item in measure(parsed, decoded, text=False).functions]
