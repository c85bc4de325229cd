"""The gate of `analyze` and `check`: what the flags say of it, what a run is compared with, and the exit code."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agentforge.config.settings import GateSettings, Settings, Source
from agentforge.errors import EXIT_CLEAN, EXIT_FINDINGS, UsageError
from agentforge.model import Report, Severity
from agentforge.pipeline.comparison import Comparison, Everything, Means, Recorded, since, what_is_staged
from agentforge.pipeline.events import Notice, Observer
from agentforge.pipeline.judge import GateRun
from agentforge.pipeline.new_code import Before
from agentforge.walk import SourceTree, UnreadableSourceError, default_branch, escape, is_git_url, read_source, renames
from agentforge.walk.git_contents import read_file_at
from agentforge.walk.git_diff import changed_from, is_in_git_folder


@dataclass(frozen=True, slots=True)
class GateOptions:
    """What the command line says of the gate."""

    since: str | None = None
    baseline: str | None = None
    staged: bool = False

    def __post_init__(self) -> None:
        """Refuse flags that contradict each other."""
        flags = {"--since": self.since is not None, "--baseline": self.baseline is not None, "--staged": self.staged}
        given = [flag for flag, is_given in flags.items() if is_given]
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} say different things of what is new.", "Give one of them.")

    @property
    def compares(self) -> bool:
        """Whether a flag says what is new."""
        return self.since is not None or self.baseline is not None or self.staged

    def refuse_urls(self, paths: Sequence[str]) -> None:
        """Refuse what a git URL cannot have: it is cloned without its history, and nothing is staged in it."""
        flag = "--since" if self.since is not None else "--staged"
        if (self.since is not None or self.staged) and any(map(is_git_url, paths)):
            raise UsageError(f"{flag}: a git URL is cloned without its history.", "Clone it, and give the folder.")


@contextmanager
def opened(
    options: GateOptions, settings: Settings, tree: SourceTree, jobs: int, observer: Observer
) -> Iterator[GateRun | None]:
    """The gate of a run; None where nobody asked for one.

    Args:
        options: of the command line.
        settings: of the run.
        tree: that is looked at.
        jobs: worker processes.
        observer: is told what is worth knowing.

    Raises:
        UsageError: what the run should be compared with is not there.
    """
    configured = any(
        origins[0].source is not Source.DEFAULT for key, origins in settings.origins.items() if key.startswith("gate.")
    )
    if not configured and not options.compares:
        yield None
        return
    conditions = settings.gate if configured else GateSettings(fail_on=Severity.INFO)
    with tempfile.TemporaryDirectory(prefix="agentforge-gate-") as folder:
        comparison = _comparison(options, tree)
        gate = GateRun(conditions, comparison, Means(jobs, observer, folder))
        if comparison.index_only and gate.asks_for_everything:
            observer(Notice("--staged: the project's scores and duplication are not judged, what is staged is a part."))
        if isinstance(comparison, Recorded):
            _warn(options.baseline or "", comparison, gate, tree, observer)
        yield gate


def exit_code(report: Report) -> int:
    """1 where the gate failed, or, where there is none, where the project has violations; else 0."""
    if report.gate is not None:
        return EXIT_CLEAN if report.gate.passed else EXIT_FINDINGS
    return EXIT_FINDINGS if any(row.new or row.remaining for row in report.summary.severities) else EXIT_CLEAN


def _comparison(options: GateOptions, tree: SourceTree) -> Comparison:
    if options.since is not None:
        return since(tree, options.since)
    if options.staged:
        return what_is_staged(tree, _index_of_hook(tree))
    if options.baseline is not None:
        return _recorded(options.baseline, tree)
    return Everything()


def _index_of_hook(tree: SourceTree) -> str | None:
    """The index that git tells its hooks to use (`git commit -a` has one of its own), where it is this checkout's."""
    index = os.environ.get("GIT_INDEX_FILE")
    if not index:
        return None
    place = Path(tree.root, index).resolve()
    return str(place) if is_in_git_folder(tree.root, place) else None


def _recorded(name: str, tree: SourceTree) -> Recorded:
    """A report of before, from a file or, as REF:PATH, from git."""
    from agentforge.pipeline.baseline import MAX_SIZE, read_baseline

    shown = escape(name)
    report = read_baseline(_content(name, shown, tree, MAX_SIZE), shown, tree.root)
    moved = renames(tree, report.commit)
    return Recorded(f"in {shown}", Before(report.violations, report.functions, moved), report.partial)


def _content(name: str, shown: str, tree: SourceTree, max_size: int) -> bytes:
    if _exists(name):
        try:
            return read_source(os.path.realpath(name), max_size)
        except UnreadableSourceError as error:
            raise UsageError(f"--baseline: {shown} cannot be read: {error}.", "Give a report's file.") from None
    ref, separator, path = name.partition(":")
    raw = read_file_at(tree.root, ref, path, max_size) if separator and tree.is_git else None
    if raw is None:
        raise UsageError(
            f"--baseline: there is no {shown}.",
            "Give a file, or REF:PATH for one in git, such as main:agentforge-baseline.json.",
        )
    return raw


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except OSError:  # the name is too long to be one
        return False


def _warn(name: str, comparison: Recorded, gate: GateRun, tree: SourceTree, observer: Observer) -> None:
    """Say what weakens the comparison: a report without functions, a file that this branch has changed."""
    if comparison.partial:
        observer(Notice(f"{escape(name)} is a report of a part of the project: what it did not look at counts as new."))
    if comparison.recorded.functions is None and gate.needs_functions:
        observer(Notice(f"{escape(name)} says nothing of functions: all count as new."))
    main = default_branch(tree)
    if main is None or not _exists(name):
        return
    place = Path(os.path.realpath(name))
    if place.is_relative_to(tree.root) and changed_from(tree.root, main.name, str(place.relative_to(tree.root))):
        observer(
            Notice(
                f"{escape(name)} is not what {main.name} has: whoever changes the code can change it, too. "
                f"Use --baseline {main.name}:{escape(str(place.relative_to(tree.root)))}"
            )
        )
