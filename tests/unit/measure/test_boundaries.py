"""Ten thousand lines of every language: they parse, and functions begin and end where the layout says.

Neither another tool nor our own grammar says here where a function ends, but the people who indented it: at the first
line that is indented no more than the function's first one. That line is the last one where it closes a block; else the
code before it is.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest
from real_code import REAL, files

from agentforge import languages, parse
from agentforge.measure import measure
from agentforge.measure.functions import Definition, locate
from agentforge.measure.lines import blank_out
from agentforge.measure.survey import survey

LAYOUT = tomllib.loads((REAL / "layout.toml").read_text("utf-8"))
TAB = 4
CLOSES = re.compile(rb"\s*(?:[}\])]|end\b)")
# At the margin though inside: preprocessor, labels, access sections, parts of a block that goes on.
PASSED_OVER = re.compile(
    rb"\s*(?:#|\w+:\s*$|(?:public|private|protected):|case\b|default\s*:|(?:rescue|ensure|else|elsif)\b)"
)
# Functions of more than one line that are found at least.
FEWEST = 90


@dataclass(frozen=True)
class Source:
    """A real file: its lines, as they are and without comments and strings, and those that a string reaches into."""

    language: str
    path: str
    lines: list[bytes]
    code: list[bytes]
    in_string: frozenset[int]
    functions: list[tuple[Definition, int, int, int]]

    def layouts_end(self, first: int, body: int) -> int:
        """Index of the last line of a function that begins at one line and whose body begins at another."""
        margin = indent(self.lines[first])
        last = body
        for index in range(body + 1, len(self.lines)):
            line = self.lines[index]
            if not self.code[index].strip() and index not in self.in_string:
                continue
            passed_over = index in self.in_string or (
                self.language != "python" and PASSED_OVER.match(self.code[index]) is not None
            )
            if indent(line) <= margin and not passed_over:
                return index if indent(line) == margin and CLOSES.match(line) else last
            last = index
        return last


def indent(line: bytes) -> int:
    expanded = line.expandtabs(TAB)
    return len(expanded) - len(expanded.lstrip())


@cache
def sources(language: str) -> tuple[Source, ...]:
    return tuple(_read(language))


def _read(language: str) -> Iterator[Source]:
    for path, raw in files(language):
        parsed = parse.parse(language, parse.decode(raw))
        data = parsed.data
        found = survey(parsed, strings=True)
        in_string: set[int] = set()
        for start, end in found.strings:
            in_string.update(range(data.count(b"\n", 0, start) + 1, data.count(b"\n", 0, end) + 1))
        functions = []
        for item in locate(parsed, blank_out(data, found.comments), found.definitions):
            if item.is_function:
                first = item.node.start_point.row
                body = first + data.count(b"\n", item.start_byte, item.body_start)
                functions.append((item, first, body, first + data.count(b"\n", item.start_byte, item.end_byte)))
        code = blank_out(data, sorted([*found.comments, *found.strings])).split(b"\n")
        yield Source(language, path, data.split(b"\n"), code, frozenset(in_string), functions)


@pytest.mark.parametrize("language", languages.names())
def test_ten_thousand_lines_parse(language: str) -> None:
    lines = broken = size = 0
    for _, raw in files(language):
        decoded = parse.decode(raw)
        metrics = measure(parse.parse(language, decoded), decoded)
        lines += metrics.lines.physical
        size += len(raw)
        broken += metrics.error_share * len(raw)
    assert lines > 10_000
    assert broken / size < 0.01


@pytest.mark.parametrize("language", languages.names())
def test_functions_end_where_their_layout_says(language: str) -> None:
    compared, different = 0, set()
    for source in sources(language):
        for item, first, body, end in source.functions:
            if end > body:
                compared += 1
                if source.layouts_end(first, body) != end:
                    different.add(f"{source.path}:{first + 1} {item.name}")
    assert compared > FEWEST
    assert different == set(LAYOUT["misleading"].get(language, ()))


@pytest.mark.parametrize("language", LAYOUT["header"])
def test_every_header_is_that_of_a_function(language: str) -> None:
    header = re.compile(LAYOUT["header"][language].encode())
    found, missing = 0, []
    for source in sources(language):
        headers = {line for _, first, body, _ in source.functions for line in range(first, body + 1)}
        for index, line in enumerate(source.code):
            if header.search(line):
                found += 1
                if index not in headers:
                    missing.append(f"{source.path}:{index + 1} {line.decode()}")
    assert found
    assert missing == []


def test_pythons_functions_are_where_its_own_parser_says() -> None:
    compared = 0
    for path, raw in files("python"):
        decoded = parse.decode(raw)
        ours = {(f.name, f.start_line, f.end_line) for f in measure(parse.parse("python", decoded), decoded).functions}
        nodes = [node for node in ast.walk(ast.parse(raw)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        assert ours == {(node.name, node.lineno, node.end_lineno) for node in nodes}, path
        compared += len(nodes)
    assert compared > 500
