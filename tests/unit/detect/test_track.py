"""A violation that was there before is found again, whatever moved around it."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from agentforge.detect.track import track
from agentforge.model import Category, Confidence, Severity, Violation


@dataclass(frozen=True)
class Known:
    id: int
    path: str
    rule_id: str
    line: int
    line_hash: str
    message: str
    fingerprint: str
    function: str = ""


def violation(path: str, line: int, line_hash: str, message: str, fingerprint: str, rule: str = "r") -> Violation:
    kinds = Category.QUALITY, Severity.LOW, Confidence.HIGH
    return Violation(rule, rule, *kinds, None, path, line, 0, line, 1, message, "", "", line_hash, fingerprint)


def matches(known: list[Known], found: list[Violation], renames: dict[str, str] | None = None) -> list[int | None]:
    return [id_ for _, id_ in track(known, found, renames or {}).found]


def test_the_fingerprint_decides_first() -> None:
    known = [Known(1, "a", "r", 5, "h", "m", "x"), Known(2, "a", "r", 6, "h", "m", "y")]
    found = [violation("a", 6, "h", "m", "x"), violation("a", 5, "h", "m", "y")]
    assert matches(known, found) == [1, 2]


def test_an_edited_line_is_known_by_its_place_and_message() -> None:
    assert matches([Known(1, "a", "r", 5, "h", "m", "x")], [violation("a", 5, "other", "m", "y")]) == [1]


def test_a_line_that_moved_to_another_function_is_known_by_its_hash() -> None:
    assert matches([Known(1, "a", "r", 5, "h", "old", "x")], [violation("a", 50, "h", "new", "y")]) == [1]


def test_another_rule_or_file_is_another_violation() -> None:
    known = [Known(1, "a", "r", 5, "h", "m", "x")]
    assert matches(known, [violation("b", 5, "h", "m", "y")]) == [None]
    assert matches(known, [violation("a", 5, "h", "m", "y", rule="s")]) == [None]
    assert track(known, [violation("b", 5, "h", "m", "y")], {}).gone == (1,)


def test_a_renamed_file_keeps_its_violations() -> None:
    assert matches([Known(1, "a", "r", 5, "h", "m", "x")], [violation("b", 5, "h", "m", "y")], {"a": "b"}) == [1]


PLACES = st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 4), st.sampled_from("hk")), max_size=8)


@given(PLACES, PLACES)
def test_nothing_is_matched_twice_or_lost(
    before: list[tuple[str, int, str]], after: list[tuple[str, int, str]]
) -> None:
    known = [Known(id_, path, "r", line, hash_, "m", f"{id_}") for id_, (path, line, hash_) in enumerate(before)]
    found = [violation(path, line, hash_, "m", f"n{n}") for n, (path, line, hash_) in enumerate(after)]
    tracked = track(known, found, {})
    matched = [id_ for _, id_ in tracked.found if id_ is not None]
    assert sorted([*matched, *tracked.gone]) == list(range(len(known)))
    assert [item for item, _ in tracked.found] == found


@given(PLACES)
def test_an_unchanged_file_changes_nothing(places: list[tuple[str, int, str]]) -> None:
    known = [Known(n, path, "r", line, hash_, "m", f"{n}") for n, (path, line, hash_) in enumerate(places)]
    found = [violation(path, line, hash_, "m", f"{n}") for n, (path, line, hash_) in enumerate(places)]
    assert matches(known, found) == list(range(len(known)))
