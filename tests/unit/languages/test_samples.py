"""Ten languages measured against figures that were worked out by hand, and on files that do not parse."""

import time
from pathlib import Path

import pytest

from agentforge import languages
from agentforge.measure import measure
from agentforge.model import FileMetrics
from agentforge.parse import decode, parse
from agentforge.parse.mask import mask

DATA = Path(__file__).parents[2] / "data" / "languages"
SAMPLES = {
    "bash": "sh",
    "c": "c",
    "cpp": "cpp",
    "csharp": "cs",
    "kotlin": "kt",
    "lua": "lua",
    "php": "php",
    "ruby": "rb",
    "scala": "scala",
    "swift": "swift",
}
CLASSES = {"cpp": 2, "csharp": 3, "kotlin": 4, "php": 3, "ruby": 1, "scala": 3, "swift": 5}


def measured(language: str, file: str) -> FileMetrics:
    decoded = decode((DATA / language / file).read_bytes())
    return measure(parse(language, decoded), decoded)


def expected(language: str) -> list[tuple[str, ...]]:
    lines = (DATA / language / "expected.tsv").read_text("utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("language", SAMPLES)
def test_figures_worked_out_by_hand(language: str) -> None:
    metrics = measured(language, f"sample.{SAMPLES[language]}")
    found = [
        (f.qualified_name, f.start_line, f.end_line, f.parameters, f.cyclomatic, f.cognitive, f.nesting)
        for f in metrics.functions
    ]
    assert [tuple(map(str, row)) for row in found] == expected(language)
    assert metrics.parse_error is None
    assert metrics.classes == CLASSES.get(language, 0)


@pytest.mark.parametrize("language", SAMPLES)
def test_detected_by_its_extension(language: str) -> None:
    file = DATA / language / f"sample.{SAMPLES[language]}"
    assert languages.detect(file.name, file.read_bytes()) == language


@pytest.mark.parametrize("language", SAMPLES)
def test_intact_functions_of_a_broken_file(language: str) -> None:
    """What stands before and after a syntax error keeps its lines and figures."""
    file = f"broken.{SAMPLES[language]}"
    metrics = measured(language, file)
    assert metrics.parse_error is not None
    assert metrics.error_share > 0
    lines = (DATA / language / file).read_text("utf-8").splitlines()
    for name in ("before", "after"):
        (function,) = [f for f in metrics.functions if f.name.lower() == name]
        assert name in lines[function.start_line - 1].lower()
        assert lines[function.end_line - 1].strip() in ("}", "end") or function.start_line == function.end_line
        assert function.end_line == len(lines) or lines[function.end_line].strip() in ("", "}", "end")
        assert function.cyclomatic == 2


def test_macros_of_c_do_not_move_boundaries() -> None:
    functions = measured("c", "macros.c").functions
    assert [(f.name, f.start_line, f.end_line, f.cyclomatic) for f in functions] == [
        ("first", 7, 20, 3),
        ("PyInit_names", 22, 26, 1),
        ("called", 28, 34, 2),
    ]


def test_export_macros_of_cpp_hide_no_class() -> None:
    metrics = measured("cpp", "macros.cpp")
    assert [(f.qualified_name, f.start_line, f.end_line) for f in metrics.functions] == [
        ("Shape.size", 5, 5),
        ("Shape.Shape", 8, 12),
    ]
    assert metrics.classes == 1
    assert metrics.parse_error is None
    # The text that is shown and embedded is the file's, not what the parser was given.
    assert "GEO_NOEXCEPT" in metrics.functions[0].code


def test_conditional_compilation_in_swift() -> None:
    metrics = measured("swift", "conditions.swift")
    assert [(f.qualified_name, f.start_line, f.end_line, f.cyclomatic) for f in metrics.functions] == [
        ("App.handle", 2, 11, 2),
        ("App.load", 13, 18, 2),
    ]
    assert metrics.parse_error is None


def test_patterns_of_bash_that_its_grammar_does_not_know() -> None:
    metrics = measured("bash", "patterns.sh")
    assert [(f.name, f.start_line, f.end_line, f.cyclomatic) for f in metrics.functions] == [
        ("complete", 1, 9, 3),
        ("finish", 11, 13, 1),
    ]
    assert metrics.parse_error is None


def test_namespace_without_a_body_reaches_to_the_end_of_the_file() -> None:
    (function,) = measured("csharp", "file_scoped.cs").functions
    assert function.qualified_name == "Shop.Orders.Order.Half"


@pytest.mark.parametrize("language", ["bash", "c", "cpp", "swift"])
@pytest.mark.parametrize(
    "hostile",
    [
        b";\n" + b"A_" * 60_000,
        b"\n\nFOO(" * 20_000,
        b"struct AAA b<" * 20_000,
        b"; " + b" \n" * 60_000,
        b"AB_C x::" * 20_000,
        b"=~ a " * 20_000,
        b"${a%" * 20_000,
    ],
    ids=["word", "calls", "templates", "white", "scopes", "matches", "expansions"],
)
def test_masks_stay_fast_on_hostile_text(language: str, hostile: bytes) -> None:
    found = languages.get(language)
    begin = time.perf_counter()
    for patterns in (found.masks, found.masks_on_error):
        assert len(mask(hostile, patterns)) == len(hostile)
    assert time.perf_counter() - begin < 2


def test_any_operator_is_the_name_of_a_swift_function() -> None:
    code = b"""extension N {
    static func %= (a: inout N, b: N) { a = b }
    static prefix func - (a: N) -> N where N: P { return a }
    static func <~> <T>(a: N, b: T) -> (N) -> N { return { n in n } }
}
protocol P { func bare(); static func < (a: Self, b: Self) -> Bool }
"""
    decoded = decode(code)
    functions = measure(parse("swift", decoded), decoded).functions
    assert [(f.qualified_name, f.start_line, f.parameters) for f in functions] == [
        ("N.%=", 2, 2),
        ("N.-", 3, 1),
        ("N.<~>", 4, 2),
    ]
    assert functions[1].signature == "static prefix func - (a: N) -> N where N: P"
