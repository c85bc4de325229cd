"""Analysing files in worker processes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from agentforge.model import FileAnalysis, SkippedFile, SourceFile
from agentforge.pipeline.events import Observer, PhaseAdvanced, PhaseStarted
from agentforge.pipeline.executor import batches, process_pool, run_batches
from agentforge.pipeline.worker import WorkerConfig, analyse_batch

# Starting processes takes longer than analysing this many bytes.
SMALL_TREE_BYTES = 200_000
WORKER_DIED = "its worker process died"


def analyse_files(
    sources: list[SourceFile], config: WorkerConfig, jobs: int, observer: Observer
) -> Iterator[list[FileAnalysis | SkippedFile]]:
    """Analyse files, one result each, in batches as they come.

    Args:
        sources: what to analyse.
        config: for the workers.
        jobs: worker processes, at least 1.
        observer: is told of each batch once it was taken.
    """
    observer(PhaseStarted("analyse", len(sources)))
    small = sum(file.size for file in sources) < SMALL_TREE_BYTES
    pool = None if jobs == 1 or small else process_pool(jobs)
    try:
        tasks = batches(sources, lambda file: file.size)
        for batch in run_batches(pool, partial(analyse_batch, config), tasks, _died, window=2 * jobs + 2):
            yield batch
            observer(PhaseAdvanced(len(batch)))
    finally:
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)


def _died(file: SourceFile) -> FileAnalysis | SkippedFile:
    return SkippedFile(file.path, WORKER_DIED)
