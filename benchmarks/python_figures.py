"""CPU seconds of radon's and bandit's commands on a tree, against ours for the same figures in the same run.

    python benchmarks/python_figures.py TREE

Runs `radon cc`, `radon hal`, `radon mi`, `radon raw` and `bandit -r`, each as its own command on one core, then parses
each file once and takes from that tree the figures that equal theirs, for the functions that tree-sitter found before
the clock runs (`tests/unit/measure/test_radon.py` and `tests/unit/detect/bandit` prove that they are equal). Prints the
seconds of each, and how many times less ours took. The results of a real run are in `docs/performance.md`.
"""

from __future__ import annotations

import argparse
import gc
import resource
import subprocess
import sys
import time
from pathlib import Path

from agentforge import measure, parse
from agentforge.detect.bandit import BanditConfig, scan
from agentforge.measure.radon import enrich
from agentforge.parse.python_ast import parse_python

COMMANDS = {
    "radon cc": ("radon", "cc", "--show-closures", "-j"),
    "radon hal": ("radon", "hal", "-j"),
    "radon mi": ("radon", "mi", "-j"),
    "radon raw": ("radon", "raw", "-j"),
    "bandit -r": ("bandit", "-q", "-f", "json", "-r"),
}


def command_seconds(arguments: tuple[str, ...], tree: Path) -> float:
    """User and system seconds of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", *arguments, str(tree)], capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def our_seconds(tree: Path) -> dict[str, float]:
    """Seconds of this process for each part, with the thresholds that the workers set."""
    gc.set_threshold(200_000, 50, 1000)
    seconds = dict.fromkeys(("ast.parse", "radon's figures", "bandit's findings"), 0.0)
    for file in sorted(tree.rglob("*.py")):
        raw = file.read_bytes()
        decoded = parse.decode(raw)
        functions = measure.measure(parse.parse("python", decoded), decoded)
        marks = [time.process_time()]
        python = parse_python(raw)
        marks.append(time.process_time())
        enrich(functions, python)
        marks.append(time.process_time())
        scan(python, str(file), str(file), raw, BanditConfig())
        marks.append(time.process_time())
        for part, begin, end in zip(seconds, marks, marks[1:], strict=False):
            seconds[part] += end - begin
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tree", type=Path, help="a folder of Python sources")
    tree = parser.parse_args().tree
    theirs = {name: command_seconds(arguments, tree) for name, arguments in COMMANDS.items()}
    ours = our_seconds(tree)
    for name, seconds in {**theirs, "their sum": sum(theirs.values())}.items():
        print(f"{name:20} {seconds:8.2f} s")
    for name, seconds in {**ours, "our sum": sum(ours.values())}.items():
        print(f"{name:20} {seconds:8.2f} s")
    print(f"{'ratio':20} {sum(theirs.values()) / sum(ours.values()):8.1f}")


if __name__ == "__main__":
    main()
