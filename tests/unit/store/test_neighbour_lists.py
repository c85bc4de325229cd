"""Lists of neighbours as arrays: exact, whatever comes and goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agentforge.store.neighbour_lists import LENGTH, Lists

if TYPE_CHECKING:
    from numpy.typing import NDArray


def nearest_scores(vectors: NDArray[np.float32], row: int) -> NDArray[np.float32]:
    scores = vectors @ vectors[row]
    return np.sort(np.delete(scores, row))[::-1][:LENGTH]


@given(st.integers(0, 2**32), st.integers(2, 400), st.floats(0, 0.6), st.floats(0, 0.6))
@settings(max_examples=30, deadline=None)
def test_lists_stay_exact_whatever_goes_and_comes(seed: int, count: int, gone: float, new: float) -> None:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, 6))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    ids = np.cumsum(random.integers(1, 9, count))
    old = max(1, round(count * (1 - new)))
    before = Lists.empty(ids[:old], vectors[:old])
    before.refresh()
    kept = (random.random(count) >= gone) | (np.arange(count) >= old)
    if not kept.any():
        return
    after = Lists.empty(ids[kept], vectors[kept])
    after.know(ids[:old], np.array(before.named(np.arange(old))).reshape(old, LENGTH))
    after.refresh()
    exact = vectors[kept].astype(np.float32)
    for row in range(len(exact)):
        members = after.members[row][after.members[row] >= 0]
        assert row not in members
        assert len(set(members.tolist())) == len(members) >= min(48, len(exact) - 1)
        found = exact[members] @ exact[row]
        assert np.allclose(found, nearest_scores(exact, row)[: len(members)], atol=1e-5)
