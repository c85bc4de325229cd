"""What the rule `duplicate-function` would report of harvested functions, a family each, to be judged by reading.

    python benchmarks/duplicate_functions.py WORK/fn/FILE.pickle... [--each 3] [--seed 3] [--lines 30]
    python benchmarks/duplicate_functions.py --table

The files are those of training/harvest.py, one archive each. A family is what hangs together by pairs of functions that
the rule takes for duplicates: one copied function makes many hits. Shown is a pair of each family, at most `--each`
families of an archive, and none that duplicate_functions.toml has, which holds what was judged; --table sums it up. The
names of files alone say here what is a test or generated, so what else is generated or vendored must be left out by
the reader.
"""

from __future__ import annotations

import argparse
import pickle
import random
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentforge import languages, measure, parse
from agentforge.detect.duplicates import MIN_LINES, MIN_PATHS
from agentforge.embed.calibration import calibration
from agentforge.embed.duplicates import near_duplicates
from agentforge.embed.interface import FAST_MODEL, Snippet, load
from agentforge.embed.snippets import parsed_snippet
from agentforge.model import Candidate
from agentforge.pipeline.duplicate_functions import REPORTED_SCORE

JUDGED = Path(__file__).with_suffix(".toml")
ASYNC = re.compile(r"\b(?:async|await)\b")


@dataclass(frozen=True, slots=True)
class Piece:
    """A function that is long enough and has a branch."""

    key: str
    path: str
    name: str
    lines: int
    code_hash: str
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class Pair:
    """Two functions that the rule takes for duplicates, with their cosine."""

    one: Piece
    other: Piece
    cosine: float

    @property
    def equal(self) -> bool:
        """Whether their code is equal."""
        return self.one.code_hash == self.other.code_hash


def pieces(file: Path) -> Iterator[Piece]:
    """The functions of an archive that the rule looks at."""
    for package, path, language, name, qualified, _, code, code_hash, _ in pickle.loads(file.read_bytes()):
        if languages.get(language).is_test(path) or code.count("\n") + 1 < MIN_LINES:
            continue
        try:
            snippet, parsed = parsed_snippet(code, language, name)
        except parse.ParseTimeoutError:
            continue
        found = measure.measure(parsed, parse.decode(parsed.data)).functions
        whole = max(found, key=lambda item: item.end_byte - item.start_byte, default=None)
        if whole and whole.lines_of_code >= MIN_LINES and whole.cyclomatic >= MIN_PATHS:
            key = f"{package}:{path}:{qualified}"
            yield Piece(key, path, qualified, whole.lines_of_code, code_hash, snippet)


def excepted(pair: Pair) -> bool:
    """Whether the rule leaves a pair out: overloads, twins with and without `async` or `_mut`, one inside the other."""
    one, other = pair.one, pair.other
    first, second = one.snippet.code, other.snippet.code
    if pair.equal:
        return False
    if one.path == other.path and (one.name == other.name or first in second or second in first):
        return True
    twins = one.name + "_mut" == other.name or other.name + "_mut" == one.name
    return twins or bool(ASYNC.search(first)) != bool(ASYNC.search(second))


def duplicates(found: list[Piece], least: float) -> list[Pair]:
    """The pairs of an archive that the rule would report."""
    if not found:
        return []
    vectors = load(FAST_MODEL).embed([item.snippet for item in found])
    # Each function stands alone: where it begins in its file was not harvested.
    places = [
        Candidate(0, item.path, item.name, index, index, item.lines, item.code_hash) for index, item in enumerate(found)
    ]
    near = near_duplicates(vectors, places, min_score=least, min_lines=MIN_LINES)
    pairs = [
        Pair(*sorted((found[one], found[other]), key=lambda item: item.key), cosine) for one, other, cosine in near
    ]
    return [pair for pair in pairs if not excepted(pair)]


def families(pairs: list[Pair]) -> list[list[Pair]]:
    """The pairs that hang together."""
    parent: dict[int, int] = {}

    def root(item: Piece) -> int:
        place = id(item)
        while parent.setdefault(place, place) != place:
            place = parent[place]
        return place

    for pair in pairs:
        parent[root(pair.one)] = root(pair.other)
    found: dict[int, list[Pair]] = defaultdict(list)
    for pair in pairs:
        found[root(pair.one)].append(pair)
    return list(found.values())


def show(pair: Pair, lines: int) -> None:
    """A pair as an entry to be filled in, with the code of both."""
    print(f"[[family]]\none = '{pair.one.key}'\nother = '{pair.other.key}'")
    print(f"cosine = {pair.cosine:.4f}\nequal = {str(pair.equal).lower()}\nright = ")
    for piece in (pair.one, pair.other):
        print("\n".join(f"#   {line[:120]}" for line in piece.snippet.code.splitlines()[:lines]), end="\n#   ----\n")


def table() -> None:
    """Sum up what was judged: all families, and those of equal code."""
    rows = tomllib.loads(JUDGED.read_text("utf-8"))["family"]
    print("| families | packages | read | right |\n|---|---|---|---|")
    for name, here in (
        ("all", rows),
        ("equal code", [row for row in rows if row["equal"]]),
        ("nearly the same", [row for row in rows if not row["equal"]]),
        ("nearly the same, cosine from 0.97", [row for row in rows if not row["equal"] and row["cosine"] >= 0.97]),
    ):
        packages = len({row["one"].split(":", 1)[0] for row in here})
        print(f"| {name} | {packages} | {len(here)} | {sum(row['right'] for row in here)} |")


def main() -> None:
    """Print families, or what was judged of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--each", type=int, default=3)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--lines", type=int, default=30)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if options.table:
        table()
        return
    embedder = load(FAST_MODEL)
    least = calibration(embedder.name, embedder.version).cosine(REPORTED_SCORE)
    judged = {key for row in tomllib.loads(JUDGED.read_text("utf-8"))["family"] for key in (row["one"], row["other"])}
    rng = random.Random(options.seed)
    for file in options.files:
        found = families(duplicates(list(pieces(file)), least))
        print(f"# {file.stem}: {len(found)} families")
        rng.shuffle(found)
        for family in found[: options.each]:
            if family[0].one.key not in judged and family[0].other.key not in judged:
                show(family[0], options.lines)


if __name__ == "__main__":
    main()
