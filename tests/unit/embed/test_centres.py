import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentforge.embed import centres
from agentforge.embed.centres import CentredEmbedder, count_centres, rounded, sample
from agentforge.embed.interface import Snippet, wants_centres
from agentforge.model import Centres

DIRECTIONS = {"python": 0, "go": 1, "text": 2, None: 3}


class Plain:
    """What a piece of code means in the last components, what its language is before them, and loud."""

    name, version, dimension, layout, needs_features, wants_centres = "plain", "w", 8, (), False, True

    def embed(self, snippets):
        vectors = np.zeros((len(snippets), 8), np.float32)
        for row, snippet in enumerate(snippets):
            vectors[row, DIRECTIONS[snippet.language]] = 3
            vectors[row, 4 + len(snippet.code) % 4] = 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1)


def functions(language, count):
    return [(f"{language}{n:04}", Snippet(language, f"do{'It' * n}", "x" * n, b"")) for n in range(count)]


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(centres, "LEAST", 8)
    monkeypatch.setattr(centres, "MOST", 16)


@pytest.fixture
def counted():
    return count_centres(Plain(), sample([*functions("python", 16), *functions("go", 8), *functions("rust", 7)]))


def test_what_means_the_same_in_another_language_is_nearer_than_what_does_not_in_its_own(counted):
    code = [Snippet("python", "", "x", b""), Snippet("go", "", "x", b""), Snippet("python", "", "xx", b"")]
    one, same, other = Plain().embed(code)
    assert one @ same < one @ other
    one, same, other = CentredEmbedder(Plain(), counted, "w-1").embed(code)
    assert one @ same > 0.9
    assert one @ other < 0.1


def test_it_is_the_same_embedder_otherwise(counted):
    centred = CentredEmbedder(Plain(), counted, "w-1")
    assert (centred.name, centred.version, centred.dimension, centred.layout) == ("plain", "w-1", 8, ())
    assert (wants_centres(Plain()), wants_centres(centred)) == (True, False)
    assert centred.embed([]).shape == (0, 8)
    vectors = centred.embed([Snippet(language, "", "xyz", b"") for language in ("python", "text", None)])
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_what_is_counted(counted):
    assert dict(counted.pieces) == {"python": 16, "go": 8, "text": 24, "": 2}
    assert np.allclose(counted.means[""], (counted.means["python"] + counted.means["go"]) / 2, atol=1e-3)
    assert counted.means["text"][2] > 0.9  # of names, as sentences
    assert {mean.dtype for mean in counted.means.values()} == {np.dtype(np.float16)}
    assert counted.of("rust") is counted.of(None) is counted.means[""]


def test_functions_without_a_name_have_no_part_in_the_mean_of_sentences():
    nameless = [(key, Snippet("go", "_", snippet.code, b"")) for key, snippet in functions("go", 8)]
    assert set(count_centres(Plain(), sample(nameless)).means) == {"go", ""}


def test_a_sample_does_not_depend_on_the_order(counted):
    found = [*functions("python", 20), *functions("go", 3), *functions(None, 20)]
    assert sample(found) == sample(found[::-1]) == [snippet for _, snippet in functions("python", 16)]
    assert sample(functions("python", 7) * 2) == []


def test_the_mean_itself_has_a_vector():
    mean = Plain().embed([Snippet("go", "", "x", b"")])[0]
    alone = Centres({"": mean.astype(np.float16)}, {"": 1})
    (vector,) = CentredEmbedder(Plain(), alone, "w-1").embed([Snippet("go", "", "x", b"")])
    assert np.array_equal(vector, mean)


def test_progress_is_told_and_can_stop_it():
    told = itertools.count()

    def counted(functions):
        assert functions == 8
        next(told)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        count_centres(Plain(), sample(functions("go", 8)), counted)
    assert next(told) == 1


@given(st.lists(st.sampled_from(["python", "go", "rust", None]), min_size=1, max_size=40), st.randoms())
def test_means_are_of_whole_languages_whatever_comes_first(languages, random):
    found = [(f"{n}", Snippet(language, "f", "x" * n, b"")) for n, language in enumerate(languages)]
    shuffled = random.sample(found, len(found))
    assert sample(shuffled) == sample(found)
    for language in ("python", "go", "rust"):
        many = sum(snippet.language == language for snippet in sample(found))
        assert many == (0 if languages.count(language) < 8 else min(16, languages.count(language)))


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=64), st.sampled_from([0.15, 0.3, 0.6]))
def test_a_mean_is_rounded_and_nearly_the_same(values, coarse):
    mean = np.array(values) / np.sqrt(len(values))
    found = rounded(mean, coarse)
    assert found.dtype == np.float16
    assert np.abs(found - mean).max() <= coarse / np.sqrt(2 * len(values)) + 1e-6
    assert np.array_equal(rounded(found.astype(np.float64), coarse), found)
