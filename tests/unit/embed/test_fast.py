from collections.abc import Callable

import numpy as np
import pytest

from agentforge.embed.fast import WORDS_WEIGHT, FastEmbedder
from agentforge.embed.features import EMPTY
from agentforge.embed.interface import Snippet, load

Make = Callable[..., Snippet]
READ = "def read_config(path):\n    with open(path) as stream:\n        return json.load(stream)\n"
OTHER = "def area(self):\n    total = 0\n    for side in self.sides:\n        total += side ** 2\n    return total\n"


def test_shape_type_and_length(snippet: Make):
    embedder = load("fast")
    vectors = embedder.embed([snippet(READ), snippet(OTHER)])
    assert vectors.shape == (2, embedder.dimension) == (2, 192)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_none():
    assert load("fast").embed([]).shape == (0, 192)


def test_a_vector_does_not_depend_on_its_neighbours(snippet: Make):
    embedder = load("fast")
    alone = embedder.embed([snippet(READ)])[0]
    many = embedder.embed([snippet(OTHER)] * 3000 + [snippet(READ)])
    assert (many[-1] == alone).all()


def test_a_renamed_function_is_nearer_than_another(snippet: Make):
    renamed = READ.replace("path", "where").replace("stream", "handle").replace("read_config", "settings_of")
    one, same, other = load("fast").embed([snippet(READ), snippet(renamed), snippet(OTHER)])
    assert one @ same > one @ other + 0.2


def test_golden_vector(snippet: Make):
    """Vectors are stored: if this fails, the scheme's number in fast.py must go up."""
    embedder = load("fast")
    assert embedder.version == "3-fa42925d"
    vector = embedder.embed([snippet(READ)])[0]
    assert vector[:4] == pytest.approx([0.088264, 0.033055, 0.180065, -0.052231], abs=1e-6)
    assert vector[-4:] == pytest.approx([0.123949, -0.107186, 0.011633, 0.077067], abs=1e-6)


def test_version_changes_with_the_weight():
    assert FastEmbedder(0.5).version != load("fast").version


def test_empty_is_a_unit_vector_and_equal_to_empty(snippet: Make):
    empty, nothing, code = load("fast").embed([Snippet(None, "", "", b""), Snippet(None, "", "", EMPTY), snippet(READ)])
    assert empty.tolist() == [1.0] + [0.0] * 191
    assert (empty == nothing).all()
    assert abs(float(empty @ code)) < 0.5


def test_one_channel_alone_has_all_the_weight(snippet: Make):
    words_only = load("fast").embed([snippet("name")])[0]
    assert np.linalg.norm(words_only[:128]) == pytest.approx(1, abs=1e-6)


def test_dot_product_is_the_weighted_sum_of_the_channels(snippet: Make):
    pair = [snippet(READ), snippet(OTHER)]
    one, other = load("fast").embed(pair)
    words = one[:128] @ other[:128] / (np.linalg.norm(one[:128]) * np.linalg.norm(other[:128]))
    nodes = one[128:] @ other[128:] / (np.linalg.norm(one[128:]) * np.linalg.norm(other[128:]))
    assert one @ other == pytest.approx(WORDS_WEIGHT * words + (1 - WORDS_WEIGHT) * nodes, abs=1e-5)
