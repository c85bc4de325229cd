"""A report as a SARIF log of one run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from agentforge.model import FlowStep, Report, Status, Violation
from agentforge.report.choice import has_baseline, is_new
from agentforge.report.sarif.limits import fitting, select
from agentforge.report.sarif.line_hash import line_hashes
from agentforge.report.sarif.rules import LEVELS, Rules
from agentforge.report.sarif.uri import relative_uri, repository_uri

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
OUR_FINGERPRINT = "agentforge/v1"
_ROOT = "%SRCROOT%"
# Reasons for leaving a file out that nobody chose.
_FAULTS = ("no permission", "cannot be read", "vanished", "larger than", "its worker process died")
_MESSAGE = 1_000
# A link in a message (3.11.6): a bracket that is none is escaped.
_LINK = re.compile(r"\[(?=[^\]]*\]\()")


class SarifLog:
    """One log. `notes` say what had to be left out."""

    def __init__(
        self, report: Report, version: str, read: Callable[[str], bytes | None], *, in_github: bool = False
    ) -> None:
        """Choose the results.

        Args:
            report: with all files and violations.
            version: of the tool.
            read: gives the bytes of a file by its path in the report, None where it cannot be read.
            in_github: whether the log is made in a GitHub workflow.
        """
        self._report = report
        self._version = version
        self._read = read
        self._rules = Rules(report)
        self._hashes: dict[tuple[str, int], str] | None = None
        self._selection = select(report, in_github=in_github)
        self._baseline = has_baseline(report)
        self.notes = self._selection.notes
        self._selection = fitting(self._selection, json.dumps(self._members()), self._results())
        self.notes = self._selection.notes

    def render(self) -> Iterator[str]:
        """The log as text, in pieces: one result a line."""
        yield f'{{\n"$schema": {json.dumps(SCHEMA)},\n"version": "2.1.0",\n"runs": [\n{{\n'
        for name, value in self._members().items():
            yield f'"{name}": {json.dumps(value, ensure_ascii=False)},\n'
        yield '"results": ['
        before = "\n"
        for result in self._results():
            yield before + result
            before = ",\n"
        yield "\n]\n}\n]\n}\n"

    def _results(self) -> Iterator[str]:
        if self._hashes is None:
            self._hashes = self._line_hashes()
        for violation in self._selection.violations:
            yield json.dumps(self._result(violation, self._hashes), ensure_ascii=False)

    def _members(self) -> dict[str, Any]:
        members: dict[str, Any] = {"tool": self._rules.tool(self._version)}
        if provenance := self._provenance():
            members["versionControlProvenance"] = [provenance]
        members["originalUriBaseIds"] = {_ROOT: {"description": {"text": "The root of the project."}}}
        members["invocations"] = [self._invocation()]
        members["columnKind"] = "unicodeCodePoints"
        if taxonomies := self._rules.taxonomies():
            members["taxonomies"] = taxonomies
        return members

    def _provenance(self) -> dict[str, Any] | None:
        project = self._report.project
        address = repository_uri(project.repository_url) if project.repository_url else None
        if address is None:
            return None
        found: dict[str, Any] = {"repositoryUri": address, "mappedTo": {"uriBaseId": _ROOT}}
        if project.commit:
            found["revisionId"] = project.commit
        if project.branch:
            found["branch"] = project.branch
        return found

    def _invocation(self) -> dict[str, Any]:
        analysis = self._report.analysis
        found: dict[str, Any] = {
            "executionSuccessful": analysis.status == "completed",
            "startTimeUtc": _utc(analysis.started_at),
        }
        if analysis.completed_at is not None:
            found["endTimeUtc"] = _utc(analysis.completed_at)
        if notifications := list(self._notifications()):
            found["toolExecutionNotifications"] = notifications
        return found

    def _notifications(self) -> Iterator[dict[str, Any]]:
        for file in self._report.files:
            if file.metrics.parse_error is not None:
                yield _notification("not-parsed", f"Did not parse: {file.metrics.parse_error}", file.path)
        for skipped in self._report.analysis.skipped:
            if skipped.reason.startswith(_FAULTS):
                yield _notification("not-analysed", f"Skipped: {skipped.reason}", skipped.path)
        for note in self.notes:
            yield _notification("left-out", note, None)

    def _line_hashes(self) -> dict[tuple[str, int], str]:
        """GitHub's hash of each line that a result begins at. A file is read once."""
        wanted: dict[str, set[int]] = {}
        for item in self._selection.violations:
            if item.status is not Status.FIXED:
                wanted.setdefault(item.path, set()).add(item.line)
        found = {}
        for path, lines in wanted.items():
            raw = self._read(path)
            if raw is not None:
                hashes = line_hashes(raw)
                found.update({(path, line): hashes[line - 1] for line in lines if 0 < line <= len(hashes)})
        return found

    def _result(self, item: Violation, hashes: dict[tuple[str, int], str]) -> dict[str, Any]:
        found = self._rules.reference(item.tool, item.rule_id)
        found["level"] = LEVELS[item.severity]
        found["message"] = {"text": _LINK.sub(r"\\[", item.message[:_MESSAGE]) or item.rule_name or item.rule_id}
        found["locations"] = [_location(item)]
        if item.flow:
            found["codeFlows"] = [_code_flow(item)]
        if item.related:
            found["relatedLocations"] = [_related(*item.related)]
        found["partialFingerprints"] = fingerprints = {OUR_FINGERPRINT: item.fingerprint}
        if line_hash := hashes.get((item.path, item.line)):
            fingerprints["primaryLocationLineHash"] = line_hash
        if self._baseline:
            found["baselineState"] = self._baseline_state(item)
        if item.status is Status.WAIVED:
            found["suppressions"] = [_suppression(item)]
        found["properties"] = {
            "severity": item.severity.value,
            "confidence": item.confidence.value,
            "category": item.category.value,
            "status": item.status.value,
        }
        if item.suggestion:
            found["properties"]["suggestion"] = item.suggestion
        return found

    def _baseline_state(self, item: Violation) -> str:
        if item.status is Status.FIXED:
            return "absent"
        return "new" if is_new(self._report, item) else "unchanged"


def _location(item: Violation) -> dict[str, Any]:
    artifact = {"uri": relative_uri(item.path), "uriBaseId": _ROOT}
    found: dict[str, Any] = {"physicalLocation": {"artifactLocation": artifact, "region": _region(item)}}
    if item.function:
        found["logicalLocations"] = [{"fullyQualifiedName": item.function, "kind": "function"}]
    return found


def _code_flow(item: Violation) -> dict[str, Any]:
    """The way of a value, at the end of which the place of the violation stands."""
    artifact = {"uri": relative_uri(item.path), "uriBaseId": _ROOT}
    places = [(step, step.message) for step in item.flow] + [(item, item.message or item.rule_id)]
    locations = [
        {
            "location": {
                "physicalLocation": {"artifactLocation": artifact, "region": _region(place)},
                "message": {"text": _LINK.sub(r"\\[", message[:_MESSAGE])},
            }
        }
        for place, message in places
    ]
    return {"threadFlows": [{"locations": locations}]}


def _related(path: str, line: int) -> dict[str, Any]:
    """The other place of a result that has two."""
    artifact = {"uri": relative_uri(path), "uriBaseId": _ROOT}
    place = {"artifactLocation": artifact, "region": {"startLine": line}}
    return {"id": 0, "message": {"text": "the other function"}, "physicalLocation": place}


def _region(item: Violation | FlowStep) -> dict[str, int]:
    """Lines, and columns as far as they say something: the end is behind the beginning."""
    line, column = max(1, item.line), max(1, item.column)
    region = {"startLine": line, "startColumn": column}
    if (item.end_line, item.end_column) > (line, column) and item.end_column >= 1:
        region |= {"endLine": item.end_line, "endColumn": item.end_column}
    return region


def _suppression(item: Violation) -> dict[str, str]:
    waiver = item.waiver
    if waiver is None:
        return {"kind": "external"}
    found = {"kind": "inSource" if waiver.kind == "inline" else "external"}
    justification = waiver.reason
    if waiver.by or waiver.until:
        said = [f"by {waiver.by}"] if waiver.by else []
        said += [f"until {waiver.until}"] if waiver.until else []
        justification = f"{justification} ({', '.join(said)})".strip()
    return found | ({"justification": justification} if justification else {})


def _notification(kind: str, text: str, path: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "descriptor": {"id": kind},
        "level": "warning",
        "message": {"text": _LINK.sub(r"\\[", text)},
    }
    if path is not None:
        artifact = {"uri": relative_uri(path), "uriBaseId": _ROOT}
        found["locations"] = [{"physicalLocation": {"artifactLocation": artifact}}]
    return found


def _utc(time: str) -> str:
    """ISO 8601 in UTC as SARIF wants it: with Z."""
    return time.replace("+00:00", "Z")
