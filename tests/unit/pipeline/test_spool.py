"""Rows on disk: as they were, in order, however many there are; and a run over them says what it said in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import pytest
from hostile_report import FILES, REPORT
from hypothesis import given
from hypothesis import strategies as st

from agentforge.errors import AgentForgeError
from agentforge.model import FileAnalysis, Severity, Status, Summary
from agentforge.pipeline import rows as rows_module
from agentforge.pipeline import spool as spool_module
from agentforge.pipeline.rows import Rows
from agentforge.pipeline.spool import Spool
from agentforge.pipeline.summary import Totals, order


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(spool_module, "FULL", 7)
    monkeypatch.setattr(spool_module, "TOGETHER", 2)
    monkeypatch.setattr(spool_module, "MOST_PIECES", 2)
    monkeypatch.setattr(rows_module, "FEW", 3)
    yield


@given(st.lists(st.integers(), max_size=60, unique=True))
def test_rows_come_back_in_order_as_often_as_one_likes(values: list[int]) -> None:
    before = spool_module.FULL, spool_module.MOST_PIECES
    spool_module.FULL, spool_module.MOST_PIECES = 2, 3
    try:
        spool: Spool[int] = Spool(lambda value: value)
        for value in values:
            spool.add(value)
        first, second = iter(spool), iter(spool)
        assert list(zip(first, second, strict=True)) == [(value, value) for value in sorted(values)]
        assert len(spool) == len(values)
    finally:
        spool_module.FULL, spool_module.MOST_PIECES = before


def files(count: int) -> list[FileAnalysis]:
    """In no order, with a violation each and some functions."""
    base, violations = FILES[0], REPORT.violations
    made = []
    for number in range(count):
        path = f"src/{number * 37 % count:03}.py"
        found = dataclasses.replace(
            next(iter(violations)),
            path=path,
            line=number + 1,
            severity=list(Severity)[number % 5],
            status=Status.WAIVED if number % 11 == 0 else Status.NEW,
            fingerprint=f"{number:064x}",
        )
        made.append(dataclasses.replace(base, path=path, violations=(found,), is_test=number % 3 == 0))
    return made


def summary(found: Iterable[FileAnalysis]) -> Summary:
    totals = Totals("shop")
    for file in found:
        totals.add(file)
    return totals.summary()


@pytest.mark.usefixtures("_small")
def test_what_is_spooled_is_what_was_found() -> None:
    found = files(40)
    kept = Rows("shop", keep=True)
    for file in found:
        kept.add(file)
    assert not isinstance(kept.files, tuple)
    assert list(kept.files) == sorted(found, key=lambda file: file.path)
    ordered = [
        item for _, item in sorted(((file.is_test, item) for file in found for item in file.violations), key=order)
    ]
    assert list(kept.violations) == ordered
    assert len(kept.violations) == 40
    assert next(iter(kept.violations)) in kept.violations
    assert kept.totals.summary() == summary(reversed(found))
    top = [item for item in ordered if item.status is not Status.WAIVED][:10]
    assert list(kept.totals.summary().top_violations) == top


def test_nothing_is_kept_that_nobody_shows() -> None:
    rows = Rows("shop", keep=False)
    for file in files(20):
        rows.add(file)
    assert (rows.files, rows.violations) == ((), ())
    assert rows.totals.summary() == summary(files(20))


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "FULL", 1)
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: open("/dev/full", "w+b", buffering=0))  # noqa: SIM115
    spool: Spool[int] = Spool(lambda value: value)
    with pytest.raises(AgentForgeError, match="Temporary files cannot be written"):
        spool.add(1)
