"""The embedder of three channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentforge.embed.hybrid import HybridEmbedder, Shape, comparable, shape_of
from agentforge.embed.interface import Snippet, load
from agentforge.embed.meaning import TEXT
from agentforge.embed.snippets import snippet_from_code, snippet_from_text

Make = Callable[..., Snippet]
READ = "def read_config(path):\n    with open(path) as stream:\n        return json.load(stream)\n"
OTHER = "def area(self):\n    total = 0\n    for side in self.sides:\n        total += side ** 2\n    return total\n"


class Told:
    """A meaning that is told what each code means: a component; nothing for code that it was not told of."""

    name, version, dimension = "told", "1", 3

    def __init__(self, known: dict[str, int]) -> None:
        self.known = known

    def vectors(self, pieces: Sequence[tuple[str, str | None]]) -> np.ndarray:
        found = np.zeros((len(pieces), self.dimension), np.float32)
        for row, (code, _) in enumerate(pieces):
            if code in self.known:
                found[row, self.known[code]] = 1
        return found


def told(**known: int) -> HybridEmbedder:
    names = {"read": READ.strip(), "other": OTHER.strip(), "unknown": "?!"}
    return HybridEmbedder(
        Told({names[name]: component for name, component in known.items()}), shape=Shape(0.5, 0.3, 0.2, 10)
    )


def python(code: str) -> Snippet:
    return snippet_from_code(code, "python")


def test_the_dot_product_is_the_weighted_sum_of_three_cosines() -> None:
    fast = load("fast")
    snippets = [python(READ), python(OTHER)]
    words, structure = (float(part[0] @ part[1]) for part in fast.channels(snippets))  # type: ignore[attr-defined]
    one, other = told(read=0, other=0).embed(snippets)
    assert float(one @ other) == pytest.approx(0.5 + 0.3 * words + 0.2 * structure, abs=2e-3)
    one, other = told(read=0, other=1).embed(snippets)
    assert float(one @ other) == pytest.approx(0.3 * words + 0.2 * structure, abs=2e-3)
    assert one.shape == (3 + 128 + 64,)


def test_a_channel_that_has_nothing_leaves_its_weight_to_the_others() -> None:
    (bare,) = told().embed([python(READ)])
    assert not bare[:3].any()
    assert np.square(bare[3:131]).sum() == pytest.approx(0.3 / 0.5, abs=1e-3)
    (text,) = told().embed([snippet_from_text("read a file")])
    assert np.square(text[3:131]).sum() == pytest.approx(1, abs=1e-3)


def test_code_in_no_language_has_its_meaning_only() -> None:
    snippet = snippet_from_code("?!", None)
    (vector,) = told(unknown=2).embed([snippet])
    assert vector[2] == pytest.approx(1)
    (nothing,) = told().embed([snippet])
    assert np.flatnonzero(nothing).tolist() == [3]


def test_what_is_filled_in_later_has_the_bits_of_what_is_made_at_once() -> None:
    embedder = load()
    snippets = [python(READ), python(OTHER), python(""), snippet_from_text("x")] * 3
    at_once = embedder.embed(snippets).astype(np.float16)
    stored = embedder.partial(snippets).astype(np.float16)  # type: ignore[attr-defined]
    pieces = [(snippet.code, snippet.language) for snippet in snippets]
    later = embedder.complete(stored, pieces).astype(np.float16)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(at_once, later)
    np.testing.assert_allclose(np.linalg.norm(at_once.astype(float), axis=1), 1, atol=2e-3)


def test_words_and_structure_can_be_compared_as_the_fast_model_does() -> None:
    snippets = [python(READ), python(OTHER), python("x = 1")]
    hybrid, fast = load(), load("fast")
    expected = fast.embed(snippets)
    for vectors in (hybrid.embed(snippets), hybrid.partial(snippets)):  # type: ignore[attr-defined]
        halves = vectors.astype(np.float16).astype(np.float32)
        np.testing.assert_allclose(comparable(halves, hybrid.layout), expected, atol=2e-3)
    np.testing.assert_allclose(comparable(expected, fast.layout), expected, atol=1e-6)
    assert comparable(expected, ()) is expected


def test_a_version_follows_the_weights_and_the_net() -> None:
    versions = {
        HybridEmbedder(Told({}), shape=Shape(*weights, 10)).version for weights in ((0.5, 0.3, 0.2), (0.5, 0.2, 0.3))
    }
    newer = Told({})
    newer.version = "2"
    versions.add(HybridEmbedder(newer, shape=Shape(0.5, 0.3, 0.2, 10)).version)
    assert len(versions) == 3
    assert HybridEmbedder(Told({}), shape=Shape(0.5, 0.3, 0.2, 99)).version in versions


def test_the_weights_of_every_net_sum_up() -> None:
    for meaning in ("student", "minilm"):
        shape = shape_of(meaning)
        assert shape.meaning_weight + shape.words_weight + shape.structure_weight == pytest.approx(1)


def test_a_sentence_is_near_the_function_that_it_describes() -> None:
    assert snippet_from_text("x").language == TEXT
    embedder = load()
    text, right, wrong = embedder.embed(
        [snippet_from_text("read the configuration from a file"), python(READ), python(OTHER)]
    )
    assert text @ right > text @ wrong + 0.1


@settings(max_examples=40)
@given(st.text(max_size=300), st.sampled_from(["python", "c", "bash", "php", None]))
def test_any_text_has_a_vector_of_length_1_the_same_each_time(code: str, language: str | None) -> None:
    snippet = Snippet(language, "", code, b"")
    one, other = load().embed([snippet, snippet])
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-3)
    assert (one == other).all()


def test_a_function_of_20_000_lines_takes_no_longer_than_a_short_one() -> None:
    import time

    code = "def f():\n" + "    x = 'a' + `b /* c\n" * 20_000
    started = time.process_time()
    (vector,) = load().embed([Snippet("c", "f", code, b"")])
    assert time.process_time() - started < 1
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-3)
