"""What a cosine means: the share of pairs of functions with it that a reader judged the same (docs/calibration.md).

The curves are data, `calibration.toml`, made by benchmarks/similarity/calibrate.py from pairs that were judged. A curve
holds for one version of one model, and either for its cosines, which `duplicates` compares, or for what `fused` makes
of them, which `similar` does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from agentforge.embed.packaged import table

Point = tuple[float, float]
_FITTED = frozenset(("fit", "pairs", "curve"))


@dataclass(frozen=True, slots=True)
class Calibration:
    """From cosines of one model, or from what is made of them, to scores.

    Attributes:
        curve: (cosine, score) with both rising, straight lines between them; empty where the model was never
            calibrated: its scores are its cosines then.
        near_duplicate: least cosine of two functions that are called nearly the same.
    """

    curve: tuple[Point, ...]
    near_duplicate: float

    @property
    def calibrated(self) -> bool:
        """Whether a score is the share of pairs that were judged the same."""
        return bool(self.curve)

    def score(self, cosine: float) -> float:
        """The score of a cosine, 0 to 1; below 0 only where nothing was calibrated."""
        if not self.curve:
            return min(1.0, cosine)
        return _interpolated(self.curve, cosine)

    def cosine(self, score: float) -> float:
        """The least cosine that has this score; -1 where all have it."""
        if not self.curve:
            return score
        if score <= self.curve[0][1]:
            return -1.0
        return _interpolated([(value, cosine) for cosine, value in self.curve], score)


def _interpolated(points: Sequence[Point], place: float) -> float:
    """The height of a line through points at a place; beyond its ends that of the end. Of a step its lower end."""
    index = bisect_left(points, place, key=lambda point: point[0])
    if index == 0:
        return points[0][1]
    if index == len(points):
        return points[-1][1]
    (left, low), (right, high) = points[index - 1], points[index]
    return low + (high - low) * (place - left) / (right - left)


def weights() -> tuple[float, ...]:
    """By how much names, parameters and calls count (`traits.parts`); they add up to less than 1."""
    return tuple(_table()["weights"].values())


def fused(cosine: float, alike: float) -> float:
    """A cosine, brought nearer to 1 by that share of what it lacks which two functions are alike, below 1."""
    return 1 - (1 - cosine) * (1 - alike)


def least_cosine(value: float) -> float:
    """The least cosine of which `fused` may make a value."""
    return max(-1.0, 1 - (1 - value) / (1 - sum(weights())))


def calibration(model: str, version: str) -> Calibration:
    """That of the cosines of a model, or one without a curve where there is none of this version."""
    return _found({"name": model, "version": version})


def of_fused(model: str, version: str, *, without_meaning: bool = False) -> Calibration:
    """That of the cosines of a model as `fused` raises them, or one without a curve.

    Args:
        model: its name.
        version: of the model.
        without_meaning: that of vectors in which the meaning is not filled in yet.
    """
    wanted: dict[str, Any] = {"name": model, "version": version, "weights": list(weights())}
    return _found(wanted | ({"without_meaning": True} if without_meaning else {}))


def _found(wanted: dict[str, Any]) -> Calibration:
    curves = _table()
    levels = curves["near_duplicates"]
    for entry in curves.get("model", ()):
        if {key: value for key, value in entry.items() if key not in _FITTED} == wanted:
            fitted = Calibration(tuple((float(x), float(y)) for x, y in entry["curve"]), 1.0)
            return Calibration(fitted.curve, fitted.cosine(levels["score"]))
    return Calibration((), levels["cosine"])


def of_comparable(layout: Sequence[int], model: str, version: str) -> Calibration:
    """That of the vectors which `hybrid.comparable` makes: for a model of several channels that of the model `fast`.

    Args:
        layout: of the model, as `Embedder.layout`.
        model: its name.
        version: of the model.
    """
    if not layout:
        return calibration(model, version)
    from agentforge.embed.interface import FAST_MODEL, load

    fast = load(FAST_MODEL)
    return calibration(fast.name, fast.version)


@cache
def _table() -> dict[str, Any]:
    return table("calibration.toml", ("near_duplicates", "weights"))
