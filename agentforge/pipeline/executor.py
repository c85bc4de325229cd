"""Running batches of files in worker processes, and getting past a worker that dies.

A grammar or a plug-in can crash its whole process (stack overflow in C, the kernel's out-of-memory killer). The
files of a batch whose worker died are tried again one at a time, each in a pool of its own, so that exactly the
guilty file is reported and all others are analysed.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Batches are about this many bytes: large enough that a task's overhead vanishes, small enough for a smooth bar.
BATCH_BYTES = 400_000
BATCH_FILES = 50


def process_pool(jobs: int) -> ProcessPoolExecutor:
    """A pool of `jobs` spawned processes that leave Ctrl-C to the parent, and end when it is killed.

    Spawned, not forked: the parent holds a database connection and threads, which a forked child must not share.
    """
    return ProcessPoolExecutor(
        max_workers=jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_begin_work
    )


def _begin_work() -> None:
    """What a worker does first.

    A pool whose parent was killed does not end by itself: one worker waits for another to read what nobody will.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def batches(items: Sequence[Item], size_of: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Split `items`, in order, into batches of about `BATCH_BYTES` bytes and at most `BATCH_FILES` items."""
    batch: list[Item] = []
    total = 0
    for item in items:
        batch.append(item)
        total += size_of(item)
        if total >= BATCH_BYTES or len(batch) >= BATCH_FILES:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch


def run_batches(
    executor: Executor | None,
    work: Callable[[list[Item]], list[Result]],
    tasks: Iterator[list[Item]],
    on_death: Callable[[Item], Result],
    *,
    window: int,
) -> Iterator[list[Result]]:
    """Apply `work` to every batch and yield the results as they come; memory holds at most `window` batches.

    Args:
        executor: where to run, or None for this process.
        work: a picklable function from a batch to its results.
        tasks: the batches.
        on_death: the result of an item whose worker died on it.
        window: how many batches may be under way at once.
    """
    if executor is None:
        for task in tasks:
            yield work(task)
        return
    pending: dict[Future[list[Result]], list[Item]] = {}
    crashed: list[Item] = []
    broken = False
    try:
        while True:
            for task in islice(tasks, window - len(pending) if not broken else 0):
                pending[executor.submit(work, task)] = task
            if not pending:
                break
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                task = pending.pop(future)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    broken = True
                    crashed.extend(task)
    finally:
        for future in pending:
            future.cancel()
    if broken:
        yield from _one_by_one(work, crashed, tasks, on_death)


def _one_by_one(
    work: Callable[[list[Item]], list[Result]],
    crashed: list[Item],
    rest: Iterator[list[Item]],
    on_death: Callable[[Item], Result],
) -> Iterator[list[Result]]:
    """Finish after a pool broke: suspects one at a time, then the remaining batches, each in a fresh pool if needed."""
    queue: list[list[Item]] = [[item] for item in crashed]
    pool: ProcessPoolExecutor | None = None
    try:
        while True:
            task = queue.pop(0) if queue else next(rest, [])
            if not task:
                break
            pool = pool or process_pool(1)
            try:
                yield pool.submit(work, task).result()
            except BrokenProcessPool:
                pool = None
                if len(task) == 1:
                    yield [on_death(task[0])]
                else:
                    queue = [[item] for item in task] + queue
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)
