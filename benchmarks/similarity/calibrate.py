"""Fit a model's cosines to what a reader judged, and say how well: predicted and judged share, band by band.

    python benchmarks/similarity/calibrate.py SOURCES [--model NAME|FOLDER]... [--write]

SOURCES holds the packages of judged.toml, unpacked as NAME-VERSION. Without --model the default one and `fast` are
fitted; one whose vectors have no meaning at first is fitted with and without it. What is fitted is what `similar` ranks
by, the cosine raised by names, parameters and calls (`calibration.fused`); and of models whose vectors `duplicates`
compares as they are, the cosine, too. --write puts the curves into agentforge/embed/calibration.toml and leaves those
of other models as they are.

Three fits are compared by ten-fold cross-validation, weighted log loss: logistic regression, beta calibration (Kull et
al. 2017), and centred isotonic regression (Oron and Flournoy 2017), which is pool-adjacent-violators with each block at
its mean cosine and straight lines between. Taken is the first of them, the smoothest, that is within 1 % of the best.
Within a band of cosine a pair counts by its weight (pairs.py). Equal code has a cosine of 1 and was not judged: the
curve ends at (1, 1).
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pairs

import agentforge
from agentforge import languages
from agentforge.embed.calibration import Calibration, fused, weights
from agentforge.embed.fast import FastEmbedder
from agentforge.embed.interface import DEFAULT_MODEL, FAST_MODEL, Embedder, Snippet, load, staged
from agentforge.embed.snippets import parsed_snippet
from agentforge.embed.traits import Traits, parts, traits

HERE = Path(__file__).parent
RARITY = FastEmbedder()
CURVES = Path(agentforge.__file__).parent / "embed" / "calibration.toml"
BANDS = (-1.0, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.01)
SCORES = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.01)
FOLDS = 10
SURE = 0.99
AS_GOOD = 1.01
Values = np.ndarray
Fit = Callable[[Values, Values, Values], list[tuple[float, float]]]


def judged() -> list[dict[str, Any]]:
    """The pairs with their judgements."""
    found: list[dict[str, Any]] = tomllib.loads((HERE / "judged.toml").read_text("utf-8"))["pair"]
    return found


def functions(sources: Path, keys: set[str]) -> dict[str, pairs.Piece]:
    """The functions of these keys, read from their files only.

    Raises:
        SystemExit: one is not there; says which.
    """
    found = {}
    for package, path in sorted({tuple(key.split(":", 2)[:2]) for key in keys}):
        file = sources / package / path
        if not file.is_file():
            raise SystemExit(f"There is no {file}: SOURCES must hold the packages that judged.toml names.")
        raw = file.read_bytes()
        language = languages.detect(file.name, raw[:4096])
        found.update((item.key, item) for item in pairs.of_file(package, path, raw, language or ""))
    if missing := sorted(keys - found.keys()):
        raise SystemExit(f"Not found: {missing[0]}. Is the package of that version?")
    return found


def cosines(
    embed: Callable[[list[Snippet]], Values], rows: Sequence[dict[str, Any]], found: dict[str, pairs.Piece]
) -> Values:
    """The cosine of each pair."""
    vectors = embed([found[row[side]].snippet for row in rows for side in ("one", "other")])
    products: Values = np.einsum("ij,ij->i", vectors[::2], vectors[1::2]).astype(np.float64)
    return products


def traits_of(snippet: Snippet) -> Traits:
    """What a piece of code is called, takes and calls."""
    parsed = parsed_snippet(snippet.code, snippet.language or "")[1]
    return traits(snippet.name, parsed, RARITY.rarity)


def likeness(rows: Sequence[dict[str, Any]], found: dict[str, pairs.Piece]) -> Values:
    """How alike the two of each pair are in each of the `parts`, shape (pairs, parts)."""
    known = {key: traits_of(piece.snippet) for key, piece in found.items()}
    return np.array([parts(known[row["one"]], known[row["other"]]) for row in rows])


def balanced(x: Values, weight: Values) -> Values:
    """The weights, scaled so that each band of cosine counts by the pairs that were read in it.

    Whatever depends on the cosine alone may scale weights, as the share of the same at a cosine does not change by it;
    without, the many pairs that nobody takes for the same would decide the curve.
    """
    band = np.digitize(x, BANDS)
    read, total = np.bincount(band), np.bincount(band, weights=weight)
    scaled: Values = weight * (read / np.where(total == 0, 1, total))[band]
    return scaled


def newton(design: Values, y: Values, weight: Values) -> Values:
    """The parameters of a logistic regression, with a slight pull to 0."""
    parameters = np.zeros(design.shape[1])
    pull = 1e-2 * np.eye(len(parameters))
    for _ in range(100):
        p = 1 / (1 + np.exp(-design @ parameters))
        bend = (design * (weight * p * (1 - p))[:, None]).T @ design + pull
        step = np.linalg.solve(bend, design.T @ (weight * (y - p)) - pull @ parameters)
        parameters += step
        if np.abs(step).max() < 1e-9:
            break
    return parameters


def regression(terms: Callable[[Values], Values]) -> Fit:
    """The curve of a logistic regression over some terms of the cosine, in steps of 0.02."""

    def fit(x: Values, y: Values, weight: Values) -> list[tuple[float, float]]:
        parameters = newton(terms(x), y, weight)
        grid = np.arange(0, 0.99, 0.02)
        p = np.maximum.accumulate(1 / (1 + np.exp(-terms(grid) @ parameters)))
        return rising([*((float(one), float(other)) for one, other in zip(grid, p, strict=True)), (1.0, 1.0)])

    return fit


def line(x: Values) -> Values:
    """Of logistic regression: the cosine."""
    return np.stack([np.ones_like(x), x - 0.7], 1)


def beta(x: Values) -> Values:
    """Of beta calibration (Kull et al. 2017): the logarithms of the cosine and of what it lacks to 1."""
    inside = np.clip(x, 0.01, 0.995)
    return np.stack([np.ones_like(x), np.log(inside), -np.log(1 - inside)], 1)


def isotonic(x: Values, y: Values, weight: Values) -> list[tuple[float, float]]:
    """The curve through the blocks of pool-adjacent-violators, each at its mean cosine, up to (1, 1)."""
    order = np.argsort(x, kind="stable")
    blocks: list[list[float]] = []  # weight, weighted share, weighted cosine
    for index in order:
        blocks.append([weight[index], weight[index] * y[index], weight[index] * x[index]])
        while len(blocks) > 1 and blocks[-2][1] * blocks[-1][0] >= blocks[-1][1] * blocks[-2][0]:
            last = blocks.pop()
            blocks[-1] = [one + other for one, other in zip(blocks[-1], last, strict=True)]
    points = [(float(block[2] / block[0]), float(block[1] / block[0])) for block in blocks]
    return rising([*points, (1.0, 1.0)])


def rising(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those that lie right of and above the one before."""
    kept = [points[0]]
    for x, y in points[1:-1]:
        if x > kept[-1][0] + 1e-4 and kept[-1][1] + 1e-4 < y < 1:
            kept.append((x, y))
    return [*kept, points[-1]]


def tenths(count: int) -> Values:
    """The number of one of ten parts for each of so many pairs, drawn with a fixed seed."""
    parts: Values = np.random.default_rng(0).permutation(count) % FOLDS
    return parts


def packages(rows: Sequence[dict[str, Any]]) -> Values:
    """The number of the package of the first function of each pair."""
    names = [row["one"].split(":", 1)[0] for row in rows]
    return np.array([sorted(set(names)).index(name) for name in names])


def log_loss(fit: Fit, x: Values, y: Values, weight: Values, part: Values) -> float:
    """Weighted log loss on what was left out of the fit: each part in turn."""
    total = 0.0
    for number in range(int(part.max()) + 1):
        out = part == number
        curve = Calibration(tuple(fit(x[~out], y[~out], weight[~out])), 1.0)
        p = np.clip([curve.score(float(cosine)) for cosine in x[out]], 1 - SURE, SURE)
        total -= float((weight[out] * np.where(y[out] == 1, np.log(p), np.log(1 - p))).sum())
    return total / float(weight.sum())


def table(name: str, x: Values, y: Values, weight: Values, curve: Calibration) -> str:
    """Pairs, share judged the same as drawn and weighted, and what the curve says, by bands of x and of the score."""
    p = np.array([curve.score(float(cosine)) for cosine in x])
    lines = []
    for title, value, edges in ((name, x, BANDS), ("score", p, SCORES)):
        lines += [f"| {title} | pairs judged | the same | weighted | score |", "|---|---|---|---|---|"]
        for low, high in itertools.pairwise(edges):
            here = (value >= low) & (value < high)
            if here.any():
                said = np.average(y[here], weights=weight[here])
                band = f"below {high}" if low < 0 else f"{low} to {min(high, 1)}"
                mean = np.average(p[here], weights=weight[here])
                lines.append(f"| {band} | {here.sum()} | {y[here].mean():.2f} | {said:.2f} | {mean:.2f} |")
        lines.append("")
    return "\n".join(lines)


def area(x: Values, y: Values) -> float:
    """The share of (same, not same) in which the same has the higher cosine: the area under the ROC curve."""
    wins = x[y == 1][:, None] - x[y == 0][None, :]
    return float((wins > 0).mean() + (wins == 0).mean() / 2)


def write(key: dict[str, Any], fit: str, points: Sequence[tuple[float, float]], count: int) -> None:
    """Put one curve in place of what calibration.toml had of it.

    Args:
        key: name and version of the model; `weights` of what was fused, where it is no cosine; `without_meaning`.
        fit: how it was fitted.
        points: of the curve.
        count: of the judged pairs.
    """
    head, *entries = re.split(r"(?m)^(?=\[\[model\]\])", CURVES.read_text("utf-8"))
    kept = []
    for entry in entries:
        found = tomllib.loads(entry)["model"][0]
        if any(found.get(name) != key.get(name) for name in ("name", "without_meaning")) or (
            ("weights" in found) != ("weights" in key)
        ):
            kept.append(entry.strip())
    curve = ", ".join(f"[{x:.4f}, {y:.4f}]" for x, y in points)
    told = "".join(f"{name} = {json.dumps(value)}\n" for name, value in key.items())
    kept.append(f"[[model]]\n{told}fit = {json.dumps(fit)}\npairs = {count}\ncurve = [{curve}]")
    CURVES.write_text("\n\n".join([head.strip(), *sorted(kept)]) + "\n", "utf-8")


def main() -> None:
    """Fit, print, and write where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path)
    parser.add_argument("--model", action="append", metavar="NAME")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    rows = judged()
    found = functions(arguments.sources, {row[side] for row in rows for side in ("one", "other")})
    y = np.array([row["same"] for row in rows], dtype=np.float64)
    weight = np.array([row["weight"] for row in rows])
    alike = likeness(rows, found) @ weights()
    for model in arguments.model or [DEFAULT_MODEL, FAST_MODEL]:
        embedder = load(model)
        for key, x in values(embedder, rows, found, alike):
            name = "raised cosine" if "weights" in key else "cosine"
            best, points = fitted(" ".join(map(str, key.values())), name, x, y, weight, packages(rows))
            if arguments.write:
                write(key, best, points, len(rows))


def values(
    embedder: Embedder, rows: Sequence[dict[str, Any]], found: dict[str, pairs.Piece], alike: Values
) -> Iterator[tuple[dict[str, Any], Values]]:
    """What is fitted of a model, each by what calibration.toml calls it."""
    model = {"name": embedder.name, "version": embedder.version}
    whole = cosines(embedder.embed, rows, found)
    if not any(embedder.layout[:1]):
        yield model, whole
    key = {**model, "weights": list(weights())}
    yield key, fused(whole, alike)
    if two_steps := staged(embedder):
        yield {**key, "without_meaning": True}, fused(cosines(two_steps.partial, rows, found), alike)


def fitted(
    title: str, name: str, x: Values, y: Values, weight: Values, package: Values
) -> tuple[str, list[tuple[float, float]]]:
    """The best fit by its name, and its curve; what is known of it is printed, `name` saying what x is."""
    fits: dict[str, Fit] = {"logistic": regression(line), "beta": regression(beta), "isotonic": isotonic}
    scaled = balanced(x, weight)
    losses = {name: log_loss(fit, x, y, scaled, tenths(len(x))) for name, fit in fits.items()}
    best = next(name for name, loss in losses.items() if loss <= min(losses.values()) * AS_GOOD)
    points = fits[best](x, y, scaled)
    curve = Calibration(tuple(points), 1.0)
    print(f"{title}: {len(x)} pairs, {int(y.sum())} the same, area under the ROC curve {area(x, y):.3f}")
    print(", ".join(f"log loss of {name} {loss:.4f}" for name, loss in losses.items()))
    print(f"with one package after the other left out: {log_loss(fits[best], x, y, scaled, package):.4f}")
    print(f"{best}: a score of 0.5 from {name} {curve.cosine(0.5):.3f}, 0.9 from {curve.cosine(0.9):.3f}\n")
    print(table(name, x, y, weight, curve))
    return best, points


if __name__ == "__main__":
    main()
