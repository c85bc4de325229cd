"""Pairs of near-duplicates, as `agentforge duplicates` compares them, drawn by bands of cosine to be judged by reading.

    export PYTHONPATH=training:benchmarks/similarity
    python benchmarks/similarity/near.py SOURCES [--size 15] [--seed 5] [--show] > DRAWN
    python benchmarks/similarity/near.py --table

SOURCES holds the packages of judged.toml, unpacked as NAME-VERSION. Drawn from are the pairs within a package, tests
left out, that have at least the least cosine of the lowest band by `fast`: at least six lines each, none inside the
other, no methods of one name in different classes. Equal code needs no reader, and what judged.toml has is not
drawn again: the curve of the scores was fitted to it. Packages take turns, and no file is in two pairs of a band;
`weight` says how many pairs of its package in its band one stands for. What was judged is near.toml; --table sums it
up, without SOURCES.
"""

from __future__ import annotations

import argparse
import itertools
import random
import tomllib
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pairs

from agentforge import languages
from agentforge.embed.duplicates import MIN_LINES, near_duplicates
from agentforge.embed.interface import FAST_MODEL, load
from agentforge.model import Candidate

HERE = Path(__file__).parent
BANDS = (0.80, 0.84, 0.88, 0.92, 0.96, 1.01)
QUESTIONS = ("near_copy", "same", "merge")
Pair = tuple[pairs.Piece, pairs.Piece, float]
Drawn = tuple[pairs.Piece, pairs.Piece, float, float]


def read(name: str) -> list[dict[str, Any]]:
    """The pairs of a file of judgements."""
    found: list[dict[str, Any]] = tomllib.loads((HERE / name).read_text("utf-8"))["pair"]
    return found


def path_of(piece: pairs.Piece) -> str:
    """Of the file of a function, in its package."""
    return piece.key.split(":", 3)[1]


def candidate(piece: pairs.Piece) -> Candidate:
    """A function as the search for duplicates takes it."""
    _, path, line, name = piece.key.split(":", 3)
    last = int(line) + piece.snippet.code.count("\n")
    return Candidate(0, path, name, int(line), last, piece.lines, piece.code_hash)


def compared(found: Sequence[pairs.Piece]) -> list[Pair]:
    """The pairs of near-duplicates of one package, with their cosines; equal code left out."""
    vectors = load(FAST_MODEL).embed([item.snippet for item in found])
    near = near_duplicates(vectors, [candidate(item) for item in found], min_score=BANDS[0])
    return [
        (found[one], found[other], score)
        for one, other, score in near
        if found[one].code_hash != found[other].code_hash
    ]


def all_pairs(sources: Path) -> list[Pair]:
    """The pairs of near-duplicates of every package that nobody has judged for the curve."""
    by_package: dict[str, list[pairs.Piece]] = defaultdict(list)
    for piece in pairs.pieces(sources):
        language = piece.snippet.language or ""
        if piece.lines >= MIN_LINES and not languages.get(language).is_test(path_of(piece)):
            by_package[piece.package].append(piece)
    judged = {frozenset((row["one"], row["other"])) for row in read("judged.toml")}
    found = [pair for pieces in by_package.values() for pair in compared(pieces)]
    return [pair for pair in found if frozenset((pair[0].key, pair[1].key)) not in judged]


def draw(found: Sequence[Pair], size: int, seed: int) -> list[Drawn]:
    """So many pairs of each band, with their weights, in the order of chance."""
    rng = random.Random(seed)
    taken: list[Drawn] = []
    for low, high in itertools.pairwise(BANDS):
        here = [pair for pair in found if low <= pair[2] < high]
        kept = in_turn(here, size, rng)
        print(f"# {low:.2f} to {min(high, 1):.2f}: {len(here)} pairs, {len(kept)} drawn")
        there, read_ = Counter(pair[0].package for pair in here), Counter(pair[0].package for pair in kept)
        taken += [(*pair, there[pair[0].package] / read_[pair[0].package]) for pair in kept]
    rng.shuffle(taken)
    return taken


def in_turn(found: Sequence[Pair], size: int, rng: random.Random) -> list[Pair]:
    """At most so many pairs, one of each package and then the next of each, no file twice."""
    left: dict[str, list[Pair]] = defaultdict(list)
    for pair in rng.sample(found, len(found)):
        left[pair[0].package].append(pair)
    order = rng.sample(sorted(left), len(left))
    used: set[tuple[str, str]] = set()
    kept: list[Pair] = []
    while any(left.values()):
        for package in order:
            while left[package]:
                pair = left[package].pop()
                files = {(package, path_of(piece)) for piece in pair[:2]}
                if not files & used:
                    used |= files
                    kept.append(pair)
                    break
    return kept[:size]


def show(number: int, pair: Drawn, code: bool) -> None:
    """A pair as an entry to be filled in, or the code of both for the reader, who sees no cosine."""
    one, other, cosine, weight = pair
    if code:
        print(f"#### {number} {one.key}\n{one.snippet.code}\n---- {other.key}\n{other.snippet.code}\n")
        return
    print(f"[[pair]]\none = '{one.key}'\nother = '{other.key}'\ncosine = {cosine:.4f}\nweight = {weight:.1f}")
    print("".join(f"{question} = \n" for question in QUESTIONS))


def table() -> None:
    """Sum up what was judged, band by band, for the docs."""
    rows = read("near.toml")
    print("| cosine | read | near-copies | the same | the same, weighted | to be merged |\n|---|---|---|---|---|---|")
    for low, high in reversed(list(itertools.pairwise(BANDS))):
        here = [row for row in rows if low <= row["cosine"] < high]
        near, same, merge = (sum(row[question] for row in here) for question in QUESTIONS)
        weight = [row["weight"] for row in here]
        share = np.average([row["same"] for row in here], weights=weight)
        print(f"| {low:.2f} to {min(high, 1):g} | {len(here)} | {near} | {same} | {share:.2f} | {merge} |")


def main() -> None:
    """Print what was drawn, or what was judged."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs="?")
    parser.add_argument("--size", type=int, default=15)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    if arguments.table:
        table()
    elif arguments.sources:
        for number, pair in enumerate(draw(all_pairs(arguments.sources), arguments.size, arguments.seed), 1):
            show(number, pair, arguments.show)
    else:
        parser.error("give SOURCES or --table")


if __name__ == "__main__":
    main()
