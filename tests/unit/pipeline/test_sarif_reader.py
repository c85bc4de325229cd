"""Other tools' SARIF as findings: real samples, every place where a value may stand, and hostile ones."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentforge.errors import UsageError
from agentforge.model import Category, Confidence, Severity, Status
from agentforge.pipeline.sarif.identity import identify
from agentforge.pipeline.sarif.log import ToolReport, add_run, parse_log, tool_name
from agentforge.pipeline.sarif.paths import Places

DATA = Path(__file__).parents[2] / "data/sarif"
FILES = {"src/app.py", "src/app.js"}
ROOT = "/home/ada/shop"


def report_of(run: Any, *, root: str | None = ROOT, folder: str = "", files: set[str] = FILES) -> ToolReport:
    report = ToolReport(tool_name(run))
    add_run(report, run, Places(run, root, folder, files.__contains__))
    return report


def sample(name: str) -> ToolReport:
    (run,) = parse_log((DATA / f"{name}.sarif").read_bytes(), name)
    return report_of(run)


def result(region: Any = None, **changes: Any) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": "src/app.py"}, "region": region if region is not None else {"startLine": 2}}
    return {"ruleId": "r", "message": {"text": "m"}, "locations": [{"physicalLocation": place}]} | changes


def run(*results: Any, rules: Any = (), **members: Any) -> dict[str, Any]:
    return {"tool": {"driver": {"name": "t", "rules": list(rules)}}, "results": list(results)} | members


def one(found: Any, rules: Any = (), **members: Any) -> Any:
    (finding,) = report_of(run(found, rules=rules, **members)).findings
    return finding.violation


def flow(*steps: tuple[str, int, str]) -> list[dict[str, Any]]:
    locations = [
        {
            "location": {
                "physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}},
                "message": {"text": text},
            }
        }
        for uri, line, text in steps
    ]
    return [{"threadFlows": [{"locations": locations}]}]


def test_a_flow_within_the_file_is_taken_over() -> None:
    inside = flow(("src/app.py", 1, "[input](1)"), ("src/app.py", 2, "m"))
    assert [(step.line, step.message) for step in one(result(codeFlows=inside)).flow] == [(1, "input")]
    assert one(result(codeFlows=flow(("src/app.js", 1, "x"), ("src/app.py", 2, "m")))).flow == ()
    for broken in (None, {}, [], [{}], [{"threadFlows": 1}], [{"threadFlows": [{"locations": [1, {}]}]}]):
        assert one(result(codeFlows=broken)).flow == ()


def test_what_real_tools_write() -> None:
    ruff, semgrep, bandit, eslint, codeql = map(sample, ("ruff", "semgrep", "bandit", "eslint", "codeql"))
    assert [(found.violation.path, found.violation.rule_id, found.violation.line) for found in ruff.findings][:2] == [
        ("src/app.py", "F401", 1),
        ("src/app.py", "S602", 7),
    ]
    categories = {found.violation.rule_id: found.violation.category for found in ruff.findings}
    assert categories["S602"] is Category.SECURITY
    assert categories["F401"] is categories["B006"] is Category.RELIABILITY
    shell, pickle = (found.violation for found in semgrep.findings)
    assert (shell.cwe, shell.category, shell.severity) == (78, Category.SECURITY, Severity.HIGH)
    assert (pickle.status, pickle.severity, pickle.waiver) == (Status.WAIVED, Severity.MEDIUM, pickle.waiver)
    assert pickle.waiver is not None
    assert pickle.waiver.kind == "tool"
    assert semgrep.findings[0].line_text == "    return subprocess.call(cmd, shell=True)"
    assert semgrep.findings[0].partial == ""  # "requires login" tells nothing apart
    assert {found.violation.cwe for found in bandit.findings} == {502, 78}
    assert bandit.version
    assert [found.violation.path for found in eslint.findings] == ["src/app.js", "src/app.js"]
    (command,) = (found.violation for found in codeql.findings)
    assert (command.severity, command.confidence, command.cwe) == (Severity.CRITICAL, Confidence.HIGH, 78)
    assert command.message == "This command line depends on a user-provided value."
    assert command.rule_name == "py/command-line-injection"
    assert (codeql.tool, codeql.branch, codeql.commit[:6]) == ("CodeQL (language:python)", "main", "012345")
    assert all(found.complete for found in (ruff, semgrep, bandit, eslint, codeql))


@pytest.mark.parametrize(
    ("found", "rules", "severity"),
    [
        (result(level="error"), [], Severity.HIGH),
        (result(level="note"), [], Severity.LOW),
        (result(level="none"), [], Severity.INFO),
        (result(), [], Severity.MEDIUM),
        (result(kind="review", level="error"), [], Severity.INFO),
        (result(), [{"id": "r", "defaultConfiguration": {"level": "error"}}], Severity.HIGH),
        (result(level="note"), [{"id": "r", "properties": {"security-severity": "9.1"}}], Severity.CRITICAL),
        (result(properties={"security-severity": 4}), [{"id": "r"}], Severity.MEDIUM),
        (result(properties={"security-severity": "0.0"}), [], Severity.INFO),
        (result(properties={"security-severity": "nan"}, level="error"), [], Severity.HIGH),
        (result(ruleId=None, ruleIndex=0), [{"id": "x", "defaultConfiguration": {"level": "note"}}], Severity.LOW),
        (result(ruleId="r/1"), [{"id": "r", "defaultConfiguration": {"level": "note"}}], Severity.LOW),
        (result(level=["error"]), [], Severity.MEDIUM),
    ],
)
def test_severity(found: Any, rules: Any, severity: Severity) -> None:
    assert one(found, rules).severity is severity


def test_what_a_run_overrides() -> None:
    override = {"descriptor": {"id": "r"}, "configuration": {"level": "note"}}
    rules = [{"id": "r", "defaultConfiguration": {"level": "error"}}]
    members = {"invocations": [{"executionSuccessful": True, "ruleConfigurationOverrides": [override]}]}
    assert one(result(), rules, **members).severity is Severity.LOW


@pytest.mark.parametrize(
    ("found", "rules", "cwe"),
    [
        (result(taxa=[{"id": "CWE-22"}]), [], 22),
        (result(taxa=[{"id": "22", "toolComponent": {"name": "CWE"}}]), [], 22),
        (result(taxa=[{"id": "22", "toolComponent": {"name": "other"}}]), [], None),
        (result(), [{"id": "r", "relationships": [{"target": {"id": "CWE-089"}}]}], 89),
        (result(), [{"id": "r", "properties": {"tags": ["external/cwe/cwe-079"]}}], 79),
        (result(), [{"id": "r", "properties": {"cwe": "CWE-78: OS Command Injection"}}], 78),
        (result(), [{"id": "r", "properties": {"tags": ["cweird", "CWE-0", "mycwe-3"]}}], None),
    ],
)
def test_weakness(found: Any, rules: Any, cwe: int | None) -> None:
    assert one(found, rules).cwe == cwe


def test_messages_by_id_with_arguments_and_links() -> None:
    rules = [{"id": "r", "messageStrings": {"default": {"text": "'{0}' is {{bad}} {1} {9}"}}}]
    assert one(result(message={"id": "default", "arguments": ["x", "here"]}), rules).message == "'x' is {bad} here {9}"
    assert one(result(message={"text": "see [the \\[x\\]](2) now"})).message == "see the [x] now"
    assert one(result(message={})).message == "r"


@pytest.mark.parametrize(
    ("suppressions", "status"),
    [
        ([], Status.NEW),
        ([{"kind": "inSource"}], Status.WAIVED),
        ([{"kind": "external", "status": "rejected"}], Status.NEW),
        ([{"kind": "external", "status": "underReview"}], Status.NEW),
        ([{"kind": "external", "status": "rejected"}, {"kind": "external", "justification": "ok"}], Status.WAIVED),
    ],
)
def test_suppressions(suppressions: Any, status: Status) -> None:
    assert one(result(suppressions=suppressions)).status is status


def test_what_is_left_out_and_why() -> None:
    outside = {"artifactLocation": {"uri": "../../etc/passwd"}}
    report = report_of(
        run(
            result(kind="pass"),
            result(kind="notApplicable"),
            result(baselineState="absent"),
            result(locations=[]),
            result(locations=[{"physicalLocation": outside}]),
            result(),
        )
    )
    assert len(report.findings) == 1
    assert report.left_out == {
        "that are no problem (kind is not fail)": 2,
        "that are gone (baselineState absent)": 1,
        "without a place in a file": 1,
        "in files outside the project": 1,
    }


def test_a_run_that_failed_or_holds_no_results_is_not_complete() -> None:
    assert not report_of(run(result(), invocations=[{"executionSuccessful": False}])).complete
    assert not report_of({"tool": {"driver": {"name": "t"}}}).complete
    assert not report_of({"tool": {"driver": {"name": "t"}}, "results": None}).complete
    assert report_of(run()).complete


BASES = {"SRC": {"uri": "src/", "uriBaseId": "ROOT"}, "ROOT": {"uri": "file:///home/runner/work/shop/"}}


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ({"uri": "src/app.py"}, "src/app.py"),
        ({"uri": "./src/../src/app.py"}, "src/app.py"),
        ({"uri": "src%2Fapp.py"}, "src/app.py"),
        ({"uri": "src\\app.py"}, "src/app.py"),
        ({"uri": "file:///home/ada/shop/src/app.py"}, "src/app.py"),
        ({"uri": "/home/ada/shop/src/app.py"}, "src/app.py"),
        ({"uri": "file:///github/workspace/src/app.py"}, "src/app.py"),
        ({"uri": "file:///C:/work/shop/src/app.py"}, "src/app.py"),
        ({"uri": "C:\\work\\shop\\src\\app.py"}, "src/app.py"),
        ({"uri": "app.py", "uriBaseId": "SRC"}, "src/app.py"),
        ({"uri": "src/app.py", "uriBaseId": "%SRCROOT%"}, "src/app.py"),
        ({"uri": "src/app.py", "uriBaseId": "LOOP"}, "src/app.py"),
        ({"index": 0}, "src/app.js"),
        ({"uri": "gone.py"}, "gone.py"),
        ({"uri": "a%20b/%C3%BC%0A.py"}, "a b/ü\\x0a.py"),
        ({"uri": "a.py#frag"}, "a.py"),
        ({"uri": "../x.py"}, None),
        ({"uri": "src/../../x.py"}, None),
        ({"uri": "%2e%2e/%2e%2e/etc/passwd"}, None),
        ({"uri": "/etc/passwd"}, None),
        ({"uri": "file:///home/ada/shop/../secret.py"}, None),
        ({"uri": "https://example.org/src/app.py"}, None),
        ({"uri": "a%00b"}, None),
        ({"uri": "."}, None),
        ({"uri": ""}, None),
        ({"uri": 7}, None),
        ({"index": 99}, None),
        ({}, None),
    ],
)
def test_places(location: Any, path: str | None) -> None:
    bases = BASES | {"LOOP": {"uri": "", "uriBaseId": "LOOP"}}
    log = {"originalUriBaseIds": bases, "artifacts": [{"location": {"uri": "src/app.js"}}]}
    assert Places(log, ROOT, "", FILES.__contains__).path(location) == path


def test_a_tool_that_ran_in_a_folder_below_the_root_counts_from_there() -> None:
    assert Places({}, ROOT, "src", FILES.__contains__).path({"uri": "app.py"}) == "src/app.py"
    assert Places({}, ROOT, "lib", FILES.__contains__).path({"uri": "../src/app.py"}) == "src/app.py"
    assert Places({}, ROOT, "lib", FILES.__contains__).path({"uri": "src/app.py"}) == "src/app.py"


def test_without_a_tree_the_bases_of_the_log_are_the_root() -> None:
    places = Places({"originalUriBaseIds": BASES}, None, "", set().__contains__)
    assert places.path({"uri": "file:///home/runner/work/shop/lib/x.py"}) == "lib/x.py"
    assert places.path({"uri": "file:///etc/passwd"}) is None


LOG = json.dumps({"version": "2.1.0", "runs": [run(result())]})


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[" * 200_000, "is not JSON"),
        (b"\xff\xfe\xff", "is not"),
        (b"\x80abc", "is not UTF-8"),
        (b"[]", "has no list of runs"),
        (b'{"runs": {}}', "has no list of runs"),
        (b'{"runs": []}', "of version None"),
        (b'{"version": "1.0.0", "runs": []}', "of version 1.0.0"),
        (b'{"version": "2.1.0", "runs": [7]}', "which tool made it"),
        (b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": " "}}}]}', "which tool made it"),
    ],
)
def test_what_is_no_sarif_is_said_in_a_sentence(raw: bytes, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_log(raw, "x.sarif")
    assert said in caught.value.message
    assert caught.value.message.startswith("x.sarif")


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_marks_of_byte_order(mark: bytes, encoding: str) -> None:
    assert len(parse_log(mark + LOG.encode(encoding), "x")) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud800\0"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted({
        "tool", "driver", "name", "rules", "id", "results", "ruleId", "ruleIndex", "rule", "index", "message", "text",
        "locations", "physicalLocation", "artifactLocation", "uri", "uriBaseId", "region", "startLine", "endColumn",
        "properties", "tags", "security-severity", "suppressions", "taxa", "relationships", "originalUriBaseIds",
        "invocations", "artifacts", "partialFingerprints", "snippet", "toolComponent", "arguments", "fixes", "level",
    })), inner, max_size=6),
    max_leaves=30,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(sorted(result())), JSON), JSON, JSON)
@settings(max_examples=150)
def test_nothing_of_any_type_breaks_the_reader(changes: Any, extra: Any, rules: Any) -> None:
    hostile = run(result() | changes, result(region=extra), rules=rules if isinstance(rules, list) else [])
    if isinstance(extra, dict):
        hostile = {**extra, **hostile}
    report = report_of(hostile)
    for violation in identify(report.findings, "t", lambda _: b"a\nb\n"):
        assert 1 <= violation.line <= 2**31 - 1
        assert violation.end_line >= violation.line
        assert len(violation.fingerprint) == 64
        json.dumps(violation.message).encode()
        assert "\0" not in violation.message
        assert not violation.path.startswith(("/", ".."))


def test_identity_does_not_follow_the_line_number_and_tells_tools_apart() -> None:
    def fingerprints(line: int, text: bytes | None, tool: str = "t", **changes: Any) -> list[str]:
        report = report_of(run(result({"startLine": line}, **changes)))
        return [item.fingerprint for item in identify(report.findings, tool, lambda _: text)]

    here = fingerprints(2, b"def f():\n    x = 1\n")
    assert fingerprints(4, b"\n# more\ndef f():\n  x  =  1\n") == here
    assert fingerprints(2, b"def f():\n    x = 2\n") != here
    assert fingerprints(2, b"def f():\n    x = 1\n", "u") != here
    prints = {"partialFingerprints": {"primaryLocationLineHash": "abc:1"}}
    assert fingerprints(2, None, **prints) == fingerprints(9, None, **prints)
    quoted = {"startLine": 2, "snippet": {"text": "    x = 1"}}
    report = report_of(run(result(quoted), result({**quoted, "startLine": 8})))
    assert len({item.fingerprint for item in identify(report.findings, "t", lambda _: None)}) == 2
    twice = report_of(run(result(), result()))
    assert len(identify(twice.findings, "t", lambda _: None)) == 1


def test_columns_become_code_points() -> None:
    text = "s = '😀😀'; eval(s)\n".encode()
    report = report_of(run(result({"startLine": 1, "startColumn": 13, "endColumn": 17}), columnKind="utf16CodeUnits"))
    (violation,) = identify(report.findings, "t", lambda _: text)
    assert (violation.column, violation.end_column) == (11, 15)
