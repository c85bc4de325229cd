"""What a run is compared with: nothing, a git ref, what is staged, or a report of before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from agentforge.errors import UsageError
from agentforge.model import SkippedFile, SourceFile
from agentforge.pipeline.before import analyse_before, staged_sources
from agentforge.pipeline.events import Observer
from agentforge.pipeline.new_code import Before
from agentforge.pipeline.worker import WorkerConfig
from agentforge.walk import SourceTree, WalkOptions, escape, walk
from agentforge.walk.git_diff import ChangedFile, changed_since, merge_base, staged

_SHOWN_ID = 10


class Comparison(Protocol):
    """Tells what is new. `folder` is an empty one, which lives as long as the run.

    Attributes:
        basis: completes "new is what was not there ..."; empty where everything counts.
        narrow: whether looking at the changed files alone is enough to find what is new.
        index_only: whether it is the index that is looked at, not the working tree.
    """

    @property
    def basis(self) -> str: ...  # noqa: D102
    @property
    def narrow(self) -> bool: ...  # noqa: D102
    @property
    def index_only(self) -> bool: ...  # noqa: D102

    def sources(self, tree: SourceTree, options: WalkOptions, folder: str) -> Iterator[SourceFile | SkippedFile]:
        """The files to look at where `narrow` holds and nothing else needs the others."""
        ...

    def before(
        self, tree: SourceTree, sources: Sequence[SourceFile], config: WorkerConfig, run: Means
    ) -> Sequence[Before]:
        """How things were; what is new is new to each of them. Empty where everything counts."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """What a comparison works with: worker processes, whom to tell, and a folder for what it takes from git."""

    jobs: int
    observer: Observer
    folder: str


@dataclass(frozen=True, slots=True)
class Everything:
    """No comparison: everything counts. `basis` is empty."""

    basis: str = ""
    narrow: bool = False
    index_only: bool = False

    def sources(self, tree: SourceTree, options: WalkOptions, folder: str) -> Iterator[SourceFile | SkippedFile]:
        """All files."""
        return walk(tree, options)

    def before(
        self, tree: SourceTree, sources: Sequence[SourceFile], config: WorkerConfig, run: Means
    ) -> Sequence[Before]:
        """Nothing."""
        return ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """A report of before, of the whole project or of a part."""

    basis: str
    recorded: Before
    partial: bool = False
    narrow: bool = False
    index_only: bool = False

    def sources(self, tree: SourceTree, options: WalkOptions, folder: str) -> Iterator[SourceFile | SkippedFile]:
        """All files."""
        return walk(tree, options)

    def before(
        self, tree: SourceTree, sources: Sequence[SourceFile], config: WorkerConfig, run: Means
    ) -> Sequence[Before]:
        """What the report says."""
        return (self.recorded,)


@dataclass(frozen=True, slots=True)
class Changed:
    """Files that git sees as changed, compared with what they were."""

    basis: str
    files: tuple[ChangedFile, ...]
    index_only: bool = False
    narrow: bool = field(default=True)

    def sources(self, tree: SourceTree, options: WalkOptions, folder: str) -> Iterator[SourceFile | SkippedFile]:
        """The changed files: those of the index where it is that, else those of the working tree."""
        if not self.index_only:
            return walk(tree, options, [file.path for file in self.files])
        place = f"{folder}/staged"
        Path(place).mkdir()
        return staged_sources(tree, options, self.files, place)

    def before(
        self, tree: SourceTree, sources: Sequence[SourceFile], config: WorkerConfig, run: Means
    ) -> Sequence[Before]:
        """The changed files as they were, analysed."""
        place = f"{run.folder}/before"
        Path(place).mkdir()
        return analyse_before(tree.root, self.files, sources, config, run.jobs, run.observer, place)


def since(tree: SourceTree, ref: str) -> Changed:
    """Compare with the commit where HEAD and a ref parted.

    Raises:
        UsageError: the tree is no checkout, or there is no such commit.
    """
    _need_git(tree, "--since")
    commit = merge_base(tree.root, ref)
    files = changed_since(tree.root, commit)
    basis = f"at the merge base with {escape(ref)}, {commit[:_SHOWN_ID]}; {_changed(len(files))} since"
    return Changed(basis, files)


def what_is_staged(tree: SourceTree, index_file: str | None) -> Changed:
    """Compare what is staged with HEAD.

    Raises:
        UsageError: the tree is no checkout.
    """
    _need_git(tree, "--staged")
    files = staged(tree.root, index_file)
    count = "1 file is" if len(files) == 1 else f"{len(files):,} files are"
    return Changed(f"in the last commit; {count} staged", files, index_only=True)


def _changed(number: int) -> str:
    return "1 file changed" if number == 1 else f"{number:,} files changed"


def _need_git(tree: SourceTree, option: str) -> None:
    if not tree.is_git:
        raise UsageError(
            f"{option}: {tree.root} is not in a git repository.",
            "Run it in a checkout, or compare with --baseline FILE.",
        )
