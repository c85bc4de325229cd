"""What each format promises, whatever is in the texts."""

from __future__ import annotations

import csv
import dataclasses
import html
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hostile_report import BASE, REPORT, VERSION, VIOLATIONS, read, violation
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from agentforge.model import Gate, GateCondition, Report, Severity, Status, Violation
from agentforge.report import ai, document, github, markdown, spreadsheet
from agentforge.report.formats import Context, ReportFormat, render
from agentforge.report.text import one_line

ROOT = Path(__file__).parents[3]
TEXT = st.text(max_size=80)
HOSTILE = [
    "::",
    "%",
    ",",
    ":",
    "=",
    "@a",
    "|",
    "`",
    "<b>",
    "&",
    "]]>",
    '"',
    "'",
    "\0",
    "\x1b[",
    "\\",
    "#1",
    "[x](y)",
    "😀",
]
FRAGMENTS = st.lists(st.sampled_from([*HOSTILE, "\n", "\r\n"]) | st.text(max_size=5), max_size=12).map("".join)
FORMULA = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]|\\s+[=+\\-@]")


def one(text: str, path: str = "a.py") -> Report:
    """A report with one violation that says `text`."""
    item = dataclasses.replace(BASE, message=text, suggestion=text, rule_id=text or "r", path=path, function=text)
    return dataclasses.replace(REPORT, violations=(item,), gate=None, files=())


def text_of(report: Report, wanted: ReportFormat) -> str:
    return "".join(render(report, wanted, Context(VERSION, read)).pieces)


def test_json_is_what_its_schema_says_and_streams_the_same() -> None:
    streamed = json.loads(text_of(REPORT, ReportFormat.JSON))
    jsonschema.validate(streamed, json.loads((ROOT / "docs/schemas/analysis.schema.json").read_text()))
    assert streamed == document.document(REPORT, VERSION)
    for report in (dataclasses.replace(REPORT, files=(), violations=(), rules=(), gate=None), one("a\nb")):
        whole = json.dumps(document.document(report, VERSION), indent=2, ensure_ascii=False) + "\n"
        assert text_of(report, ReportFormat.JSON) == whole


@given(FRAGMENTS, FRAGMENTS)
def test_a_workflow_command_is_one_line_that_decodes_to_what_was_said(text: str, path: str) -> None:
    lines = text_of(one(text, path), ReportFormat.GITHUB).split("\n")
    assert lines[-1] == ""
    match = re.fullmatch(r"::error ([^:\r\n]*)::([^\r\n]*)", lines[0])
    assert match
    properties = dict(part.split("=", 1) for part in match[1].split(","))
    assert (
        properties["file"]
        .replace("%2C", ",")
        .replace("%3A", ":")
        .replace("%0A", "\n")
        .replace("%0D", "\r")
        .replace("%25", "%")
        == path
    )
    said = match[2].replace("%0A", "\n").replace("%25", "%")
    assert said.split("\n")[0] == one_line(text)


def test_github_shows_ten_of_each_the_severest_first_and_says_how_many_more() -> None:
    items = [violation(n, severity=Severity.LOW) for n in range(100, 115)]
    items += [violation(n, severity=Severity.HIGH) for n in range(200, 212)]
    items += [violation(n, severity=Severity.CRITICAL, message="worst") for n in range(300, 303)]
    report = dataclasses.replace(
        REPORT, violations=tuple(items), gate=None, summary=dataclasses.replace(REPORT.summary, parse_errors=0)
    )
    lines = "".join(github.render(report)).splitlines()
    kinds = [line[2:].split(" ")[0] for line in lines]
    assert kinds == ["error"] * 10 + ["notice"] * 10
    assert [line.endswith("worst%0AUse ast.literal_eval.") for line in lines[:4]] == [True, True, True, False]
    assert lines[-1].endswith("::11 more violations not annotated: 5 high, 6 low.")


def test_gitlab_fingerprints_are_unique_even_where_ours_are_not() -> None:
    same = tuple(dataclasses.replace(BASE, fingerprint=fingerprint) for fingerprint in ("a" * 64, "a" * 64, "", ""))
    entries = json.loads(text_of(dataclasses.replace(REPORT, violations=same), ReportFormat.GITLAB))
    assert len({entry["fingerprint"] for entry in entries}) == 4
    assert json.loads(text_of(dataclasses.replace(REPORT, violations=()), ReportFormat.GITLAB)) == []


@given(FRAGMENTS)
def test_gitlab_and_sarif_are_json_whatever_is_said(text: str) -> None:
    (entry,) = json.loads(text_of(one(text), ReportFormat.GITLAB))
    assert entry["description"] == one_line(text)
    assert json.loads(text_of(one(text), ReportFormat.SARIF))["runs"][0]["results"][0]["level"] == "error"


@given(FRAGMENTS, FRAGMENTS)
def test_junit_is_xml_with_the_counts_of_its_cases(text: str, path: str) -> None:
    root = ElementTree.fromstring(text_of(one(text, path), ReportFormat.JUNIT).encode("utf-8", "replace"))
    assert int(root.attrib["tests"]) == len(root.findall(".//testcase")) == 1
    assert int(root.attrib["failures"]) == len(root.findall(".//failure")) == 1


def test_junit_counts_and_a_clean_run() -> None:
    root = ElementTree.fromstring(text_of(REPORT, ReportFormat.JUNIT))
    for element in (root, *root.findall("testsuite")):
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(element.attrib[name]) == len(element.findall(f".//{tag}"))
        assert int(element.attrib["tests"]) == len(element.findall(".//testcase"))
    clean = ElementTree.fromstring(
        text_of(dataclasses.replace(REPORT, violations=(), files=(), gate=None), ReportFormat.JUNIT)
    )
    assert [case.attrib["name"] for case in clean.iter("testcase")] == ["no violations"]


@given(FRAGMENTS)
def test_a_cell_is_no_formula_and_comes_back(text: str) -> None:
    header, row = csv.reader(io.StringIO(text_of(one(text), ReportFormat.CSV), newline=""))
    assert tuple(header) == spreadsheet.HEADER
    cell = dict(zip(header, row, strict=True))["message"]
    assert not FORMULA.match(cell)
    if not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text):
        assert cell in (text, f"'{text}")


def test_csv_has_a_record_for_each_violation_and_ends_lines_as_rfc_4180_says() -> None:
    text = text_of(REPORT, ReportFormat.CSV)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == len(VIOLATIONS)
    assert {row["status"] for row in rows} == {"new", "open", "reopened", "waived", "fixed"}
    assert rows[5]["waiver_by"] == "ada"
    assert text.endswith("\r\n")


@given(FRAGMENTS, FRAGMENTS)
def test_markdown_holds_no_markup_of_others(text: str, path: str) -> None:
    """Outside of our own tags nothing is left that Markdown or HTML reads; a mention is parted."""
    rendered = text_of(one(text, path), ReportFormat.MARKDOWN)
    row = next(line for line in rendered.splitlines() if "<code>" in line)
    cells = row.split(" | ")
    assert len(cells) == 4
    bare = re.sub(r"</?code>|&#\d+;", "", row.removeprefix("| ").removesuffix(" |").replace(" | ", ""))
    assert not re.search(r"[\\`*_{}\[\]<>()#+!|~@&$^=\"':%]", bare)
    message = html.unescape(cells[3].removesuffix(" |"))
    assert message.replace("\u200b", "") == one_line(text, 300).replace("\u200b", "")
    assert not re.search(r"(?<![A-Za-z0-9])[@#]\w", message)


@given(FRAGMENTS, FRAGMENTS)
@settings(max_examples=50)
def test_a_markdown_reader_finds_only_our_own_markup(text: str, path: str) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(text_of(one(text, path), ReportFormat.MARKDOWN))
    found = {
        (child.type, child.content if child.type == "html_inline" else "") for t in tokens for child in t.children or ()
    }
    ours = {("html_inline", tag) for tag in ("<code>", "</code>", "<sub>", "</sub>")}
    assert found <= ours | {(kind, "") for kind in ("text", "softbreak", "strong_open", "strong_close", "text_special")}
    assert {t.content.strip() for t in tokens if t.type == "html_block"} == {markdown.MARK}


@pytest.mark.parametrize("size", [0, 1, 50, 2_000])
def test_markdown_fits_a_comment(size: int) -> None:
    nasty = "|<&`" * 500
    items = tuple(violation(n, message=nasty, path=nasty) for n in range(size))
    old = tuple(violation(n, message=nasty, status=Status.OPEN) for n in range(size, 2 * size))
    gate = Gate(
        nasty,
        tuple(GateCondition(nasty, 1, 0, passed=False) for _ in range(60)),
        frozenset(item.fingerprint for item in items),
        (items or (BASE,))[:1] * 3,
    )
    for verdict in (gate, None):
        rendered = markdown.render(dataclasses.replace(REPORT, violations=items + old, gate=verdict))
        assert len(rendered) <= markdown.LIMIT
        assert rendered.count("<details>") == rendered.count("</details>")
        if size == 2_000:
            assert re.search(r"[\d,]+ more violations not shown", rendered)
            assert len(rendered) > markdown.LIMIT - 5_000 or verdict


def test_the_verdict_comes_first() -> None:
    assert text_of(REPORT, ReportFormat.MARKDOWN).split("\n\n")[1] == "### ❌ Gate failed: 2 of 3 conditions"
    passed = dataclasses.replace(REPORT, gate=Gate("", ()))
    assert "### ✅ Gate passed" in text_of(passed, ReportFormat.MARKDOWN)
    assert text_of(passed, ReportFormat.AI).startswith("gate passed\n")


@given(st.lists(st.tuples(st.sampled_from(Severity), st.sampled_from("abc"), FRAGMENTS), max_size=30))
@settings(max_examples=50)
def test_ai_says_everything_once_the_severest_first(rows: list[tuple[Severity, str, str]]) -> None:
    items = tuple(violation(n, severity=s, path=p, message=m) for n, (s, p, m) in enumerate(rows))
    report = dataclasses.replace(REPORT, violations=items, gate=None, files=())
    lines = "".join(ai.render(report)).split("\n")[:-1]
    paths = list(dict.fromkeys(item.path for item in items))
    said = {(item.path, item.severity, item.message) for item in items}
    assert len(lines) == (len(said) + len(paths) if items else 1)
    ranks: dict[str, list[int]] = {}
    path = ""
    for line in lines:
        match = re.match(r"(?:\d+:\d+ )+(\w+)\*? ", line)
        if match:
            ranks[path].append(list(Severity).index(Severity(match[1])))
        else:
            path = line
            ranks[path] = []
    if items:
        assert all(one <= other for found in ranks.values() for one, other in pairwise(found))
        firsts = [found[0] for found in ranks.values()]
        assert firsts == sorted(firsts)


def test_ai_says_what_it_left_out_and_a_fix_once() -> None:
    items = tuple(violation(n) for n in range(ai.LIMIT + 7))
    text = "".join(ai.render(dataclasses.replace(REPORT, violations=items, gate=None, files=())))
    assert text.endswith("\n+7 more: 7 high\n")
    assert text.count("→") == 1
    assert text.count("3:5") == ai.LIMIT


@given(TEXT)
def test_one_line_is_one_printable_line(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", line)
    assert len(one_line(text, 10)) <= 10


def test_waived_and_fixed_ones_count_nowhere() -> None:
    waived: tuple[Violation, ...] = tuple(item for item in VIOLATIONS if item.status in (Status.WAIVED, Status.FIXED))
    report = dataclasses.replace(
        REPORT, violations=waived, gate=None, files=(), summary=dataclasses.replace(REPORT.summary, parse_errors=0)
    )
    assert text_of(report, ReportFormat.GITHUB) == ""
    assert text_of(report, ReportFormat.AI) == "0 violations\n"
    assert json.loads(text_of(report, ReportFormat.GITLAB)) == []
    root: Any = ElementTree.fromstring(text_of(report, ReportFormat.JUNIT))
    assert root.attrib["failures"] == "0"
    assert "No violations" in text_of(report, ReportFormat.MARKDOWN)


@pytest.mark.parametrize("model", ["hybrid", None])
def test_without_vectors_what_comes_next_is_to_embed(model: str | None) -> None:
    report = dataclasses.replace(REPORT, analysis=dataclasses.replace(REPORT.analysis, id=1, model=model))
    assert ("Next: agentforge embed" in text_of(report, ReportFormat.TABLE)) == (model is None)
