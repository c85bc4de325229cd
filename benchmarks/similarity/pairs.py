"""The functions of the judged pairs, and how the pairs were drawn.

    python benchmarks/similarity/pairs.py SOURCES --weights STUDENT.npz [--size 300] [--show] > DRAWN

SOURCES holds the packages of judged.toml, unpacked as NAME-VERSION. What is drawn from are pairs that `similar` would
show: of at most 300 functions of 4 to 60 lines of each package the ten nearest of all packages and the five nearest of
other packages, by each of five systems (words, structure, both fused, the student, all three fused), so that no model
decides alone what is judged. Equal code is left out: nobody needs to judge it. By each of three of the systems the
pairs are cut into bands of cosine, and the same number is drawn from every band; `weight` of a pair is the inverse of
the expected number of times that it is drawn, so that weighted shares are those of all pairs, whatever was drawn more
often. A function is in at most two pairs.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agentforge import languages, parse
from agentforge.embed import features
from agentforge.embed.interface import Snippet
from agentforge.measure import measure

SHORTEST, LONGEST = 4, 60
BANDS = (-1.0, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.01)
EVERYWHERE, ELSEWHERE = 10, 5
ASKED = 300


@dataclass(frozen=True, slots=True)
class Piece:
    """A function of a package; `key` is `package:path:line:qualified name`."""

    key: str
    package: str
    lines: int
    code_hash: str
    snippet: Snippet


def pieces(sources: Path) -> Iterator[Piece]:
    """All functions of all packages, in the order of their names."""
    for root in sorted(path for path in sources.iterdir() if path.is_dir()):
        for path in sorted(path for path in root.rglob("*") if path.is_file() and ".min." not in path.name):
            raw = path.read_bytes()
            language = languages.detect(path.name, raw[:4096])
            if language is not None and len(raw) < 700_000:
                yield from of_file(root.name, path.relative_to(root).as_posix(), raw, language)


def of_file(package: str, path: str, raw: bytes, language: str) -> Iterator[Piece]:
    """The functions of one file."""
    decoded = parse.decode(raw)
    parsed = parse.parse(language, decoded)
    found = measure(parsed, decoded).functions
    packed = features.extract(parsed, [(item.start_byte, item.end_byte) for item in found])
    for item, data in zip(found, packed, strict=True):
        key = f"{package}:{path}:{item.start_line}:{item.qualified_name}"
        snippet = Snippet(language, item.name, item.code, data)
        yield Piece(key, package, item.lines_of_code, item.code_hash, snippet)


def systems(found: list[Piece], weights: Path) -> dict[str, np.ndarray]:
    """Vectors of each system, rows of length 1 (or nearly)."""
    from agentforge.embed.fast import FastEmbedder
    from agentforge.embed.student import Student

    snippets = [item.snippet for item in found]
    words, structure = (part.astype(np.float32) for part in FastEmbedder().channels(snippets))
    meaning = Student(weights).vectors([(item.code, item.language) for item in snippets])

    def fused(*parts: tuple[float, np.ndarray]) -> np.ndarray:
        return np.hstack([np.float32(weight**0.5) * part for weight, part in parts])

    return {
        "words": words,
        "structure": structure,
        "words and structure": fused((0.6, words), (0.4, structure)),
        "student": meaning,
        "fused": fused((0.3, meaning), (0.3, words), (0.4, structure)),
    }


def asked(found: list[Piece], seed: int) -> np.ndarray:
    """Indexes of the functions of which others are looked for: so many of every package, so that none outweighs all."""
    rng = random.Random(seed)
    chosen = []
    for package in sorted({item.package for item in found}):
        here = [index for index, item in enumerate(found) if item.package == package]
        chosen += rng.sample(here, min(ASKED, len(here)))
    return np.array(sorted(chosen))


def pool(found: list[Piece], vectors: dict[str, np.ndarray], seed: int) -> list[tuple[int, int]]:
    """The pairs that are drawn from, (i, j) with i < j."""
    package = np.array([item.package for item in found])
    queries = asked(found, seed)
    pairs: set[tuple[int, int]] = set()
    for rows in vectors.values():
        for start in range(0, len(queries), 500):
            here = queries[start : start + 500]
            scores = rows[here] @ rows.T
            scores[np.arange(len(scores)), here] = -2
            for many, own in ((EVERYWHERE, False), (ELSEWHERE, True)):
                if own:
                    scores[package[here][:, None] == package[None, :]] = -2
                nearest = np.argpartition(-scores, many, axis=1)[:, :many]
                for one, others in zip(here.tolist(), nearest.tolist(), strict=True):
                    pairs.update((min(one, other), max(one, other)) for other in others)
    return sorted(pair for pair in pairs if found[pair[0]].code_hash != found[pair[1]].code_hash)


def nested(one: Piece, other: Piece) -> bool:
    """Whether one may lie inside the other: same file, and the name of one begins with that of the other."""
    first, second = one.key.split(":", 3), other.key.split(":", 3)
    return first[:2] == second[:2] and (first[3].startswith(second[3] + ".") or second[3].startswith(first[3] + "."))


def draw(found: list[Piece], vectors: dict[str, np.ndarray], size: int, seed: int) -> list[tuple[int, int, float]]:
    """Pairs with their weights."""
    pairs = [pair for pair in pool(found, vectors, seed) if not nested(found[pair[0]], found[pair[1]])]
    one, other = np.array(pairs).T
    names = ("words and structure", "student", "fused")
    bands = {
        name: np.digitize(np.einsum("ij,ij->i", vectors[name][one], vectors[name][other]), BANDS) for name in names
    }
    each = max(1, round(size / len(names) / (len(BANDS) - 1)))
    expected = np.zeros(len(pairs))
    for numbers in bands.values():
        counts = np.bincount(numbers, minlength=len(BANDS) + 1)
        expected += np.minimum(1, each / np.maximum(1, counts))[numbers]
    rng = random.Random(seed)
    used: Counter[int] = Counter()
    taken: dict[int, None] = {}
    for numbers in bands.values():
        for band in sorted(set(numbers.tolist())):
            here = [int(index) for index in np.flatnonzero(numbers == band)]
            rng.shuffle(here)
            left = each
            for index in here:
                if left and index not in taken and max(used[i] for i in pairs[index]) < 2:
                    taken[index] = None
                    used.update(pairs[index])
                    left -= 1
    order = list(taken)
    rng.shuffle(order)
    return [(*pairs[index], float(1 / expected[index])) for index in order]


def main() -> None:
    """Print what was drawn, as entries to be judged, or with the code of both for the reader."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--size", type=int, default=300)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    found = [item for item in pieces(arguments.sources) if SHORTEST <= item.lines <= LONGEST]
    drawn = draw(found, systems(found, arguments.weights), arguments.size, arguments.seed)
    for number, (one, other, weight) in enumerate(drawn, 1):
        print(f"[[pair]]\none = '{found[one].key}'\nother = '{found[other].key}'\nweight = {weight:.1f}")
        if arguments.show:
            print(f"#### {number}\n{found[one].snippet.code}\n----\n{found[other].snippet.code}\n")
        else:
            print("same = \n")


if __name__ == "__main__":
    main()
