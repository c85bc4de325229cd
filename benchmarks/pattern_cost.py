"""CPU seconds that a worker spends on patterns, beside all else that it does with the files of a tree.

    OPENBLAS_NUM_THREADS=1 python benchmarks/pattern_cost.py TREE [--files 800] [--seed 1]

One process, the features extracted as for an analysis; meaning and the database are no work of a worker.
"""

from __future__ import annotations

import argparse
import random
import time
from typing import Any

from agentforge.detect.bandit import load_config
from agentforge.model import FileAnalysis, SourceFile
from agentforge.pipeline import worker
from agentforge.walk import MAX_FILE_SIZE, WalkOptions, discover, walk


def main() -> None:
    """Analyse some files with the comparison timed, and print both shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree")
    parser.add_argument("--files", type=int, default=800)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tree = discover([options.tree])
    files = [item for item in walk(tree, WalkOptions()) if isinstance(item, SourceFile)]
    random.Random(options.seed).shuffle(files)
    config = worker.WorkerConfig(MAX_FILE_SIZE, load_config(tree.root), features=True)
    compare, spent = worker._find_patterns, 0.0

    def timed(*arguments: Any, **named: Any) -> Any:
        nonlocal spent
        start = time.process_time()
        result = compare(*arguments, **named)
        spent += time.process_time() - start
        return result

    worker._find_patterns = timed
    start = time.process_time()
    results = [worker.analyse_file(config, file) for file in files[: options.files]]
    rest = time.process_time() - start - spent
    functions = sum(len(item.metrics.functions) for item in results if isinstance(item, FileAnalysis))
    print(f"{len(results)} files, {functions} functions: patterns {spent:.2f} s, all else {rest:.2f} s of CPU")


if __name__ == "__main__":
    main()
