"""Batches survive a worker that dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from agentforge.pipeline.executor import batches, process_pool, run_batches

# Its workers are writing results of which a pipe holds no more than the beginning.
KILLED = """
import multiprocessing, operator, os, signal
from agentforge.pipeline.executor import process_pool
pool = process_pool(2)
list(pool.map(abs, range(8)))
print(*(child.pid for child in multiprocessing.active_children()), flush=True)
for _ in range(6):
    pool.submit(operator.mul, b"x", 3_000_000)
os.kill(os.getpid(), signal.SIGKILL)
"""


def double(batch: list[int]) -> list[int]:
    if 13 in batch:
        os._exit(1)
    return [2 * item for item in batch]


def died(item: int) -> int:
    return -item


def test_only_the_item_that_kills_its_worker_is_lost() -> None:
    tasks = iter([[1, 2], [13, 3], [4], [5, 6]])
    with process_pool(2) as pool:
        results = sorted(item for batch in run_batches(pool, double, tasks, died, window=2) for item in batch)
    assert results == sorted([2, 4, -13, 6, 8, 10, 12])


def test_batches_are_bounded_and_complete() -> None:
    sizes = [10, 500_000, 1, 2, 3] + [1] * 120
    split = list(batches(sizes, lambda size: size))
    assert [item for batch in split for item in batch] == sizes
    assert max(map(len, split)) <= 50


def test_workers_end_with_their_parent_when_it_is_killed() -> None:
    parent = subprocess.run([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, check=False, timeout=60)
    assert parent.returncode == -signal.SIGKILL
    assert len(parent.stdout.split()) == 2, "and nobody holds the pipe any more"
