"""Scores rise with cosines, and what ships is fitted to the models that ship."""

from __future__ import annotations

import itertools
import tomllib
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentforge.embed.calibration import Calibration, calibration, near_duplicate_score
from agentforge.embed.interface import load

CURVE = Calibration(((0.2, 0.0), (0.6, 0.4), (0.8, 0.9), (1.0, 1.0)), 0.8)
COSINES = st.floats(-1, 1)


@pytest.mark.parametrize(("cosine", "score"), [(-1, 0), (0.2, 0), (0.4, 0.2), (0.6, 0.4), (0.7, 0.65), (1.1, 1)])
def test_between_two_points_lies_a_straight_line(cosine: float, score: float) -> None:
    assert CURVE.score(cosine) == pytest.approx(score)


@given(COSINES, COSINES)
def test_what_is_nearer_has_no_lower_score(one: float, other: float) -> None:
    low, high = sorted((one, other))
    for curve in (CURVE, shipped()):
        assert 0 <= curve.score(low) <= curve.score(high) <= 1


@given(st.floats(0, 1))
def test_a_least_score_keeps_what_reaches_it_and_nothing_else(score: float) -> None:
    for curve in (CURVE, shipped()):
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
    assert calibration(load().name, "another version") == found


def test_the_default_model_is_calibrated() -> None:
    embedder = load()
    assert calibration(embedder.name, embedder.version).calibrated, (
        f"{embedder.name} {embedder.version} is not in calibration.toml: "
        "run benchmarks/similarity/calibrate.py SOURCES --write"
    )


def test_equal_code_has_a_score_of_1_and_near_duplicates_the_score_that_is_said() -> None:
    assert shipped().score(1.0) == 1.0
    assert shipped().score(shipped().near_duplicate) == pytest.approx(near_duplicate_score())


def test_every_curve_rises() -> None:
    table = tomllib.loads(resources.files("agentforge.embed").joinpath("calibration.toml").read_text("utf-8"))
    for entry in table["model"]:
        for (cosine, score), (right, above) in itertools.pairwise(entry["curve"]):
            assert cosine < right, entry["name"]
            assert score < above, entry["name"]


def shipped() -> Calibration:
    embedder = load()
    return calibration(embedder.name, embedder.version)
