"""Learned tables: vectors that depend on neither batch nor order, and files that are not as they were written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentforge.embed.projection import BUCKETS, TABLES, Projection, Rows, Table
from agentforge.errors import AgentForgeError

OWN, SHARED = np.array([7, 65_535, 3], np.uint16), 5
IDF = np.random.default_rng(0).integers(0, 256, BUCKETS) / 16
FEATURES = st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 255)), max_size=60)


@pytest.fixture(scope="module")
def table() -> Table:
    """Of random whole numbers, the largest among them."""
    values = np.random.default_rng(1).integers(-127, 128, (len(OWN) + SHARED, 16)).astype(np.int8)
    return Table(OWN, values)


def channel(functions: list[list[tuple[int, int]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `features.unpack` gives it."""
    found = [(number, count, row) for row, function in enumerate(functions) for number, count in function]
    ids, counts, rows = zip(*found, strict=True) if found else ((), (), ())
    return np.array(ids, np.uint32), np.array(counts, np.uint8), np.array(rows, np.int64)


def test_common_features_have_rows_of_their_own_and_the_others_share_some_with_a_sign() -> None:
    rows, signs = Rows(OWN, SHARED).of(np.array([7, 65_535, 3 + 65_536], np.uint32))
    assert (rows.tolist(), signs.tolist()) == ([0, 1, 2], [1, 1, 1])
    rows, signs = Rows(OWN, SHARED).of(np.arange(8, 5000, dtype=np.uint32))
    assert set(rows.tolist()) == {3, 4, 5, 6, 7}
    assert set(signs.tolist()) == {1, -1}
    assert abs(signs.mean()) < 0.1


@settings(max_examples=50)
@given(st.lists(FEATURES, min_size=1, max_size=8))
def test_a_vector_depends_on_neither_batch_nor_order(table: Table, functions: list[list[tuple[int, int]]]) -> None:
    together = table.vectors(channel(functions), IDF, len(functions))
    for vector, function in zip(together, functions, strict=True):
        (alone,) = table.vectors(channel([function[::-1]]), IDF, 1)
        np.testing.assert_array_equal(alone, vector)
        assert np.linalg.norm(vector) == pytest.approx(1 if vector.any() else 0)


def test_a_function_with_more_features_than_are_added_up_at_once_is_the_exact_sum(table: Table) -> None:
    rng = np.random.default_rng(2)
    numbers, counts = rng.integers(0, 2**32, 9000).tolist(), rng.integers(1, 256, 9000).tolist()
    large = list(zip(numbers, counts, strict=True))
    vectors = table.vectors(channel([large[:5], [], large, large[::-1]]), IDF, 4)
    np.testing.assert_array_equal(vectors[2], vectors[3])
    assert not vectors[1].any()
    parts = [table.vectors(channel([[feature]]), IDF, 1)[0] for feature in large[:5]]
    assert float(vectors[0] @ np.sum(parts, axis=0)) > 0.5


def test_the_shipped_tables_hold_whole_numbers_of_which_few_are_cut_off() -> None:
    with np.load(TABLES) as stored:
        for name in ("words", "structure"):
            values = stored[f"{name}.table"]
            assert values.dtype == np.int8
            assert (np.abs(values.astype(int)) == 127).mean() < 0.01
            assert len(np.unique(stored[f"{name}.own"])) == len(stored[f"{name}.own"])


def test_tables_that_are_missing_or_damaged_are_named(tmp_path: Path) -> None:
    with pytest.raises(AgentForgeError, match=r"nowhere\.npz cannot be read") as missing:
        _ = Projection(tmp_path / "nowhere.npz").checksum
    assert "again" in (missing.value.hint or "")
    path = tmp_path / "projection.npz"
    for content in (b"", b"PK\x03\x04 no archive", TABLES.read_bytes()[:100_000]):
        path.write_bytes(content)
        with pytest.raises(AgentForgeError, match="damaged"):
            _ = Projection(path).words
