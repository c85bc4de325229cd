"""Python's cognitive complexity equals complexipy's, but for the differences on purpose."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import complexipy
import pytest
import rich
import typer
from tree_sitter import Query

from agentforge import parse
from agentforge.measure import complexity, measure
from agentforge.model import Function
from agentforge.parse import ParsedFile

OWN_TREE = os.environ.get("AGENTFORGE_REFERENCE_TREE")
TREES = [Path(OWN_TREE)] if OWN_TREE else [Path(rich.__file__).parent, Path(typer.__file__).parent]
DIFFERENCES = tomllib.loads((Path(__file__).parents[2] / "data/complexipy/python.toml").read_text("utf-8"))[
    "difference"
]
LISTED = [name for entry in DIFFERENCES for name in entry.get("functions", ())]
QUERY = Query(parse.grammar("python"), "\n".join(entry.get("query", "") for entry in DIFFERENCES))


def ours(raw: bytes) -> tuple[Function, ...]:
    decoded = parse.decode(raw)
    return measure(parse.parse("python", decoded), decoded).functions


def theirs(raw: bytes) -> list[Any]:
    return list(complexipy.code_complexity(raw.decode()).functions)


@pytest.fixture
def blinkered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our engine that leaves out what complexipy does not look into."""
    every_mark = complexity._marks

    def marks(parsed: ParsedFile, *rest: Any) -> list[Any]:
        found = parse.captures(QUERY, parsed.tree.root_node)
        unseen = [(node.start_byte, node.end_byte) for node in found.get("unseen", ())]
        every = every_mark(parsed, *rest)
        functions = [(start, -negative_end) for start, negative_end, kind, _ in every if kind == "function"]
        nests = [
            (start, -negative_end)
            for start, negative_end, kind, _ in every
            if kind == "nest" and any(low < start < high for low, high in functions)
        ]
        seen = []
        for start, negative_end, kind, index in every:
            if kind == "function" and any(low < start and -negative_end <= high for low, high in nests):
                seen.append((start, negative_end, "wrapper", index))
            elif kind == "call.plain":
                seen.append((start, negative_end, "call", index))
            elif kind in ("function", "wrapper") or (
                kind != "call.method" and not any(low <= start < high and -negative_end <= high for low, high in unseen)
            ):
                seen.append((start, negative_end, kind, index))
        return seen

    monkeypatch.setattr(complexity, "_marks", marks)


@pytest.mark.usefixtures("blinkered")
@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
def test_nothing_differs_without_a_reason(tree: Path) -> None:
    compared, different = 0, []
    for file in sorted(tree.rglob("*.py")):
        raw = file.read_bytes()
        found = ours(raw)
        for function in theirs(raw):
            # Theirs begins at a decorator.
            name, lines = function.name.rsplit("::", 1)[-1], range(function.line_start, function.line_end + 1)
            mine = next(item for item in found if item.name == name and item.start_line in lines)
            compared += 1
            place = f"{file.relative_to(tree)}:{mine.start_line} {name}"
            if mine.cognitive != function.complexity and place not in LISTED:
                different.append(f"{place}: {mine.cognitive}, complexipy {function.complexity}")
    assert different == []
    assert compared > 300


@pytest.mark.parametrize("entry", DIFFERENCES, ids=lambda entry: entry["reason"][:40])
def test_a_difference_is_still_one(entry: dict[str, Any]) -> None:
    raw = entry["example"].lstrip().encode()
    assert ours(raw)[0].cognitive == entry["ours"]
    assert theirs(raw)[0].complexity == entry["complexipy"]
    assert entry["ours"] != entry["complexipy"]
