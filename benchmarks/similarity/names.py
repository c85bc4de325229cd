"""What names, parameters and calls of functions add to the cosines of their vectors, in the order of `similar`.

    export PYTHONPATH=training:benchmarks:benchmarks/similarity
    python benchmarks/similarity/names.py EVALUATION JUDGED [--sets FILE] [--model NAME|FOLDER] [--nearest 20]

EVALUATION holds the packages of sets.toml, JUDGED those of judged.toml. As `similar` does, the nearest of each query
are ranked anew by `calibration.fused` of their cosine and a weighted sum of `traits.parts`. Weights are chosen on one
half and reported on the other: the best are those with the highest sum of the MRR over the sets of the first half,
kinds of sets counting alike, and of the area under the ROC curve over judged pairs of every other package. Printed are
those of calibration.toml, too, and each part alone.
"""

from __future__ import annotations

import argparse
import itertools
import pickle
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import calibrate
import evaluate
import numpy as np
import sets

from agentforge.embed.calibration import fused, weights
from agentforge.embed.interface import DEFAULT_MODEL, Embedder, Snippet, load
from agentforge.embed.meaning import TEXT
from agentforge.embed.traits import Traits, parts

Values = np.ndarray
Weights = tuple[float, ...]
PARTS = ("name", "number of parameters", "calls")
GRIDS = ((0.0, 0.1, 0.2, 0.3, 0.4), (0.0, 0.05, 0.1, 0.2), (0.0, 0.2, 0.3, 0.4, 0.5, 0.6))
# However alike two functions are, a tenth of what their cosine lacks to 1 is left.
STRONGEST = 0.9
SHOWN = (evaluate.MRR, 0, 2)


@cache
def read(snippet: Snippet) -> Traits | None:
    """The traits of a function; of a sentence there are none."""
    return None if snippet.language in (None, TEXT) or not snippet.code else calibrate.traits_of(snippet)


def compared(one: Snippet, other: Snippet) -> tuple[float, ...]:
    """How alike two are in each part."""
    mine, its = read(one), read(other)
    return parts(mine, its) if mine and its else (0.0,) * len(PARTS)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A set with what is nearest to each query.

    Attributes:
        cosines: shape (queries, corpus).
        top: places of the nearest, shape (queries, nearest).
        parts: of those, shape (queries, nearest, parts).
    """

    item: sets.Set
    cosines: Values
    top: Values
    parts: Values

    def figures(self, chosen: Weights) -> Values:
        """Means over the queries, as `evaluate.NAMES` has them; what is not among the nearest comes behind them."""
        scores = self.cosines - 2
        near = fused(np.take_along_axis(self.cosines, self.top, 1), self.parts @ chosen)
        np.put_along_axis(scores, self.top, near, 1)
        means: Values = evaluate.figures(scores, self.item).mean(0)
        return means


def ranked(item: sets.Set, embedder: Embedder, nearest: int) -> Ranked:
    """Find what is nearest, what does not count left out, and read it."""
    task = item.task
    cosines = (embedder.embed(task.queries) @ embedder.embed(task.corpus).T).astype(np.float64)
    for row, right, ignored in zip(cosines, task.right, task.ignored, strict=True):
        row[sorted(ignored - right)] = -1
    top = np.argsort(-cosines, axis=1, kind="stable")[:, :nearest]
    near = [
        [compared(query, task.corpus[place]) for place in places]
        for query, places in zip(task.queries, top, strict=True)
    ]
    return Ranked(item, cosines, top, np.array(near))


def by_kind(found: Iterable[Ranked], half: int, chosen: Weights) -> dict[str, Values]:
    """The means of each kind of sets of a half."""
    here = [each for each in found if each.item.half == half]
    return {
        kind: np.mean([each.figures(chosen) for each in here if each.item.name.startswith(kind)], axis=0)
        for kind in evaluate.KINDS
    }


def mean(kinds: dict[str, Values]) -> Values:
    """Of all kinds."""
    means: Values = np.mean(list(kinds.values()), axis=0)
    return means


@dataclass(frozen=True, slots=True)
class Judged:
    """The judged pairs: cosines, parts, whether they are the same, and in which half their package is."""

    cosines: Values
    parts: Values
    same: Values
    half: Values

    def area(self, chosen: Weights, half: int | None = None) -> float:
        """Under the ROC curve, of all or of a half."""
        here = np.full(len(self.same), True) if half is None else self.half == half
        return calibrate.area(fused(self.cosines, self.parts @ chosen)[here], self.same[here])


def judged(sources: Path, embedder: Embedder) -> Judged:
    """Read them."""
    rows = calibrate.judged()
    pieces = calibrate.functions(sources, {row[side] for row in rows for side in ("one", "other")})
    return Judged(
        calibrate.cosines(embedder.embed, rows, pieces),
        calibrate.likeness(rows, pieces),
        np.array([row["same"] for row in rows], dtype=np.float64),
        calibrate.packages(rows) % 2,
    )


def best(found: list[Ranked], pairs: Judged) -> Weights:
    """The weights that are best on the first halves."""
    grid = [chosen for chosen in itertools.product(*GRIDS) if sum(chosen) <= STRONGEST + 1e-9]
    return max(grid, key=lambda chosen: mean(by_kind(found, 0, chosen))[evaluate.MRR] + 100 * pairs.area(chosen, 0))


def report(found: list[Ranked], pairs: Judged) -> None:
    """Choose, and print every row."""
    nothing = (0.0,) * len(PARTS)
    each = {f"{name} alone": tuple(float(part == name) * 0.3 for part in PARTS) for name in PARTS}
    rows = {"cosine": nothing, **each, "shipped": weights(), "best on the first half": best(found, pairs)}
    print(f"| weights of {', '.join(PARTS)} | with a star | the others | P@1 | MAP@R | {' | '.join(evaluate.KINDS)} "
          "| area | first packages | the others |")  # fmt: skip
    print("|---" * (7 + len(evaluate.KINDS)) + "|")
    for name, chosen in rows.items():
        kinds = by_kind(found, 1, chosen)
        figures = [mean(by_kind(found, 0, chosen))[evaluate.MRR], *mean(kinds)[list(SHOWN)]]
        figures += [kind[evaluate.MRR] for kind in kinds.values()]
        areas = [pairs.area(chosen, half) for half in (None, 0, 1)]
        told = ", ".join(f"{weight:g}" for weight in chosen)
        print(
            f"| {name}: {told} | " + " | ".join([*(f"{x:.1f}" for x in figures), *(f"{x:.3f}" for x in areas)]) + " |"
        )


def main() -> None:
    """Read, choose and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluation", type=Path)
    parser.add_argument("judged", type=Path)
    parser.add_argument("--sets", type=Path, help="keeps the sets between runs")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--nearest", type=int, default=20, help="so many are ranked anew")
    arguments = parser.parse_args()
    every = kept(arguments.sets, lambda: list(sets.all_sets(arguments.evaluation)))
    embedder = load(arguments.model)
    report([ranked(item, embedder, arguments.nearest) for item in every], judged(arguments.judged, embedder))


def kept(file: Path | None, make: Callable[[], Any]) -> Any:
    """What a file keeps, made where there is none."""
    if file and file.exists():
        return pickle.loads(file.read_bytes())
    made = make()
    if file:
        file.write_bytes(pickle.dumps(made))
    return made


if __name__ == "__main__":
    main()
