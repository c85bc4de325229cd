import numpy as np
import pytest

from agentforge.embed.duplicates import near_duplicates


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def random_vectors(count: int, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, 64)))


def hashes(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_equals_a_plain_search_in_every_block():
    vectors = random_vectors(1500)
    vectors[700:900] = unit(vectors[100:300] + 0.02 * random_vectors(200, 1))
    found = near_duplicates(vectors, hashes(1500), [20] * 1500, min_score=0.5)
    scores = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    expected = {(i, j) for i, j in zip(*np.nonzero(scores >= 0.5), strict=True) if i < j}
    assert {(i, j) for i, j, _ in found} == expected
    assert len(expected) >= 200
    assert all(score == pytest.approx(scores[i, j], abs=1e-5) for i, j, score in found)
    assert [score for *_, score in found] == sorted((score for *_, score in found), reverse=True)


def test_small_functions_are_left_out():
    vectors = np.repeat(random_vectors(1), 3, axis=0)
    assert near_duplicates(vectors, hashes(3), [6, 5, 6]) == [(0, 2, pytest.approx(1.0, abs=1e-6))]


def test_only_pairs_with_a_changed_function():
    vectors = np.repeat(random_vectors(1), 4, axis=0)
    found = near_duplicates(vectors, hashes(4), [9] * 4, changed=[2])
    assert [(i, j) for i, j, _ in found] == [(0, 2), (1, 2), (2, 3)]
    assert near_duplicates(vectors, hashes(4), [9] * 4, changed=[]) == []


def test_equal_code_is_paired_with_the_first_only():
    vectors = np.repeat(random_vectors(1), 5, axis=0)
    found = near_duplicates(vectors, ["a", "a", "a", "b", "b"], [9] * 5)
    assert sorted((i, j) for i, j, _ in found) == [(0, 1), (0, 2), (0, 3), (3, 4)]


def test_a_new_copy_of_old_code_is_paired_with_the_first_copy_only():
    vectors = np.repeat(random_vectors(1), 4, axis=0)
    found = near_duplicates(vectors, ["a", "a", "b", "b"], [9] * 4, changed={3})
    assert [(i, j) for i, j, _ in found] == [(2, 3)]


def test_a_function_inside_another_is_no_duplicate_of_it():
    vectors = np.repeat(random_vectors(1), 3, axis=0)
    places = [("a.py", 1, 20), ("a.py", 2, 19), ("b.py", 2, 19)]
    found = near_duplicates(vectors, hashes(3), [9] * 3, locations=places)
    assert [(i, j) for i, j, _ in found] == [(0, 2), (1, 2)]


def test_none():
    assert near_duplicates(np.zeros((0, 8), np.float32), [], []) == []
