"""The numbers of a pattern, and what a function must have."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from agentforge.embed.features import without_comments
from agentforge.embed.interface import Snippet
from agentforge.embed.patterns import LEAST, LEAST_DEVIATION, MOST, ONE_EXAMPLE, demands_met, shape_of
from agentforge.embed.snippets import parsed_snippet
from agentforge.patterns import Example, Pattern, shipped
from agentforge.patterns.words import has_words

if TYPE_CHECKING:
    from agentforge.embed.interface import Vectors

CODE = "def f(path):\n    # Never Open a socket\n    for line in open(path):\n        print(line)\n"


class Given:
    """An embedder whose vectors are given."""

    name, version, needs_features = "given", "1", True

    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        self.dimension = vectors.shape[1]

    def embed(self, snippets: Sequence[Snippet]) -> Vectors:
        assert len(snippets) == len(self.vectors)
        return self.vectors


def examples(number: int) -> list[Example]:
    return [Example("python", f"def f{index}(): pass") for index in range(number)]


def test_the_least_similarity_is_the_mean_less_the_spread_of_each_example_to_the_others() -> None:
    vectors = np.array([[1, 0.2, 0], [1, 0, 0.3], [1, 0.1, 0.1]], dtype=np.float32)
    shape = shape_of(examples(3), 1.5, Given(vectors))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    others = [unit[[1, 2]].sum(axis=0), unit[[0, 2]].sum(axis=0), unit[[0, 1]].sum(axis=0)]
    wanted = [float(row @ other / np.linalg.norm(other)) for row, other in zip(unit, others, strict=True)]
    assert shape.similarities == pytest.approx(wanted, abs=1e-6)
    deviation = max(np.std(wanted), LEAST_DEVIATION)
    assert shape.least == pytest.approx(min(MOST, np.mean(wanted) - 1.5 * deviation), abs=1e-6)
    assert np.linalg.norm(shape.centroid) == pytest.approx(1, abs=1e-6)


def test_of_one_example_only_what_is_nearly_the_same_falls_within() -> None:
    shape = shape_of(examples(1), 2.0, Given(np.array([[3, 4]], dtype=np.float32)))
    assert (shape.least, shape.similarities) == (ONE_EXAMPLE, (1.0,))
    assert shape.centroid == pytest.approx([0.6, 0.8])


def test_examples_that_have_nothing_in_common_do_not_let_everything_in() -> None:
    shape = shape_of(examples(4), 2.0, Given(np.eye(4, dtype=np.float32)))
    assert shape.least == LEAST
    assert shape.mean == pytest.approx(0)


@given(
    arrays.arrays(np.float32, st.tuples(st.integers(2, 8), st.just(5)), elements=st.floats(0.125, 1, width=32)),
    st.floats(0, 5),
)
def test_a_wider_spread_never_lets_less_in(vectors: Vectors, spread: float) -> None:
    embedder = Given(vectors)
    narrow, wide = (shape_of(examples(len(vectors)), value, embedder) for value in (spread, spread + 1))
    assert LEAST <= wide.least <= narrow.least <= MOST


def pattern(**changes: Any) -> Pattern:
    plain = dataclasses.replace(shipped()[0], words=(), not_words=(), kinds=())
    return dataclasses.replace(plain, **changes)


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ({}, True),
        ({"words": (("open(", "fopen"), ("print",))}, True),
        ({"words": (("open(",), ("socket",))}, False),  # only a comment says so
        ({"not_words": ("socket",)}, True),
        ({"not_words": ("print(",)}, False),
        ({"kinds": ("loop", "call")}, True),
        ({"kinds": ("loop", "try")}, False),
    ],
)
def test_what_a_pattern_demands(changes: dict[str, Any], met: bool) -> None:
    parsed = parsed_snippet(CODE, "python")[1]
    code = without_comments(parsed).lower()
    assert demands_met(pattern(**changes), code, parsed, (0, len(code))) is met


def test_words_are_found_whatever_their_case() -> None:
    assert has_words(pattern(words=(("getinstance",),)), b"return Registry.getInstance()".lower())
