"""How fast `agentforge check` is beside other tools, how fast each language, and what memory and a warm run cost.

    python benchmarks/analyze.py ratios TREE [--rounds N] [--only TOOL ...]
    python benchmarks/analyze.py languages
    python benchmarks/analyze.py memory TREE
    python benchmarks/analyze.py warm [--files N]

`ratios` runs each command on one core, cold, and prints its CPU seconds (user and system, of the process and of its
children; the least of all rounds) and how many times those of one bare `ast.parse` of each of the tree's Python files
in the same run. Tools that are not installed are left out. `languages` analyses the real code of tests/data/real,
`memory` a part of a tree, once and eight times over, and `warm` a tree that it makes, unchanged since it was analysed,
in a database of its own. Results of real runs are in docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

REAL = Path(__file__).parents[1] / "tests" / "data" / "real"
SCRIPTS = Path(sys.executable).parent
PARSE = """
import ast, pathlib, sys, warnings
warnings.simplefilter("ignore")
for file in pathlib.Path(sys.argv[1]).rglob("*.py"):
    try:
        ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        pass
"""


def commands(tree: str) -> dict[str, list[str]]:
    """What is compared, by name; the first is the unit."""
    python = sys.executable

    def module(*arguments: str) -> list[str]:
        return [python, "-m", *arguments, tree]

    found = {
        "ast.parse": [python, "-c", PARSE, tree],
        "agentforge check": [*agentforge("check"), "--jobs", "1", "--include", "*.py", tree],
        "radon cc": module("radon", "cc", "--show-closures", "-j"),
        "radon hal": module("radon", "hal", "-j"),
        "radon mi": module("radon", "mi", "-j"),
        "radon raw": module("radon", "raw", "-j"),
        "bandit -r": module("bandit", "-q", "-f", "json", "-r"),
        "lizard": [*script("lizard"), "-l", "python", tree],
        "ruff S,C90": [*script("ruff"), "check", "--isolated", "--no-cache", "--select", "S,C90", "-q", tree],
        "complexipy": [*script("complexipy"), "--quiet", tree],
        "jscpd": [*script("jscpd"), "--silent", "--format", "python", tree],
    }
    return {name: arguments for name, arguments in found.items() if arguments[0]}


def script(name: str) -> list[str]:
    """A command of this environment or of the path, empty in its first place where there is none."""
    own = SCRIPTS / name
    return [str(own) if own.is_file() else shutil.which(name) or ""]


def agentforge(command: str) -> list[str]:
    """Our command as it is installed, without the project's configuration."""
    return [*script("agentforge"), command, "--isolated", "--quiet"]


class Usage:
    """What a command used: CPU seconds of it and its children, wall seconds, and the peak of one process in MiB."""

    def __init__(self, arguments: list[str], environment: dict[str, str] | None = None) -> None:
        begin = time.perf_counter()
        with (
            tempfile.TemporaryDirectory() as folder,
            subprocess.Popen(
                arguments, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ) as process,
        ):
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.wall = time.perf_counter() - begin
        self.cpu = used.ru_utime + used.ru_stime
        self.peak = used.ru_maxrss / 1024
        if process.returncode not in (0, 1):  # 1: findings
            raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}")


def ratios(tree: Path, rounds: int, only: list[str]) -> None:
    """CPU seconds of each command, and then the wall time of ours on all cores."""
    files = sorted(tree.rglob("*.py"))
    lines = sum(file.read_bytes().count(b"\n") for file in files)
    print(f"{len(files):,} files, {lines:,} lines of Python; least of {rounds} rounds")
    least: dict[str, float] = {}
    for _ in range(rounds):
        for name, arguments in commands(str(tree)).items():
            if only and name not in ("ast.parse", *only):
                continue
            least[name] = min(least.get(name, 1e9), Usage(arguments).cpu)
    unit = least["ast.parse"]
    for name, seconds in least.items():
        print(f"{name:20} {seconds:8.2f} s {seconds / unit:8.2f}")
    used = [Usage([*agentforge("check"), "--include", "*.py", str(tree)]) for _ in range(rounds)]
    best = min(used, key=lambda item: item.wall)
    print(f"all {os.cpu_count()} cores: {best.wall:.1f} s of wall time, {best.cpu:.1f} s of CPU")


def real_code() -> Iterator[tuple[str, Path, int]]:
    """Each language with a folder of its real code and how many lines that has."""
    for archive in sorted(REAL.glob("*.tar.xz")):
        with tempfile.TemporaryDirectory() as folder, tarfile.open(archive) as content:
            content.extractall(folder, filter="data")
            files = [file for file in Path(folder).rglob("*") if file.is_file() and file.name != "LICENCE.txt"]
            language = archive.name.split(".")[0]
            yield language, Path(folder), sum(file.read_bytes().count(b"\n") for file in files)


def languages(rounds: int) -> None:
    """Lines that one core analyses in a second, queries compiled before."""
    from agentforge.detect.bandit import BanditConfig
    from agentforge.model import SourceFile
    from agentforge.pipeline.worker import WorkerConfig, analyse_batch
    from agentforge.walk import WalkOptions, discover, walk

    config = WorkerConfig(WalkOptions().max_file_size, BanditConfig())
    for language, folder, lines in real_code():
        tree = discover([str(folder)])
        sources = [item for item in walk(tree, WalkOptions()) if isinstance(item, SourceFile)]
        analyse_batch(config, sources[:1])
        seconds = min(_cpu(lambda: analyse_batch(config, sources)) for _ in range(rounds))  # noqa: B023 - called at once
        print(f"{language:12} {lines:7,} lines {lines / seconds:10,.0f} lines a second")


def _cpu(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def memory(tree: Path) -> None:
    """Peak memory of `check` against the number of files: of the summary, and of a report with all rows.

    Every eighth file, once and eight times over, beside the largest one, whose trees are the most that is in memory at
    once.
    """
    files = sorted(tree.rglob("*.py"))
    largest = max(files, key=lambda file: file.stat().st_size)
    for copies in (1, 8):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copyfile(largest, Path(folder) / "largest.py")
            for number in range(copies):
                for file in files[::8]:
                    copy = Path(folder) / str(number) / file.relative_to(tree)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, copy)
            command = [*agentforge("check"), "--jobs", "1", "--format"]
            table, rows = (Usage([*command, name, folder]).peak for name in ("table", "json"))
            count = copies * len(files[::8]) + 1
            print(f"{count:6,} files {table:8.0f} MiB table {rows:8.0f} MiB json", flush=True)


def warm(count: int, rounds: int) -> None:
    """`analyze` of an unchanged tree: with a server that runs, and with one that the command starts."""
    with tempfile.TemporaryDirectory() as folder:
        home, tree = Path(folder) / "data", Path(folder) / "tree"
        tree.mkdir()
        for number in range(count):
            part = tree / f"part_{number % 100}"
            part.mkdir(exist_ok=True)
            (part / f"file_{number}.py").write_text(f"def function_{number}(a, b):\n    return a + b * {number}\n")
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("AGENTFORGE_", "PG"))}
        environment["AGENTFORGE_DATA_DIR"] = str(home)
        analyze = [*agentforge("analyze"), str(tree)]
        first = Usage(analyze, environment)
        print(f"first      {first.wall:6.2f} s wall {first.cpu:6.2f} s CPU")
        time.sleep(15)  # the server lingers, then stops
        cold = Usage(analyze, environment)
        print(f"cold       {cold.wall:6.2f} s wall {cold.cpu:6.2f} s CPU")
        subprocess.run([*script("agentforge"), "db", "start"], env=environment, check=True, stdout=subprocess.DEVNULL)
        used = [Usage(analyze, environment) for _ in range(rounds)]
        subprocess.run([*script("agentforge"), "db", "stop"], env=environment, check=True, stdout=subprocess.DEVNULL)
        print(f"warm       {min(item.wall for item in used):6.2f} s wall {min(item.cpu for item in used):6.2f} s CPU")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("ratios", "languages", "memory", "warm"))
    parser.add_argument("tree", type=Path, nargs="?", help="a folder of Python sources")
    parser.add_argument("--only", nargs="+", default=[], help="of `ratios`: the tools to run, by the names it prints")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=3000, help="of the tree that `warm` makes")
    arguments = parser.parse_args()
    if arguments.what in ("ratios", "memory") and arguments.tree is None:
        parser.error("name a folder of Python sources")
    if arguments.what == "ratios":
        ratios(arguments.tree.resolve(), arguments.rounds, arguments.only)
    elif arguments.what == "languages":
        languages(arguments.rounds)
    elif arguments.what == "memory":
        memory(arguments.tree.resolve())
    else:
        warm(arguments.files, arguments.rounds)


if __name__ == "__main__":
    main()
