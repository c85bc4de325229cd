"""Scores rise with cosines, and what ships is fitted to the models that ship."""

from __future__ import annotations

import itertools
import tomllib
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentforge.embed.calibration import (
    Calibration,
    calibration,
    fused,
    least_cosine,
    of_fused,
    weights,
)
from agentforge.embed.interface import FAST_MODEL, load
from agentforge.embed.packaged import table

CURVE = Calibration(((0.2, 0.0), (0.6, 0.4), (0.8, 0.9), (1.0, 1.0)), 0.8)
COSINES = st.floats(-1, 1)


@pytest.mark.parametrize(("cosine", "score"), [(-1, 0), (0.2, 0), (0.4, 0.2), (0.6, 0.4), (0.7, 0.65), (1.1, 1)])
def test_between_two_points_lies_a_straight_line(cosine: float, score: float) -> None:
    assert CURVE.score(cosine) == pytest.approx(score)


@given(COSINES, COSINES)
def test_what_is_nearer_has_no_lower_score(one: float, other: float) -> None:
    low, high = sorted((one, other))
    for curve in (CURVE, shipped(), cosines()):
        assert 0 <= curve.score(low) <= curve.score(high) <= 1


@given(st.floats(0, 1))
def test_a_least_score_keeps_what_reaches_it_and_nothing_else(score: float) -> None:
    for curve in (CURVE, shipped(), cosines()):
        least = curve.cosine(score)
        assert curve.score(least) >= score - 1e-9
        if score > 0.01:
            assert curve.score(least) == pytest.approx(score)
            assert curve.score(least - 0.02) < score


def test_a_model_that_nobody_calibrated_has_its_cosines_for_scores() -> None:
    found = calibration("somebody's", "1")
    assert not found.calibrated
    assert [found.score(cosine) for cosine in (-0.5, 0.3, 1.0000001)] == [-0.5, 0.3, 1.0]
    assert found.cosine(0.7) == 0.7
    assert of_fused(load().name, "another version") == found


def test_what_ships_is_calibrated() -> None:
    hybrid, fast = load(), load(FAST_MODEL)
    curves = {
        "hybrid": of_fused(hybrid.name, hybrid.version),
        "hybrid without meaning": of_fused(hybrid.name, hybrid.version, without_meaning=True),
        "fast": of_fused(fast.name, fast.version),
        "cosines of fast": calibration(fast.name, fast.version),
    }
    lacking = [name for name, curve in curves.items() if not curve.calibrated]
    assert not lacking, "not in calibration.toml: run benchmarks/similarity/calibrate.py SOURCES --write"


def test_equal_code_has_a_score_of_1_and_near_duplicates_the_score_that_is_said() -> None:
    for curve in (shipped(), cosines()):
        assert curve.score(1.0) == 1.0
    said = table("calibration.toml", ("near_duplicates",))["near_duplicates"]["score"]
    assert cosines().score(cosines().near_duplicate) == pytest.approx(said)


@given(COSINES, st.floats(0, sum(weights())), st.floats(0, 1))
def test_nothing_that_reaches_a_score_lies_below_the_least_cosine(cosine: float, alike: float, wanted: float) -> None:
    assert cosine - 1e-9 <= fused(cosine, alike) <= 1
    if fused(cosine, alike) >= wanted:
        assert cosine >= least_cosine(wanted) - 1e-9


def test_every_curve_rises() -> None:
    table = tomllib.loads(resources.files("agentforge.embed").joinpath("calibration.toml").read_text("utf-8"))
    for entry in table["model"]:
        for (cosine, score), (right, above) in itertools.pairwise(entry["curve"]):
            assert cosine < right, entry["name"]
            assert score < above, entry["name"]


def shipped() -> Calibration:
    embedder = load()
    return of_fused(embedder.name, embedder.version)


def cosines() -> Calibration:
    embedder = load(FAST_MODEL)
    return calibration(embedder.name, embedder.version)
