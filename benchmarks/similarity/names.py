"""Whether the names of functions, their parameters and what they call help `similar`, beside the vectors.

    export PYTHONPATH=training:benchmarks:benchmarks/similarity
    python benchmarks/similarity/names.py EVALUATION JUDGED [--sets FILE] [--model NAME|FOLDER]

EVALUATION holds the packages of sets.toml, JUDGED those of judged.toml. To the cosine of a pair is added a weight times
how alike two names are (shared sub-tokens, each by its rarity, of all), the same of parameters, and of called names.
Weights are those with the best mean MRR over the sets of the first half; the second half says what they are worth.
Beside it: the area under the ROC curve over the judged pairs, where a function and its other version do not occur.
"""

from __future__ import annotations

import argparse
import itertools
import pickle
import re
from pathlib import Path

import calibrate
import evaluate
import numpy as np
import sets

from agentforge import parse
from agentforge.embed.explain import calls
from agentforge.embed.features import sub_tokens
from agentforge.embed.hashed import HashedEmbedder
from agentforge.embed.interface import DEFAULT_MODEL, Snippet, load
from agentforge.embed.meaning import TEXT
from agentforge.embed.snippets import parsed_snippet

GRID = (0.0, 0.05, 0.1, 0.2, 0.4)
RARITY = HashedEmbedder()
_PARAMETERS = re.compile(r"\(([^()]*)\)")
_WORD = re.compile(r"[A-Za-z_]\w*")


def weights_of(names: list[str]) -> dict[str, float]:
    """The sub-tokens of some names with their rarity."""
    return {token: RARITY.rarity(f"s:{token}") + 0.1 for name in names for token in sub_tokens(name)}


def read(snippet: Snippet) -> tuple[dict[str, float], ...]:
    """Name, parameters and calls of a function; empty where there is nothing, as for a sentence."""
    if snippet.language in (None, TEXT) or not snippet.code:
        return {}, {}, {}
    head = _PARAMETERS.search(snippet.code[:1000])
    parameters = _WORD.findall(head[1]) if head else []
    try:
        called = calls(parsed_snippet(snippet.code, snippet.language)[1])
    except parse.ParseTimeoutError:
        called = {}
    rare = {name: RARITY.rarity(f"c:{name}") + 0.1 for name in called if name != "".join(sub_tokens(snippet.name))}
    return weights_of([snippet.name]), weights_of(parameters), rare


def alike(one: dict[str, float], other: dict[str, float]) -> float:
    """The weight of what both have, of what either has."""
    total = sum((one | other).values())
    return sum(one[token] for token in one.keys() & other.keys()) / total if total else 0.0


def matrices(item: sets.Set, model: str) -> list[np.ndarray]:
    """Cosines, and how alike names, parameters and calls are, each of shape (queries, corpus)."""
    embedder = load(model)
    queries, corpus = item.task.queries, item.task.corpus
    ones, others = [read(query) for query in queries], [read(piece) for piece in corpus]
    parts = [np.array([[alike(one[k], other[k]) for other in others] for one in ones]) for k in range(3)]
    return [embedder.embed(queries) @ embedder.embed(corpus).T, *parts]


def mrr(item: sets.Set, scores: np.ndarray) -> float:
    """In percent."""
    return float(evaluate.figures(scores, item)[:, evaluate.MRR].mean())


def main() -> None:
    """Choose, report, and look at the judged pairs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluation", type=Path)
    parser.add_argument("judged", type=Path)
    parser.add_argument("--sets", type=Path, help="keeps the sets between runs")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    arguments = parser.parse_args()
    if arguments.sets and arguments.sets.exists():
        every = pickle.loads(arguments.sets.read_bytes())
    else:
        every = list(sets.all_sets(arguments.evaluation))
        if arguments.sets:
            arguments.sets.write_bytes(pickle.dumps(every))
    found = [(item, matrices(item, arguments.model)) for item in every]
    grid = list(itertools.product(GRID, repeat=3))

    def fused(parts: list[np.ndarray], weights: tuple[float, ...]) -> np.ndarray:
        total: np.ndarray = parts[0] + sum(w * part for w, part in zip(weights, parts[1:], strict=True))
        return total

    first = [pair for pair in found if pair[0].half == 0]
    best = max(grid, key=lambda weights: np.mean([mrr(item, fused(parts, weights)) for item, parts in first]))
    print(f"weights of name, parameters, calls: {best}")
    print("| MRR | cosine | fused |\n|---|---|---|")
    for item, parts in found:
        print(
            f"| {item.name}{'' if item.half else '*'} "
            f"| {mrr(item, parts[0]):.1f} | {mrr(item, fused(parts, best)):.1f} |"
        )
    for half in (0, 1):
        here = [pair for pair in found if pair[0].half == half]
        means = [np.mean([mrr(item, fused(parts, weights)) for item, parts in here]) for weights in ((0, 0, 0), best)]
        print(f"| mean of those {'without' if half else 'with'} a star | {means[0]:.1f} | {means[1]:.1f} |")
    judged_pairs(arguments.judged, arguments.model, best)


def judged_pairs(sources: Path, model: str, weights: tuple[float, ...]) -> None:
    """The area under the ROC curve of the cosine, of each part alone, and of what was chosen."""
    rows = calibrate.judged()
    pieces = calibrate.functions(sources, {row[side] for row in rows for side in ("one", "other")})
    y = np.array([row["same"] for row in rows], dtype=np.float64)
    x = calibrate.cosines(load(model).embed, rows, pieces)
    read_rows = [(read(pieces[row["one"]].snippet), read(pieces[row["other"]].snippet)) for row in rows]
    parts = [np.array([alike(one[k], other[k]) for one, other in read_rows]) for k in range(3)]
    print(f"\njudged pairs, area under the ROC curve: cosine {calibrate.area(x, y):.3f}")
    for name, part in zip(("name", "parameters", "calls"), parts, strict=True):
        sums = ", ".join(f"+ {weight} x it {calibrate.area(x + weight * part, y):.3f}" for weight in GRID[1:])
        print(f"  {name} alone {calibrate.area(part, y):.3f}; cosine {sums}")
    total = x + sum(weight * part for weight, part in zip(weights, parts, strict=True))
    print(f"  with the weights above {calibrate.area(total, y):.3f}")


if __name__ == "__main__":
    main()
