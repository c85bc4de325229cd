"""The SARIF log: valid, within GitHub's limits, and true."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import jsonschema
import pytest
from hostile_report import REPORT, SOURCE, VERSION, VIOLATIONS, read, violation
from hypothesis import given
from hypothesis import strategies as st

from agentforge.model import Report, Severity, Status
from agentforge.report.sarif import limits
from agentforge.report.sarif.line_hash import line_hashes
from agentforge.report.sarif.log import SarifLog
from agentforge.report.sarif.uri import file_name, relative_uri, repository_uri
from agentforge.walk import escape

SCHEMA = json.loads((Path(__file__).parents[2] / "data/sarif/sarif-2.1.0.schema.json").read_text("utf-8-sig"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def run(report: Report = REPORT, *, in_github: bool = False) -> dict[str, Any]:
    document = json.loads("".join(SarifLog(report, VERSION, read, in_github=in_github).render()))
    VALIDATOR.validate(document)
    (only,) = document["runs"]
    return dict(only)


def test_the_log_is_valid_with_and_without_anything_in_it() -> None:
    assert len(run()["results"]) == len(VIOLATIONS)
    bare = dataclasses.replace(REPORT, files=(), violations=(), rules=(), gate=None)
    bare = dataclasses.replace(bare, project=dataclasses.replace(bare.project, repository_url=None))
    assert run(bare)["results"] == []
    assert run(dataclasses.replace(REPORT, violations=(), rules=()))["tool"]["driver"]["rules"] == []


def test_results_point_at_their_rules_and_rules_at_their_weakness() -> None:
    log = run()
    driver, (bandit,) = log["tool"]["driver"], log["tool"]["extensions"]
    (cwe,) = log["taxonomies"]
    for result in log["results"]:
        if "rule" in result:
            assert result["rule"]["toolComponent"] == {"name": "bandit", "index": 0}
            rule = bandit["rules"][result["rule"]["index"]]
        else:
            rule = driver["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        for relationship in rule.get("relationships", ()):
            target = relationship["target"]
            assert cwe["taxa"][target["index"]]["id"] == target["id"]
    properties = driver["rules"][0]["properties"]
    assert properties["security-severity"] == "9.5"
    assert "external/cwe/cwe-095" in properties["tags"]


def test_states_suppressions_and_fingerprints() -> None:
    results = {result["partialFingerprints"]["agentforge/v1"][-1]: result for result in run()["results"]}
    states = {number: result["baselineState"] for number, result in results.items()}
    assert states == {
        "1": "new",
        "2": "new",
        "3": "unchanged",
        "4": "new",
        "5": "unchanged",
        "6": "unchanged",
        "7": "absent",
    }
    kinds = {
        number: result["suppressions"][0]["kind"] for number, result in results.items() if "suppressions" in result
    }
    assert kinds == {"5": "inSource", "6": "external"}
    assert results["6"]["suppressions"][0]["justification"] == "until the rewrite (by ada, until 2027-01-31)"
    assert "baselineState" not in run(first_run())["results"][0]


def first_run() -> Report:
    return dataclasses.replace(REPORT, gate=None, analysis=dataclasses.replace(REPORT.analysis, previous_id=None))


def test_the_hash_of_the_line_is_githubs() -> None:
    report = dataclasses.replace(REPORT, violations=(violation(1, line=3), violation(2, line=99)))
    first, second = run(report)["results"]
    assert first["partialFingerprints"]["primaryLocationLineHash"] == line_hashes(SOURCE)[2]
    assert "primaryLocationLineHash" not in second["partialFingerprints"]


# What github/codeql-action's own tests expect of `src/fingerprints.ts`.
GREETING = ["e9496ae3ebfced30", "fb7c023a8b9ccb3f", "ce8ba1a563dcdaca", "e20e36e16fcb0cc8", "b3edc88f2938467e"]
LONG = [*GREETING, "c8e28b0b4002a3a0", "c129715d7a2bc9a3"]


@pytest.mark.parametrize(
    ("text", "hashes"),
    [
        ("", ["c129715d7a2bc9a3"]),
        (" a\nb\n  \t\tc\n d", ["271789c17abda88f", "54703d4cd895b18", "180aee12dab6264", "a23a3dc5e078b07b"]),
        (" hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n", LONG),
        (" hello; \t\nworld!!!\r\r\r  \t\tGreetings\r End\r", LONG),
        (" hello; \t\r\nworld!!!\r\n\r\n\r\n  \t\tGreetings\r\n End\r\n", LONG),
    ],
)
def test_line_hashes_are_those_of_the_action(text: str, hashes: list[str]) -> None:
    assert line_hashes(text.encode()) == [f"{value}:1" for value in hashes]


def test_equal_hashes_are_counted_and_any_bytes_have_some() -> None:
    lines = line_hashes(b"x\n" * 250)
    assert lines[0].split(":")[0] == lines[1].split(":")[0]
    assert [line.split(":")[1] for line in lines[:3]] == ["1", "2", "3"]
    assert len(line_hashes("\ufeffa\n\U0001f600\n".encode() + b"\xff\xfe\n")) == 4


@given(st.text(max_size=300))
def test_every_line_has_a_hash_by_the_definition(text: str) -> None:
    """Written down again, slowly: the sum over the hundred units from the line's beginning on."""
    kept = text.replace("\r\n", "\n").replace("\r", "\n").replace(" ", "").replace("\t", "")
    raw = kept.encode("utf-16-le")
    units = [int.from_bytes(raw[n : n + 2], "little") for n in range(0, len(raw), 2)] + [65535] + [0] * 100
    starts = [0] + [n + 1 for n, unit in enumerate(units) if unit == 10]
    slow = [sum(unit * 37 ** (99 - n) for n, unit in enumerate(units[start : start + 100])) % 2**64 for start in starts]
    assert [int(value.split(":")[0], 16) for value in line_hashes(text.encode())] == slow


def test_githubs_limit_keeps_the_severest_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_RESULTS", 3)
    monkeypatch.setattr(limits, "SHOWN_RESULTS", 2)
    items = [violation(n, severity=Severity.LOW) for n in range(3)] + [violation(9, severity=Severity.CRITICAL)]
    items.append(violation(8, severity=Severity.CRITICAL, status=Status.WAIVED))
    report = dataclasses.replace(REPORT, violations=tuple(items))
    log = run(report)
    assert [result["properties"]["severity"] for result in log["results"]] == ["critical", "low", "low"]
    messages = [item["message"]["text"] for item in log["invocations"][0]["toolExecutionNotifications"]]
    assert messages[-1] == "SARIF: 2 of 5 results left out, as GitHub refuses more than 3: 1 critical, 1 low."
    notes = SarifLog(report, VERSION, read, in_github=True).notes
    assert notes[0].startswith("SARIF: 1 waived or fixed violation left out")
    assert notes[-1] == "SARIF: GitHub keeps the severest 2 results of a run."


def test_githubs_size_keeps_the_severest_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = ["".join(hashlib.sha256(f"{n} {m}".encode()).hexdigest() for m in range(15)) for n in range(200)]
    items = [violation(n, severity=Severity.LOW, message=text) for n, text in enumerate(noise)]
    items.append(violation(999, severity=Severity.CRITICAL))
    report = dataclasses.replace(REPORT, violations=tuple(items))
    assert len(run(report)["results"]) == 201
    monkeypatch.setattr(limits, "MAX_BYTES", 110_000)
    log = SarifLog(report, VERSION, read)
    text = "".join(log.render())
    assert len(gzip.compress(text.encode())) <= 110_000
    results = json.loads(text)["runs"][0]["results"]
    assert 20 < len(results) < 200
    assert results[0]["properties"]["severity"] == "critical"
    left = 201 - len(results)
    assert log.notes[-1].startswith(f"SARIF: {left} of 201 results left out, as GitHub refuses a file of more")
    assert log.notes[-1].endswith(f"{left} low.")


def test_a_flow_ends_at_the_place() -> None:
    (flow,) = run()["results"][0]["codeFlows"]
    (thread,) = flow["threadFlows"]
    places = [item["location"]["physicalLocation"]["region"] for item in thread["locations"]]
    assert [place["startLine"] for place in places] == [1, 2, 3]
    assert places[-1] == run()["results"][0]["locations"][0]["physicalLocation"]["region"]


def test_in_a_workflow_nothing_that_is_waived_or_gone_becomes_an_alert() -> None:
    statuses = {result["properties"]["status"] for result in run(in_github=True)["results"]}
    assert statuses == {"new", "open", "reopened"}


def test_files_that_were_not_analysed_are_named() -> None:
    notifications = run()["invocations"][0]["toolExecutionNotifications"]
    assert [item["descriptor"]["id"] for item in notifications] == [
        "not-parsed",
        "not-analysed",
    ]  # a picture is neither


@given(st.binary(min_size=1, max_size=30).filter(lambda name: b"\0" not in name and not name.startswith(b"/")))
def test_a_uri_names_the_file_that_it_is_of(name: bytes) -> None:
    shown = escape(name.decode("utf-8", "surrogateescape"))
    uri = relative_uri(shown)
    assert uri.isascii()
    assert ":" not in uri
    if not any(0x80 <= ord(character) < 0xA0 for character in name.decode("utf-8", "surrogateescape")):
        assert unquote_to_bytes(uri) == file_name(shown) == name


@pytest.mark.parametrize(
    ("address", "uri"),
    [
        ("https://ada:secret@example.org:8443/a/b.git?token=x#y", "https://example.org:8443/a/b.git"),
        ("git@example.org:ada/shop.git", "ssh://example.org/ada/shop.git"),
        ("ssh://git@example.org/ada/a%20b", "ssh://example.org/ada/a%20b"),
        ("/srv/git/a b.git", "file:///srv/git/a%20b.git"),
        ("https://[::1/x", None),
        ("nonsense", None),
    ],
)
def test_an_address_of_a_repository_holds_no_credentials(address: str, uri: str | None) -> None:
    assert repository_uri(address) == uri
