"""Python's figures equal those that the radon command prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from radon.raw import analyze

from agentforge import parse
from agentforge.measure.radon import measure_python
from agentforge.measure.radon_raw import raw_counts
from agentforge.model import FileMetrics
from agentforge.parse.python_ast import parse_python

TREE = Path(os.environ.get("AGENTFORGE_REFERENCE_TREE", Path(typer.__file__).parent))


def metrics_of(raw: bytes) -> FileMetrics:
    decoded = parse.decode(raw)
    return measure_python(parse.parse("python", decoded), decoded, parse_python(raw))


def radon(*command: str) -> dict[str, Any]:
    arguments = [sys.executable, "-m", "radon", *command, "-j", str(TREE)]
    return json.loads(subprocess.run(arguments, capture_output=True, check=True).stdout)


def blocks(rows: list[dict[str, Any]]) -> Iterator[tuple[str, int, int]]:
    for row in rows:
        if row["type"] != "class":
            yield row["name"].rsplit(".")[-1], row["lineno"], row["complexity"]
        yield from blocks(row.get("methods", []))
        yield from blocks(row.get("closures", []))


def test_every_figure_of_a_package_equals_radons() -> None:
    expected = {command: radon(*command.split()) for command in ("cc --show-closures", "mi", "raw", "hal")}
    listed = set().union(*expected.values())  # radon leaves hidden files out
    files = [file for file in sorted(TREE.rglob("*.py")) if str(file) in listed]
    assert files
    compared = 0
    for file in files:
        ours = metrics_of(file.read_bytes())
        theirs = {command: rows[str(file)] for command, rows in expected.items() if str(file) in rows}
        if any("error" in rows for rows in theirs.values()):
            assert ours.parse_error
            continue
        found = {(function.name, function.start_line, function.cyclomatic) for function in ours.functions}
        wanted = set(blocks(theirs.get("cc --show-closures", [])))
        assert wanted <= found, file
        compared += len(wanted)
        assert ours.maintainability_index == pytest.approx(theirs["mi"]["mi"], abs=1e-9), file
        raw, lines = theirs["raw"], ours.lines
        assert (raw["loc"], raw["sloc"], raw["blank"]) == (lines.physical, lines.code, lines.blank), file
        assert raw["single_comments"] + raw["multi"] == lines.comment, file
        total = theirs["hal"]["total"]
        assert ours.halstead is not None
        assert ours.halstead.volume == pytest.approx(total["volume"]), file
        assert ours.halstead.effort == pytest.approx(total["effort"]), file
    assert compared > 100


@settings(max_examples=1000, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                '"""doc"""',
                "x = 1; y = 2",
                "# note",
                "",
                "  ",
                "f(",
                "a,",
                ")",
                "if x:",
                "    pass",
                '"""a',
                'b"""',
                "y = \\",
                "z[a:  # b: c",
                "]  # d",
                "if x: y; z",
                "z: int; y",
                "lambda: 0;",
                "{'a': 1, # :",
                "}",
                "rb'x' \\",
                "'' ''",
                "f'{x:>3}'",
                "(y := 1)",
                "'a\\",
                "b'",
                "x = '''",
                "''' # '",
                "\\",
                "\t\x0c",
                "class A: x = 1  # y: z",
                "'a' \"b:\"",
                "'x'.y()",
                "x = [a, {b: (c)}, '']",
                "f('a:b', \"it's\\\"\") if 'c' else ':'",
                "((((((((1))))))))",
                'r"""d: \'',
                "",
            ]
        ),
        max_size=12,
    )
)
def test_raw_counts_equal_radons_on_any_layout(lines: list[str]) -> None:
    for text in ("\n".join(lines) + "\n", "\n".join(lines)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(text, "<text>", "exec")
        except SyntaxError:
            continue
        assert raw_counts(text) == counted(text), text


def counted(text: str) -> object:
    try:
        return analyze(text)
    except SyntaxError:  # radon gives up on some texts that Python reads
        return None


@pytest.mark.parametrize(
    "raw",
    [b"def f(:\n  pass\n", b"x = 1\0\n", b"# -*- coding: nonsense -*-\n", b"(" * 3000 + b")" * 3000, b"\xff\xfe\x00x"],
)
def test_a_file_that_python_refuses_has_a_reason(raw: bytes) -> None:
    assert metrics_of(raw).parse_error
