"""Which functions of a checkout were added or changed since it parted from a git ref."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agentforge import parse
from agentforge.measure import measure
from agentforge.model import SourceFile
from agentforge.walk import MAX_FILE_SIZE, SourceTree, WalkOptions, escape, walk
from agentforge.walk.git_contents import read_blobs


@dataclass(frozen=True, slots=True)
class ChangedFunctions:
    """What was changed.

    Attributes:
        paths: of the files that changed.
        before: how often each code stood in them at the merge base, by its hash.
        stale: those of the files whose content is not the stored one, in the order of paths.
    """

    paths: frozenset[str]
    before: Counter[str]
    stale: tuple[str, ...]

    def new(self, functions: Sequence[tuple[str, str]]) -> list[int]:
        """Indexes of those of some functions that are new: more of their code is there now than was before.

        Args:
            functions: (path, hash of the code) of all that the project has now. What only moved from one changed file
                to another is not new; of several copies the last ones are.
        """
        left = self.before.copy()
        found = []
        for index, (path, code_hash) in enumerate(functions):
            if path in self.paths:
                left[code_hash] -= 1
                if left[code_hash] < 0:
                    found.append(index)
        return found


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
    olds = [(source.language, file.old_blobs[0]) for source, file in rows if file.old_blobs and source.language]
    before: Counter[str] = Counter()
    contents = read_blobs(tree.root, [blob for _, blob in olds], MAX_FILE_SIZE)
    for (language, _), raw in zip(olds, contents, strict=True):
        if raw is not None:
            before.update(_hashes(language, raw))
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
