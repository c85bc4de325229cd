"""All pairs of near-duplicates among many functions, and the clusters of them: time, memory, and whether any is missed.

    python benchmarks/duplicates.py --cache DIR --sources SITE-PACKAGES DJANGO... [--count 100000]

The functions are those of benchmarks/corpus.py: half are real, half are edited copies of them. All have six lines or
more here, so that every one is compared. `missed` is against plain products of a thousand of the functions with all.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import corpus
import numpy as np

from agentforge.embed.clusters import stars
from agentforge.embed.duplicates import MIN_LINES, near_duplicates
from agentforge.model import Candidate

CHECKED = 1000
MIN_SCORE = 0.88


def candidates(functions: corpus.Corpus) -> list[Candidate]:
    """One file a function, so that none lies in another, and no two of equal code."""
    return [
        Candidate(0, f"{index}.py", f"f{index}", 1, 99, max(MIN_LINES, functions.pieces[origin].lines), str(index))
        for index, origin in enumerate(functions.origin.tolist())
    ]


def timed(name: str, work: Callable[[], Any]) -> Any:
    """Do it and print what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spent = time.process_time() - cpu
    print(
        f"{name:28} {len(result):9,} found {time.perf_counter() - wall:8.1f} s {spent:8.1f} CPU s {peak:8.0f} MB peak"
    )
    return result


def missed(vectors: Any, pairs: list[tuple[int, int, float]]) -> tuple[int, int]:
    """Pairs of some functions that plain products give and the search does not, and how many there are."""
    rows = np.random.default_rng(1).choice(len(vectors), min(CHECKED, len(vectors)), replace=False)
    near = {frozenset(pair[:2]) for pair in pairs}
    expected = {
        frozenset((int(rows[row]), int(column)))
        for row, column in zip(*np.nonzero(vectors[rows] @ vectors.T >= MIN_SCORE + 1e-5), strict=True)
        if rows[row] != column
    }
    return len(expected - near), len(expected)


def main() -> None:
    """Build the functions, compare them, check the answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--sources", type=Path, nargs="+", required=True)
    parser.add_argument("--count", type=int, default=100_000)
    arguments = parser.parse_args()
    functions = corpus.build(arguments.sources, arguments.count, arguments.cache)
    vectors = functions.vectors.astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    compared = candidates(functions)
    print(f"{len(compared):,} functions of {vectors.shape[1]} components, load average {os.getloadavg()[0]:.1f}")
    pairs = timed("pairs", lambda: near_duplicates(vectors, compared, min_score=MIN_SCORE))
    timed("clusters", lambda: stars(pairs, compared))
    wrong, checked = missed(vectors, pairs)
    print(f"missed {wrong} of {checked} pairs of {CHECKED:,} functions")


if __name__ == "__main__":
    main()
