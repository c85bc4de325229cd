"""Near-duplicates are those of a plain search, and stars of them are sound."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentforge.embed import duplicates
from agentforge.embed.clusters import stars
from agentforge.model import Candidate

near_duplicates = partial(duplicates.near_duplicates, min_score=0.88)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def random_vectors(count: int, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, 64)))


def function(
    number: int, *, code: str = "", lines: int = 9, name: str = "", path: str = "", project: int = 1
) -> Candidate:
    return Candidate(project, path or f"{number}.py", name or f"f{number}", 1, 20, lines, code or str(number))


def functions(count: int, lines: int = 20) -> list[Candidate]:
    return [function(number, lines=lines) for number in range(count)]


def test_equals_a_plain_search_in_every_block() -> None:
    vectors = random_vectors(3000)
    vectors[700:900] = unit(vectors[100:300] + 0.02 * random_vectors(200, 1))
    found = near_duplicates(vectors, functions(3000), min_score=0.45)
    scores = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    expected = {(i, j) for i, j in zip(*np.nonzero(scores >= 0.45), strict=True) if i < j}
    assert {(i, j) for i, j, _ in found} == expected
    assert len(expected) >= 400
    assert all(score == pytest.approx(scores[i, j], abs=1e-5) for i, j, score in found)
    assert [score for *_, score in found] == sorted((score for *_, score in found), reverse=True)


def test_functions_that_are_all_alike_have_few_pairs_and_are_one_star() -> None:
    """A generated table of ten thousand would have fifty million pairs."""
    vectors = unit(np.ones((3000, 64)) + 0.01 * random_vectors(3000))
    candidates = functions(3000)
    found = near_duplicates(vectors, candidates)
    assert 3000 <= len(found) <= 50 * 3000
    assert [len(star.members) for star in stars(found, candidates)] == [3000]


def test_small_functions_are_left_out() -> None:
    vectors = np.repeat(random_vectors(1), 3, axis=0)
    candidates = [function(0, lines=6), function(1, lines=5), function(2, lines=6)]
    assert near_duplicates(vectors, candidates) == [(0, 2, pytest.approx(1.0, abs=1e-6))]


def test_only_pairs_with_a_changed_function() -> None:
    vectors = np.repeat(random_vectors(1), 4, axis=0)
    found = near_duplicates(vectors, functions(4), changed=[2])
    assert [(i, j) for i, j, _ in found] == [(0, 2), (1, 2), (2, 3)]
    assert near_duplicates(vectors, functions(4), changed=[]) == []


def test_equal_code_is_paired_with_the_first_only() -> None:
    vectors = np.repeat(random_vectors(1), 5, axis=0)
    found = near_duplicates(vectors, [function(number, code=code) for number, code in enumerate("aaabb")])
    assert sorted((i, j) for i, j, _ in found) == [(0, 1), (0, 2), (0, 3), (3, 4)]


def test_a_new_copy_of_old_code_is_paired_with_the_first_copy_only() -> None:
    vectors = np.repeat(random_vectors(1), 4, axis=0)
    found = near_duplicates(vectors, [function(number, code=code) for number, code in enumerate("aabb")], changed={3})
    assert [(i, j) for i, j, _ in found] == [(2, 3)]


def test_a_function_inside_another_is_no_duplicate_of_it() -> None:
    vectors = np.repeat(random_vectors(1), 3, axis=0)
    inner = Candidate(1, "0.py", "f0.inner", 2, 19, 9, "i")
    found = near_duplicates(vectors, [function(0), inner, function(2)])
    assert [(i, j) for i, j, _ in found] == [(0, 2), (1, 2)]


@pytest.mark.parametrize(
    ("first", "second", "paired"),
    [
        ({"name": "A.save"}, {"name": "B.save"}, False),
        ({"name": "A.save", "path": "a.py"}, {"name": "A.save", "path": "b.py"}, False),
        ({"name": "A.save"}, {"name": "B.store"}, True),
        ({"name": "A.save"}, {"name": "save"}, True),
        ({"name": "A.save", "path": "a.py"}, {"name": "A.save", "path": "a.py"}, True),  # overloads of one class
        ({"name": "A.save", "code": "same"}, {"name": "B.save", "code": "same"}, True),
        ({"name": "A.save", "project": 1}, {"name": "B.save", "project": 2}, True),
    ],
)
def test_methods_of_one_name_in_two_classes_implement_an_interface(
    first: dict[str, str], second: dict[str, str], *, paired: bool
) -> None:
    pair = [function(0, **first), Candidate(*_moved(function(1, **second)))]
    assert bool(near_duplicates(np.repeat(random_vectors(1), 2, axis=0), pair)) is paired


def _moved(item: Candidate) -> tuple[object, ...]:
    """The same below it, as two functions of a file do not overlap."""
    return item.project, item.path, item.qualified_name, 30, 50, item.lines_of_code, item.code_hash


def test_functions_of_one_name_in_two_functions_are_no_methods() -> None:
    outer = [function(0, name="first", path="a.py"), function(1, name="second", path="b.py")]
    inner = [
        Candidate(1, path, f"{name}.inner", 2, 10, 8, name) for path, name in (("a.py", "first"), ("b.py", "second"))
    ]
    vectors = np.concatenate([random_vectors(2), np.repeat(random_vectors(1, 5), 2, axis=0)])
    assert [(i, j) for i, j, _ in near_duplicates(vectors, [*outer, *inner])] == [(2, 3)]


@given(st.floats(0, 1), st.floats(0, 1))
def test_equal_structure_with_like_words_is_nearly_the_same_whatever_the_cosine(words: float, structure: float) -> None:
    """Two functions whose channels have these cosines, by the rule and by the cosine alone."""
    angles = np.arccos([[1, 1], [words, structure]])
    scale = np.sqrt([duplicates.WORDS_WEIGHT, 1 - duplicates.WORDS_WEIGHT])
    channel = np.stack([np.cos(angles), np.sin(angles)], axis=-1) * scale[:, None]
    vectors = channel.reshape(2, 4).astype(np.float32)
    cosine = float(vectors[0] @ vectors[1])
    pairs = duplicates.near_duplicates(vectors, functions(2), min_score=0.9, channels=duplicates.Channels(2, 0.9))
    if abs(structure - 0.999) > 1e-4 and abs(words - 0.5) > 1e-4 and abs(cosine - 0.9) > 1e-4:
        assert bool(pairs) is (cosine > 0.9 or (structure > 0.999 and words > 0.5))
    assert [score for *_, score in pairs] in ([], [pytest.approx(max(0.9, cosine), abs=1e-5)])
    assert not duplicates.near_duplicates(
        vectors, functions(2), min_score=max(0.91, cosine + 1e-3), channels=duplicates.Channels(2, 0.9)
    ), "who asks for surer ones gets those by their cosine"


def test_a_copy_under_another_name_is_found_among_many() -> None:
    words, structure = random_vectors(400), random_vectors(400, 1)
    words[300], structure[300] = unit(words[[7]] + 1.2 * words[[8]])[0], structure[7]
    scale = np.sqrt([duplicates.WORDS_WEIGHT, 1 - duplicates.WORDS_WEIGHT])
    vectors = np.hstack([scale[0] * words, scale[1] * structure]).astype(np.float32)
    assert near_duplicates(vectors, functions(400)) == []
    assert near_duplicates(vectors, functions(400), channels=duplicates.Channels(64, 0.88)) == [
        (7, 300, pytest.approx(0.88))
    ]


def test_none() -> None:
    assert near_duplicates(np.zeros((0, 8), np.float32), []) == []
    assert stars([], []) == []


def test_a_chain_is_cut_where_it_is_no_longer_alike() -> None:
    """Five functions, each like the next: the ends have nothing in common."""
    chain = [(0, 1, 0.9), (1, 2, 0.9), (2, 3, 0.9), (3, 4, 0.9)]
    assert [star.members for star in stars(chain, functions(5))] == [(1, 0, 2), (3, 4)]


def test_copies_count_and_inner_functions_do_not() -> None:
    candidates = [
        *(function(number, code="a", lines=12) for number in range(3)),
        function(3, lines=8),
        Candidate(1, "0.py", "f0.inner", 3, 9, 7, "b"),
        Candidate(1, "1.py", "f1.inner", 3, 9, 7, "b"),
    ]
    pairs = [(0, 1, 1.0), (0, 2, 1.0), (4, 5, 1.0), (0, 3, 0.9)]
    (star,) = stars(pairs, candidates)
    assert star.members == (0, 1, 2, 3)
    assert star.scores == (1.0, 1.0, 1.0, 0.9)
    assert star.lines == 12 + 12 + 8


@given(
    st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19), st.floats(0.88, 1)), max_size=60),
    st.lists(st.integers(0, 9), min_size=20, max_size=20),
)
def test_every_member_is_near_its_centre_and_in_one_star_only(
    drawn: list[tuple[int, int, float]], codes: list[int]
) -> None:
    candidates = [function(number, code=f"c{codes[number]}", lines=6 + number) for number in range(20)]
    pairs = [(min(i, j), max(i, j), score) for i, j, score in drawn if i != j]
    near = {frozenset((codes[i], codes[j])) for i, j, _ in pairs}
    found = stars(pairs, candidates)
    members = [member for star in found for member in star.members]
    assert len(members) == len(set(members))
    for star in found:
        centre = codes[star.members[0]]
        assert all(codes[member] == centre or frozenset((centre, codes[member])) in near for member in star.members)
        assert star.lines == sum(6 + member for member in star.members) - max(6 + member for member in star.members)
    left = {i for pair in pairs for i in pair[:2]} - set(members)
    assert not any(i in left and j in left and codes[i] == codes[j] for i, j, _ in pairs)
    assert not any(i in left and j in left for i, j, _ in pairs), "a pair was left whole"
