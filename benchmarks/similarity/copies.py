"""Short functions under another name: how many are found as near-duplicates, and what is found besides.

    export PYTHONPATH=training:benchmarks:benchmarks/similarity
    python benchmarks/similarity/copies.py SOURCES

SOURCES holds the packages of judged.toml. Functions of 6 to 11 lines are given another name of their own, or every name
in them is replaced, and compared with what they were: by the cosine of `fast` alone, and with what
`embed.duplicates` says of equal structure. Then the pairs that this adds are counted: of all packages, and of those
that were judged in judged.toml and near.toml, with what the reader said.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import calibrate
import embed as single
import near
import numpy as np
import pairs

from agentforge import languages
from agentforge.embed.calibration import calibration
from agentforge.embed.duplicates import MIN_LINES, Channels, near_duplicates, scores_of
from agentforge.embed.interface import FAST_MODEL, Snippet, load
from agentforge.embed.snippets import snippet_from_code

SHORT, SAMPLE = 11, 150
FAST = load(FAST_MODEL)
CURVE = calibration(FAST.name, FAST.version)
RULE = Channels.of(FAST.layout, CURVE)


def own_name(piece: pairs.Piece) -> Snippet:
    """The function under another name."""
    name = re.escape(piece.snippet.name)
    return snippet_from_code(re.sub(rf"\b{name}\b", "other_name_of_it", piece.snippet.code), piece.snippet.language)


def all_names(piece: pairs.Piece) -> Snippet:
    """The function with every name replaced."""
    return single.renamed(single.Found("", "", "", piece.lines, piece.code_hash, piece.snippet))


def found(one: Sequence[Snippet], other: Sequence[Snippet]) -> list[np.ndarray]:
    """Which pairs are near-duplicates, by the cosine alone and with the rule."""
    first, second = FAST.embed(list(one)), FAST.embed(list(other))
    return [scores_of(first, second, rule) >= CURVE.near_duplicate for rule in (None, RULE)]


def renamed(pieces: Sequence[pairs.Piece]) -> str:
    """The cells of a package: how many, and the shares that are found."""
    short = [piece for piece in pieces if piece.lines <= SHORT and len(piece.snippet.name) > 2]
    short = random.Random(4).sample(short, min(SAMPLE, len(short)))
    plain = [snippet_from_code(piece.snippet.code, piece.snippet.language) for piece in short]
    ways: list[Callable[[pairs.Piece], Snippet]] = [own_name, all_names]
    shares = [each.mean() for way in ways for each in found(plain, [way(piece) for piece in short])]
    return " | ".join([str(len(short)), *(f"{share:.2f}" for share in shares)])


def added(pieces: Sequence[pairs.Piece]) -> str:
    """The cells of a package: pairs by the cosine alone, and those that the rule adds."""
    vectors, functions = FAST.embed([piece.snippet for piece in pieces]), [near.candidate(piece) for piece in pieces]
    counts = [
        len(near_duplicates(vectors, functions, min_score=CURVE.near_duplicate, channels=rule)) for rule in (None, RULE)
    ]
    return f"{counts[0]:,} | {counts[1] - counts[0]:,}"


def judged(name: str, sources: Path) -> str:
    """What was judged of the pairs that the rule adds."""
    rows: list[dict[str, Any]] = near.read(name)
    known = calibrate.functions(sources, {row[side] for row in rows for side in ("one", "other")})
    sides = ([known[row[side]].snippet for row in rows] for side in ("one", "other"))
    cosine, ruled = found(*sides)
    new = [row for row, is_new in zip(rows, ruled & ~cosine, strict=True) if is_new]
    return f"{name}: {len(new)} more are found, {sum(row['same'] for row in new)} of them the same"


def main() -> None:
    """Print a table of packages, and what was judged."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path)
    arguments = parser.parse_args()
    packages: dict[str, list[pairs.Piece]] = defaultdict(list)
    for piece in pairs.pieces(arguments.sources):
        if piece.lines >= MIN_LINES and not languages.get(piece.snippet.language or "").is_test(near.path_of(piece)):
            packages[piece.package].append(piece)
    columns = ("package", "renamed", "own name", "with the rule", "all names", "with the rule", "pairs", "added")
    print(f"| {' | '.join(columns)} |\n" + "|---" * len(columns) + "|")
    for package, pieces in packages.items():
        print(f"| {package} | {renamed(pieces)} | {added(pieces)} |", flush=True)
    for name in ("judged.toml", "near.toml"):
        print(judged(name, arguments.sources))


if __name__ == "__main__":
    main()
