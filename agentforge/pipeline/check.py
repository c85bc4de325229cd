"""The analysis of a tree without a database."""

from __future__ import annotations

from datetime import UTC, datetime

from agentforge.detect.bandit import load_config
from agentforge.detect.selection import NOTHING_CHOSEN, Selection
from agentforge.model import Analysis, FileAnalysis, Project, Report, SkippedFile, SourceFile
from agentforge.pipeline.engine import engine_version
from agentforge.pipeline.events import Observer, PhaseStarted
from agentforge.pipeline.files import analyse_files
from agentforge.pipeline.rules import broken_rules
from agentforge.pipeline.stopwatch import Stopwatch
from agentforge.pipeline.summary import ordered_violations, summarise
from agentforge.pipeline.worker import WorkerConfig
from agentforge.walk import SourceTree, WalkOptions, walk


def check(
    tree: SourceTree,
    options: WalkOptions,
    jobs: int,
    version: str,
    observer: Observer,
    selection: Selection = NOTHING_CHOSEN,
) -> Report:
    """Analyse a tree and keep nothing.

    Args:
        tree: what to look at.
        options: what to leave out.
        jobs: worker processes, at least 1.
        version: of the tool.
        observer: is told of the progress.
        selection: of rules.

    Raises:
        UsageError: an option or a tool's configuration in the tree is not usable.
    """
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    watch = Stopwatch()
    observer(PhaseStarted("walk"))
    with watch.phase("walk"):
        found = list(walk(tree, options))
        watch.count("walk", len(found))
    sources = [item for item in found if isinstance(item, SourceFile)]
    skipped = [item for item in found if isinstance(item, SkippedFile)]
    bandit = load_config(tree.root)
    config = WorkerConfig(options.max_file_size, bandit, selection=selection)
    files: list[FileAnalysis] = []
    with watch.phase("analyse"):
        for batch in analyse_files(sources, config, jobs, observer):
            files.extend(item for item in batch if isinstance(item, FileAnalysis))
            skipped.extend(item for item in batch if isinstance(item, SkippedFile))
        watch.count("analyse", len(files))
    files.sort(key=lambda file: file.path)
    violations = tuple(ordered_violations(files))
    return Report(
        project=Project(None, tree.name, tree.key, tree.root, tree.repository_url, tree.branch, tree.commit),
        analysis=Analysis(
            id=None,
            previous_id=None,
            status="completed",
            started_at=started_at,
            completed_at=datetime.now(UTC).isoformat(timespec="seconds"),
            engine_version=engine_version(version, bandit, selection),
            model=None,
            partial=bool(tree.scopes),
            scopes=tree.scopes,
            files_analyzed=len(files),
            files_unchanged=0,
            files_removed=0,
            phases=watch.phases(),
            skipped=tuple(sorted(skipped, key=lambda item: item.path)),
        ),
        summary=summarise(tree.name, files),
        files=tuple(files),
        violations=violations,
        rules=broken_rules(violations, {file.language for file in files if file.violations}, selection),
    )
