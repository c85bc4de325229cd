"""Edits that change nothing of what code does bring no new violation: real files, detected and tracked."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from agentforge.detect import detect, rule_set
from agentforge.detect.track import track
from agentforge.detect.waivers import identify
from agentforge.measure import measure
from agentforge.model import Violation
from agentforge.parse import decode, parse

# Each breaks a rule, on one line and as a formatter breaks it into several.
STATEMENTS = (
    ("x = f(1 if a == None else 2)", "x = f(\n    1 if a == None else 2,\n)"),
    ("assert (a, 'b')", "assert (\n    a,\n    'b',\n)"),
    ("y = k(f'abc')", "y = k(\n    f'abc',\n)"),
    ("w = 1 if a is 3 else 2", "w = 1 if a is 3 else 2"),
    ("z = g(1 if a == None else 2, h(f'x'))", "z = g(\n    1 if a == None else 2,\n    h(f'x'),\n)"),
)
WAIVER = "  # agentforge: ignore[python-*] r"


@dataclass(frozen=True)
class Layout:
    """How a file is written, whatever it says."""

    order: tuple[int, ...]
    split: tuple[bool, ...]
    blank: tuple[int, ...]
    comment: tuple[bool, ...]
    indent: int
    waiver: bool


def written(bodies: list[list[int]], layout: Layout) -> str:
    """A file of functions with these statements; the first body stands at module level."""
    pieces = []
    for number in layout.order:
        if number >= len(bodies):
            continue
        depth = layout.indent if number else 0
        lines = [f"def f{number}(a, b):"] if number else []
        for place, statement in enumerate(bodies[number]):
            key = (number * 5 + place) % len(layout.split)
            text = STATEMENTS[statement][layout.split[key]]
            if layout.comment[key]:
                lines.append(" " * depth + "# said")
            lines += [""] * layout.blank[key]
            lines += [" " * depth + line.replace("    ", " " * layout.indent) for line in text.split("\n")]
            if layout.waiver and "\n" not in text:
                lines[-1] += WAIVER
        pieces.append("\n".join([*lines, " " * depth + "pass"]))
    return "\n\n\n".join(pieces) + "\n"


LAYOUTS = st.builds(
    Layout,
    order=st.permutations(range(4)).map(tuple),
    split=st.lists(st.booleans(), min_size=20, max_size=20).map(tuple),
    blank=st.lists(st.integers(0, 2), min_size=20, max_size=20).map(tuple),
    comment=st.lists(st.booleans(), min_size=20, max_size=20).map(tuple),
    indent=st.sampled_from([2, 4, 8]),
    waiver=st.booleans(),
)
BODIES = st.lists(st.lists(st.integers(0, len(STATEMENTS) - 1), max_size=5), min_size=1, max_size=4)


@dataclass(frozen=True)
class Known:
    """A violation as it was found before."""

    id: int
    path: str
    rule_id: str
    line: int
    line_hash: str
    message: str
    fingerprint: str
    function: str


def found_in(text: str, path: str) -> tuple[Violation, ...]:
    decoded = decode(text.encode())
    parsed = parse("python", decoded)
    metrics, rules = measure(parsed, decoded), rule_set("python")
    found = detect(parsed, metrics, path, is_test=False, rules=rules)
    identified = identify(parsed, decoded.text, found, metrics.functions, rules, path, complete=False)
    return tuple(item for item in identified if item.rule_id.startswith("python-"))


def known_from(found: tuple[Violation, ...]) -> list[Known]:
    names = [field.name for field in dataclasses.fields(Known)][1:]
    return [Known(number, *(getattr(item, name) for name in names)) for number, item in enumerate(found)]


@settings(max_examples=60, deadline=None)
@given(BODIES, LAYOUTS, LAYOUTS, st.sampled_from(["a.py", "sub/b.py"]))
def test_moving_reformatting_renaming_and_waiving_bring_nothing_new(
    bodies: list[list[int]], before: Layout, after: Layout, path: str
) -> None:
    known = known_from(found_in(written(bodies, before), "a.py"))
    found = found_in(written(bodies, after), path)
    assert len(known) == len(found)
    assert len(known) >= sum(map(len, bodies))
    tracked = track(known, found, {"a.py": path})
    assert [item for item, id_ in tracked.found if id_ is None] == []
    assert tracked.gone == ()
    for item, id_ in tracked.found:
        assert id_ is not None
        assert item.rule_id == known[id_].rule_id


@settings(max_examples=30, deadline=None)
@given(BODIES, LAYOUTS, st.integers(0, 3), st.integers(0, len(STATEMENTS) - 1))
def test_one_more_is_one_new(bodies: list[list[int]], layout: Layout, place: int, statement: int) -> None:
    known = known_from(found_in(written(bodies, layout), "a.py"))
    more = [list(body) for body in bodies]
    more[place % len(more)].append(statement)
    found = found_in(written(more, layout), "a.py")
    tracked = track(known, found, {})
    assert tracked.gone == ()
    assert len([item for item, id_ in tracked.found if id_ is None]) == len(found) - len(known) > 0
