"""The analysis of a tree without a database."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial

from agentforge.detect.bandit import load_config
from agentforge.model import Analysis, FileAnalysis, Phase, Project, Report, SkippedFile, SourceFile
from agentforge.pipeline.events import Observer, PhaseAdvanced, PhaseStarted
from agentforge.pipeline.executor import batches, process_pool, run_batches
from agentforge.pipeline.summary import summarise, violation_order
from agentforge.pipeline.worker import WorkerConfig, analyse_batch
from agentforge.walk import SourceTree, WalkOptions, walk

# Starting processes takes longer than analysing this many bytes.
SMALL_TREE_BYTES = 200_000


def check(tree: SourceTree, options: WalkOptions, jobs: int, engine_version: str, observer: Observer) -> Report:
    """Analyse a tree and keep nothing.

    Args:
        tree: what to look at.
        options: what to leave out.
        jobs: worker processes, at least 1.
        engine_version: of the tool.
        observer: is told of the progress.

    Raises:
        UsageError: an option or a tool's configuration in the tree is not usable.
    """
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    started = time.perf_counter()
    observer(PhaseStarted("walk"))
    found = list(walk(tree, options))
    sources = [item for item in found if isinstance(item, SourceFile)]
    skipped = [item for item in found if isinstance(item, SkippedFile)]
    walked = time.perf_counter()
    config = WorkerConfig(options.max_file_size, load_config(tree.root))
    files = analyse(sources, skipped, config, jobs, observer)
    done = time.perf_counter()
    return Report(
        project=Project(None, tree.name, tree.key, tree.root, tree.repository_url, tree.branch, tree.commit),
        analysis=Analysis(
            id=None,
            previous_id=None,
            status="completed",
            started_at=started_at,
            completed_at=datetime.now(UTC).isoformat(timespec="seconds"),
            engine_version=engine_version,
            model=None,
            partial=bool(tree.scopes),
            scopes=tree.scopes,
            files_analyzed=len(files),
            files_unchanged=0,
            files_removed=0,
            phases=(Phase("walk", walked - started, len(found)), Phase("analyse", done - walked, len(files))),
            skipped=tuple(sorted(skipped, key=lambda item: item.path)),
        ),
        summary=summarise(tree.name, files),
        files=tuple(files),
        violations=tuple(sorted((item for file in files for item in file.violations), key=violation_order)),
    )


def analyse(
    sources: list[SourceFile], skipped: list[SkippedFile], config: WorkerConfig, jobs: int, observer: Observer
) -> list[FileAnalysis]:
    """Analyse files in worker processes; what turns out not to be analysable is added to `skipped`.

    Returns:
        The analyses in the order of paths.
    """
    observer(PhaseStarted("analyse", len(sources)))
    small = sum(file.size for file in sources) < SMALL_TREE_BYTES
    pool = None if jobs == 1 or small else process_pool(jobs)
    files: list[FileAnalysis] = []
    try:
        tasks = batches(sources, lambda file: file.size)
        results = run_batches(pool, partial(analyse_batch, config), tasks, _died, window=2 * jobs + 2)
        for batch in results:
            for item in batch:
                if isinstance(item, SkippedFile):
                    skipped.append(item)
                else:
                    files.append(item)
            observer(PhaseAdvanced(len(batch)))
    finally:
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
    return sorted(files, key=lambda file: file.path)


def _died(file: SourceFile) -> FileAnalysis | SkippedFile:
    return SkippedFile(file.path, "its worker process died")
