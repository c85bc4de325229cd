"""Rows of one size are read as arrays, and others are refused rather than misread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pytest

from agentforge.store import binary_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUMBERS = b"COPY (SELECT n::bigint, n::real FROM generate_series(1, %(count)s) AS n) TO STDOUT (FORMAT binary)"
TEXTS = b"COPY (SELECT n::bigint, repeat('x', n) FROM generate_series(1, %(count)s) AS n) TO STDOUT (FORMAT binary)"


def read(url: str, statement: bytes, count: int, kind: str) -> list[NDArray[Any]]:
    with psycopg.connect(url) as connection:
        return list(binary_rows.read(connection, statement, {"count": count}, {"id": ">i8", "value": kind}))


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_all_rows_come_in_order(migrated_url: str, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(binary_rows, "_BYTES_AT_ONCE", 1000)
    rows = np.concatenate(read(migrated_url, NUMBERS, count, ">f4"))
    assert rows["id"].tolist() == rows["value"].tolist() == list(range(1, count + 1))


@pytest.mark.parametrize("count", [2, 5000])
def test_rows_of_other_lengths_are_refused(migrated_url: str, count: int) -> None:
    with pytest.raises(ValueError, match="not of the length"):
        read(migrated_url, TEXTS, count, "S4")
