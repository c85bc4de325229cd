"""A SARIF file to the findings of each tool in it."""

from __future__ import annotations

import codecs
import dataclasses
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from agentforge.errors import UsageError
from agentforge.model import FlowStep, Status, Violation, Waiver
from agentforge.pipeline.sarif.paths import Places
from agentforge.pipeline.sarif.rules import RuleIndex, category, confidence, severity, weakness
from agentforge.pipeline.sarif.values import Object, inside, objects, string, strings, whole
from agentforge.report.sarif.log import OUR_FINGERPRINT

MAX_SIZE = 512 * 1024 * 1024
_HINT = "Give a SARIF 2.1.0 file as the tool wrote it."
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\d+)\}")
# [text](target), where neither bracket is escaped.
_LINK = re.compile(r"(?<!\\)\[((?:[^\]\\]|\\.)*)\]\([^)]*\)")
_MESSAGE, _NAME, _STEPS = 8_000, 300, 50


@dataclass(frozen=True, slots=True)
class Finding:
    """A result as a violation without fingerprint, and what else may tell it apart where its file is not there.

    Attributes:
        violation: with the line that the log gives.
        line_text: the line, where the log holds it, else empty.
        partial: the tool's own fingerprint of it, else empty.
        ours: agentforge's fingerprint of it, where the log is of agentforge, else empty.
        utf16: whether columns count UTF-16 code units.
    """

    violation: Violation
    line_text: str = ""
    partial: str = ""
    ours: str = ""
    utf16: bool = False


@dataclass(slots=True)
class ToolReport:
    """What a tool found, of all its runs.

    Attributes:
        tool: its name, with the category of the runs where they have one.
        version: of the tool, empty where the log does not say.
        findings: in the order of the log.
        paths: that a run says it looked at, and those of findings.
        complete: False where a run failed, or holds no list of results: what it does not name may be there still.
        left_out: reason to how many results.
        repository, branch, commit: that were analysed, empty where the log does not say.
    """

    tool: str
    version: str = ""
    findings: list[Finding] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    complete: bool = True
    left_out: dict[str, int] = field(default_factory=dict)
    repository: str = ""
    branch: str = ""
    commit: str = ""

    def leave_out(self, reason: str) -> None:
        """Count a result that is not taken."""
        self.left_out[reason] = self.left_out.get(reason, 0) + 1


def parse_log(raw: bytes, name: str) -> list[Object]:
    """The runs of a log.

    Args:
        raw: the file's bytes, in UTF-8, or in UTF-16 or UTF-32 with a byte order mark.
        name: of the file, for messages.

    Raises:
        UsageError: it is no SARIF 2.1.0.
    """
    encoding, skip = next(((encoding, len(mark)) for mark, encoding in _MARKS if raw.startswith(mark)), ("utf-8", 0))
    try:
        document = json.loads(raw[skip:].decode(encoding))
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not UTF-8.", _HINT) from None
    except (ValueError, RecursionError):
        raise UsageError(f"{name} is not JSON, or was cut off.", _HINT) from None
    if not isinstance(document, dict) or not isinstance(document.get("runs"), list):
        raise UsageError(f"{name} is not SARIF: it has no list of runs.", _HINT)
    version = document.get("version")
    if not isinstance(version, str) or not version.startswith("2.1.0"):
        raise UsageError(f"{name} is SARIF of version {str(version)[:20]}; 2.1.0 can be read.", _HINT)
    for run in document["runs"]:
        if not string(inside(run, "tool", "driver").get("name")).strip():
            raise UsageError(f"{name}: a run does not say which tool made it (tool.driver.name).", _HINT)
    return list(document["runs"])


def tool_name(run: Object) -> str:
    """The name of a run's tool, and its category (`automationDetails.id` up to the last `/`) where it has one."""
    name = _one_line(string(inside(run, "tool", "driver").get("name")), 100)
    category_id = string(inside(run, "automationDetails").get("id")).rpartition("/")[0].strip("/ ")
    return f"{name} ({_one_line(category_id, 100)})" if category_id else name


def add_run(report: ToolReport, run: Object, places: Places) -> None:
    """Add the results of a run to a tool's report."""
    driver = inside(run, "tool", "driver")
    report.version = report.version or string(driver.get("semanticVersion")) or string(driver.get("version"))
    for origin in objects(run.get("versionControlProvenance")):
        report.repository = report.repository or string(origin.get("repositoryUri"))
        report.branch = report.branch or string(origin.get("branch")).removeprefix("refs/heads/")
        revision = string(origin.get("revisionId"))
        report.commit = report.commit or (revision if _COMMIT.fullmatch(revision) else "")
    failed = any(item.get("executionSuccessful") is False for item in objects(run.get("invocations")))
    if failed or not isinstance(run.get("results"), list):
        report.complete = False
    for artifact in objects(run.get("artifacts")):
        if path := places.path(inside(artifact, "location")):
            report.paths.add(path)
    rules = RuleIndex(run)
    utf16 = run.get("columnKind") == "utf16CodeUnits"
    for result in objects(run.get("results")):
        for finding in _findings(result, rules, places, report, utf16=utf16):
            report.findings.append(finding)
            report.paths.add(finding.violation.path)


def _findings(
    result: Object, rules: RuleIndex, places: Places, report: ToolReport, *, utf16: bool
) -> Iterator[Finding]:
    kind = string(result.get("kind")) or "fail"
    if kind in ("pass", "notApplicable", "informational"):
        return report.leave_out("that are no problem (kind is not fail)")
    if result.get("baselineState") == "absent":
        return report.leave_out("that are gone (baselineState absent)")
    physical = next((inside(place, "physicalLocation") for place in objects(result.get("locations"))), {})
    location = inside(physical, "artifactLocation")
    if not location:
        return report.leave_out("without a place in a file")
    path = places.path(location)
    if path is None:
        return report.leave_out("in files outside the project")
    region = inside(physical, "region")
    violation = _violation(result, rules, report.tool, path, region, review=kind != "fail")
    violation = dataclasses.replace(violation, flow=_flow(result, places, path))
    ours = string(inside(result, "partialFingerprints").get(OUR_FINGERPRINT))
    yield Finding(violation, _line_text(physical, violation.line), _partial(result), ours, utf16)
    return None


def _violation(result: Object, rules: RuleIndex, tool: str, path: str, region: Object, *, review: bool) -> Violation:
    rule_id, rule = rules.find(result)
    level = "none" if review else rules.level(result, rule_id, rule)
    cwe = weakness(result, rule)
    line = whole(region.get("startLine"), 1, 1)
    column = whole(region.get("startColumn"), 1, 1)
    end_line = max(line, whole(region.get("endLine"), 1, line))
    waiver = _waiver(result)
    return Violation(
        rule_id=_one_line(rule_id, 200) or "unnamed",
        rule_name=_rule_name(rule, rule_id),
        category=category(rule, cwe),
        severity=severity(result, rule, level),
        confidence=confidence(rule),
        cwe=cwe,
        path=path,
        line=line,
        column=column,
        end_line=end_line,
        end_column=whole(region.get("endColumn"), 1, column if end_line == line else 1),
        message=_message(result, rules, rule) or _rule_name(rule, rule_id),
        suggestion=_suggestion(result, rule),
        status=Status.WAIVED if waiver else Status.NEW,
        waiver=waiver,
        tool=tool,
    )


def _rule_name(rule: Object, rule_id: str) -> str:
    names = (rule.get("name"), inside(rule, "properties").get("name"), inside(rule, "shortDescription").get("text"))
    return next((name for text in (*names, rule_id) if (name := _one_line(string(text), _NAME))), "unnamed")


def _message(result: Object, rules: RuleIndex, rule: Object) -> str:
    """The text of a result: its own or its rule's, with arguments filled in and links as their text."""
    message = inside(result, "message")
    text = string(message.get("text")) or rules.message(rule, string(message.get("id")))
    text = text or string(message.get("markdown"))
    arguments = strings(message.get("arguments"))
    if arguments:

        def fill(match: re.Match[str]) -> str:
            if match[1] is None:
                return match[0][0]
            return arguments[int(match[1])] if len(match[1]) < 5 and int(match[1]) < len(arguments) else match[0]

        text = _PLACEHOLDER.sub(fill, text)
    text = _LINK.sub(r"\1", text).replace("\\[", "[").replace("\\]", "]")
    return text.strip()[:_MESSAGE]


def _suggestion(result: Object, rule: Object) -> str:
    """What to do: the description of a fix, else where the rule is explained."""
    for fix in objects(result.get("fixes")):
        if text := string(inside(fix, "description").get("text")):
            return _one_line(text, 1_000)
    address = string(rule.get("helpUri"))
    return f"See {_one_line(address, 500)}" if address.startswith(("https://", "http://")) else ""


def _waiver(result: Object) -> Waiver | None:
    """What suppresses a result; one that was rejected, or is under review, does not."""
    for suppression in objects(result.get("suppressions")):
        if string(suppression.get("status")) in ("", "accepted"):
            reason = _one_line(string(suppression.get("justification")), 1_000)
            where = "suppressed in the source" if suppression.get("kind") == "inSource" else "suppressed in the tool"
            return Waiver(reason or where, "tool")
    return None


def _flow(result: Object, places: Places, path: str) -> tuple[FlowStep, ...]:
    """The first way of a value that stays in one file, without its end, which is the place of the result."""
    flow = next(iter(objects(result.get("codeFlows"))), {})
    thread = next(iter(objects(flow.get("threadFlows"))), {})
    steps = []
    for item in list(objects(thread.get("locations")))[:-1]:
        physical = inside(item, "location", "physicalLocation")
        if places.path(inside(physical, "artifactLocation")) != path:
            return ()
        text = string(inside(item, "location", "message").get("text"))
        steps.append(_step(inside(physical, "region"), _one_line(_LINK.sub(r"\1", text), 200)))
    return tuple(steps[:_STEPS])


def _step(region: Object, message: str) -> FlowStep:
    line, column = whole(region.get("startLine"), 1, 1), whole(region.get("startColumn"), 1, 1)
    end_line = max(line, whole(region.get("endLine"), 1, line))
    end_column = whole(region.get("endColumn"), 1, column if end_line == line else 1)
    return FlowStep(line, column, end_line, end_column, message or "a place that the tool does not name")


def _line_text(physical: Object, line: int) -> str:
    """The line that a result begins at, out of a snippet that begins there or earlier."""
    for name in ("contextRegion", "region"):
        region = inside(physical, name)
        lines = string(inside(region, "snippet").get("text")).splitlines()
        index = line - whole(region.get("startLine"), 1, line)
        if 0 <= index < len(lines) and lines[index].strip():
            return lines[index]
    return ""


def _partial(result: Object) -> str:
    prints = {**inside(result, "fingerprints"), **inside(result, "partialFingerprints")}
    known = {
        key: string(value) for key, value in prints.items() if isinstance(value, str) and value != "requires login"
    }
    return f"{min(known)}={known[min(known)]}" if known else ""


def _one_line(text: str, limit: int) -> str:
    return " ".join(text.split())[:limit]
