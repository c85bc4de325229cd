"""How often `agentforge similar` gives the answer that a colleague would give, as its first and among its first five.

    python benchmarks/similarity/colleague.py FOLDER [--texts] [--data-dir DIR] [--model NAME] [--misses 10]

FOLDER holds the five projects of colleague.toml, each in a folder of its name: django 5.2.19 (the package), express
5.3.0, gin 1.8.1, commons-lang3 3.12.0 and redis 7.0.15; all five were analysed into the database that DIR names, by
`agentforge analyze FOLDER/NAME --data-dir DIR`. Each question is one run of the installed program, as from a shell; its
seconds, wall and CPU, are printed too. Of what comes first and is not right, the first answers are shown.

With --texts the questions are those of colleague_texts.toml, asked of `agentforge search`, each in its project; those
by which weights may be chosen and the others get a row each.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pairs

from agentforge import languages

HERE = Path(__file__).parent
PROGRAM = Path(sys.executable).with_name("agentforge")
ASKED_FOR, SHOWN = 10, 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What the program said to one question.

    Attributes:
        project, ask: the question.
        rank: of the first right answer, 0 where none is among the first ten.
        matches: what was found, best first.
        wall, cpu: seconds.
    """

    project: str
    ask: str
    rank: int
    matches: list[dict[str, Any]]
    wall: float
    cpu: float


def place_of(root: Path, path: str, name: str) -> str:
    """`PATH:LINE` of a function, found from the end of its file's path and that of its qualified name.

    Raises:
        SystemExit: there is none.
    """
    files = [file for file in root.rglob(Path(path).name) if file.as_posix().endswith(f"/{path}")]
    for file in sorted(files, key=lambda file: (len(file.parts), file)):
        raw = file.read_bytes()
        for piece in pairs.of_file("", str(file), raw, languages.detect(file.name, raw[:4096]) or ""):
            _, _, line, qualified_name = piece.key.split(":", 3)
            if f".{qualified_name}".endswith(f".{name}"):
                return f"{file}:{line}"
    raise SystemExit(f"There is no {name} in {root}/{path}.")


def is_right(match: dict[str, Any], right: list[str]) -> bool:
    """Whether a match is one of the answers."""
    for answer in right:
        project, _, name = answer.rpartition(">")
        if f".{match['qualified_name']}".endswith(f".{name}") and project in ("", match["project"]):
            return True
    return False


def question(folder: Path, project: str, ask: str) -> list[str]:
    """The command that asks about a function (`PATH:NAME`), or for what is said in words."""
    path, colon, name = ask.partition(":")
    if not colon:
        return ["search", ask, "--project", project]
    return ["similar", place_of(folder / project, path, name)]


def asked(folder: Path, project: str, row: dict[str, Any], options: list[str]) -> Answer:
    """One run of the program."""
    command = [PROGRAM, *question(folder, project, row["ask"]), "--limit", str(ASKED_FOR), "--format", "json", *options]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if done.returncode:
        raise SystemExit(f"{row['ask']}: {done.stderr.strip()}")
    matches = json.loads(done.stdout)["matches"]
    rank = next((number for number, match in enumerate(matches, 1) if is_right(match, row["right"])), 0)
    return Answer(project, row["ask"], rank, matches, wall, cpu)


def ranked(answers: list[Answer]) -> str:
    """How many were right first, in the first five and ten, and the mean reciprocal rank."""
    ranks = [answer.rank for answer in answers]
    first, five, ten = (sum(0 < rank <= most for rank in ranks) for most in (1, 5, 10))
    mean = statistics.mean(1 / rank if rank else 0 for rank in ranks)
    return f"{first} first, {five} in five, {ten} in ten, MRR {mean:.3f}"


def report(answers: list[Answer], misses: int) -> None:
    """Print a table by project, the times, and the worst misses."""
    print("| project | asked | first | in the first five | in the first ten |\n|---|---|---|---|---|")
    for project in [*dict.fromkeys(answer.project for answer in answers), None]:
        ranks = [answer.rank for answer in answers if project in (None, answer.project)]
        first, five, ten = (sum(0 < rank <= most for rank in ranks) for most in (1, 5, 10))
        print(f"| {project or 'all'} | {len(ranks)} | {first} | {five} | {ten} |")
    wall = sorted(answer.wall for answer in answers)
    cpu = sorted(answer.cpu for answer in answers)
    print(
        f"\nwall: median {statistics.median(wall):.2f} s, 19 in 20 below {wall[int(0.95 * len(wall))]:.2f} s;"
        f" CPU of the program (not of the server): median {statistics.median(cpu):.2f} s"
    )
    worst = sorted((answer for answer in answers if answer.rank != 1), key=lambda answer: -(answer.rank or 99))
    for answer in worst[:misses]:
        rank = f"right at {answer.rank}" if answer.rank else "not among the first ten"
        print(f"\n{answer.project} {answer.ask}: {rank}")
        for match in answer.matches[:SHOWN]:
            place = f"{match['project']} {match['path']}:{match['start_line']}"
            print(f"  {match['score']:.2f}  {place} {match['qualified_name']}")


def main() -> None:
    """Ask everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--texts", action="store_true")
    parser.add_argument("--data-dir")
    parser.add_argument("--model")
    parser.add_argument("--misses", type=int, default=10)
    arguments = parser.parse_args()
    options = []
    if arguments.data_dir:
        options += ["--data-dir", arguments.data_dir]
    if arguments.model:
        options += ["--model", arguments.model]
    questions = tomllib.loads((HERE / f"colleague{'_texts' if arguments.texts else ''}.toml").read_text("utf-8"))
    folder = arguments.folder.resolve()
    answers = [asked(folder, project, row, options) for project, rows in questions.items() for row in rows]
    report(answers, arguments.misses)
    if arguments.texts:
        for name, part in (("weights may be chosen by", answers[::2]), ("the others", answers[1::2])):
            print(f"\n{name}: {len(part)} asked, {ranked(part)}")


if __name__ == "__main__":
    main()
