"""What commands on functions print, byte for byte; `AGENTFORGE_WRITE_GOLDEN=1 pytest` writes it anew, to be read."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from rich.console import Console

from agentforge.cli import pattern_page as page
from agentforge.cli.output import print_json
from agentforge.embed.patterns import Shape
from agentforge.model import (
    Category,
    Cluster,
    ClusterMember,
    Confidence,
    Explanation,
    FunctionRef,
    Match,
    PatternType,
    Rewritten,
    Severity,
    TextMatch,
)
from agentforge.patterns import Example, Measured, Pattern
from agentforge.pipeline.pattern_matches import PatternMatch
from agentforge.report import duplicates, search, similar
from agentforge.report import patterns as report

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "tests/data/formats"
HOSTILE = '[red]a\x1b[31mb\n"c" </d> \u202e🐘'
CODE = 'def f(x):\r\n\treturn "[bold]\x1b[31m\u202e"\n'


def pattern(kind: PatternType, measured: Measured | None = None) -> Pattern:
    return Pattern(
        name=f"a-{kind}",
        type=kind,
        title=HOSTILE,
        severity=Severity.HIGH,
        confidence=Confidence.MEDIUM,
        category=Category.SECURITY,
        cwe=22 if measured else None,
        message="{name} is " + HOSTILE,
        why=HOSTILE,
        suggestion=HOSTILE,
        examples=(Example("python", CODE), Example("go", HOSTILE)),
        words=(("open", "read"), ("x",)),
        not_words=("close",),
        kinds=("loop",),
        languages=("python", "go") if measured else (),
        measured=measured,
        source="shipped.toml" if measured else "",
    )


SMELL, IDIOM = pattern(PatternType.SMELL, Measured(9, 8, 7)), pattern(PatternType.IDIOM)
SHAPE = Shape(np.eye(1, 2, dtype=np.float32)[0], 0.41239, (0.71239, 0.5), np.eye(2, dtype=np.float32))
FUNCTION = FunctionRef(
    "p [x]", f"src/{HOSTILE}.py", "python", f"C.{HOSTILE}", f"def f(x={HOSTILE})", 3, 4, 2, 1, 0, CODE
)
MATCHES = [
    PatternMatch(SMELL, FUNCTION, 0.87654, 0.41239, 2, Explanation(0.5, 0.96, ("open",), f"same {HOSTILE}")),
    PatternMatch(SMELL, FUNCTION, 0.5, 0.41239, 1),
    PatternMatch(IDIOM, FUNCTION, 0.45, 0.41239, 1),
]
DOCUMENTS = {
    "pattern-matches": {
        "tool": {"name": "agentforge", "version": "1.2.3"},
        "model": "hybrid",
        "patterns": [SMELL.name, IDIOM.name],
        "total": 4,
        "matches": [page.match_object(match) for match in MATCHES],
    },
    "patterns": {"patterns": [page.summary(SMELL), page.summary(IDIOM)]},
    "pattern": {"pattern": page.whole(SMELL, SHAPE)},
    "pattern-team": {"pattern": page.whole(IDIOM, SHAPE)},
}


def same(name: str, text: str) -> bool:
    file = FOLDER / name
    if os.environ.get("AGENTFORGE_WRITE_GOLDEN"):
        file.write_bytes(text.encode())
    return text.encode() == file.read_bytes()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_as_it_was_read(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_json(DOCUMENTS[name])
    text = capsys.readouterr().out
    assert same(f"{name}.json", text)
    schema = "pattern-matches" if name == "pattern-matches" else "patterns"
    jsonschema.validate(json.loads(text), json.loads((ROOT / f"docs/schemas/{schema}.schema.json").read_text()))


def test_people_read_what_was_read_before() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=100, highlight=False, markup=False, soft_wrap=True)
    console.print(report.matches([page.row(match) for match in MATCHES], 4))
    for shown in (SMELL, IDIOM):
        console.print(report.page(page.facts(shown, SHAPE), shown.why, shown.suggestion, page.codes(shown)))
    assert same("patterns.txt", stream.getvalue())


@pytest.mark.parametrize("show_code", [False, True])
def test_functions_that_were_found_hold_nothing_that_a_terminal_obeys(show_code: bool) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=200, highlight=False, markup=False, soft_wrap=not show_code)
    match = Match(0.9, FUNCTION, 0.9, 0.5, MATCHES[0].explanation)
    cluster = Cluster(2, (ClusterMember(1.0, 1.0, FUNCTION, False), ClusterMember(0.9, 0.9, FUNCTION, True)))
    rewritten = Rewritten(0.9, 0.9, FUNCTION, FUNCTION)
    totals = duplicates.Totals(2, 1, 2)
    console.print(similar.table(FUNCTION, [match], calibrated=True, show_code=show_code))
    console.print(search.table([TextMatch(0.9, FUNCTION, 1, None)], show_code=show_code))
    console.print(duplicates.table([cluster], totals, several=True, show_code=show_code))
    console.print(duplicates.table([cluster], totals, several=False, show_code=show_code))
    console.print(duplicates.new_ones([rewritten], show_code=show_code))
    text = stream.getvalue()
    assert text.count("[red]a\\x1b[31mb") >= 8
    assert not set(text) & set("\x1b\r\t\u202e")


@pytest.mark.parametrize(("score", "shown"), [(1.0, "1.00"), (0.01, "0.01"), (0.0099, "<.01"), (0.0, "<.01")])
def test_a_score_has_four_characters(score: float, shown: str) -> None:
    assert similar.score_text(score) == shown
