"""A report of before, read from a file: ours in JSON, or any tool's SARIF 2.1.0."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentforge.detect.fingerprint import hash_line
from agentforge.errors import UsageError
from agentforge.model import Severity
from agentforge.pipeline.new_code import KnownFunction, KnownViolation
from agentforge.pipeline.sarif.log import Finding, ToolReport, add_run
from agentforge.pipeline.sarif.paths import Places
from agentforge.pipeline.sarif.values import inside
from agentforge.report.document import SCHEMA_VERSION

MAX_SIZE = 512 * 1024 * 1024
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_GONE = ("fixed", "absent")


@dataclass(frozen=True, slots=True)
class BaselineReport:
    """What a file says of before.

    Attributes:
        violations: that were there, waived ones included.
        functions: that were there, None where the file does not say.
        commit: that was analysed, None where the file does not say.
        partial: whether only a part of the project was looked at.
    """

    violations: tuple[KnownViolation, ...]
    functions: tuple[KnownFunction, ...] | None
    commit: str | None
    partial: bool = False


class _BadEntryError(Exception):
    """An entry is not as the format wants it; says which and why."""


def read_baseline(raw: bytes, name: str, root: str) -> BaselineReport:
    """Read a baseline.

    Args:
        raw: the file's bytes.
        name: of the file, for messages.
        root: of the tree, to which absolute paths in SARIF are made relative.

    Raises:
        UsageError: it is neither a report of ours nor SARIF, or a broken one.
    """
    hint = "Make one with: agentforge check PATH --format json > baseline.json"
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise UsageError(f"--baseline: {name} is not JSON, or was cut off.", hint) from None
    try:
        if isinstance(document, dict) and isinstance(document.get("runs"), list):
            return _sarif(document["runs"], root)
        if isinstance(document, dict) and isinstance(document.get("violations"), list):
            return _ours(document)
    except _BadEntryError as error:
        raise UsageError(f"--baseline: {name} is broken: {error}.", hint) from None
    raise UsageError(f"--baseline: {name} is neither a JSON report of agentforge nor SARIF.", hint)


def _ours(document: Mapping[str, Any]) -> BaselineReport:
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise _BadEntryError(f"its schema_version is {version!r}, this agentforge reads {SCHEMA_VERSION}")
    numbers = itertools.count()
    violations = []
    for place, row in _objects(document["violations"], "violations"):
        if row.get("status") not in _GONE:
            violations.append(
                KnownViolation(
                    id=next(numbers),
                    path=_value(row, "path", str, place),
                    rule_id=_value(row, "rule_id", str, place),
                    line=_value(row, "line", int, place),
                    message=_value(row, "message", str, place),
                    fingerprint=_value(row, "fingerprint", str, place),
                    line_hash=_optional(row.get("line_hash")),
                    function=_optional(row.get("function")),
                    severity=_severity(row.get("severity")),
                )
            )
    commit = _commit(inside(document, "project").get("commit"))
    partial = inside(document, "analysis").get("partial") is True
    return BaselineReport(tuple(violations), _functions(document.get("files")), commit, partial)


def _functions(files: Any) -> tuple[KnownFunction, ...] | None:
    if not isinstance(files, list):
        return None
    return tuple(
        KnownFunction(
            _value(file, "path", str, place),
            _value(function, "qualified_name", str, inner),
            _value(function, "cyclomatic", int, inner),
            _value(function, "cognitive", int, inner),
        )
        for place, file in _objects(files, "files")
        for inner, function in _objects(file.get("functions", []), f"{place}.functions")
    )


def _sarif(runs: list[Any], root: str) -> BaselineReport:
    """The results of all runs, whichever tools they are of; those that are gone, or no problem, were not there."""
    numbers = itertools.count()
    violations: list[KnownViolation] = []
    commit = None
    for place, run in _objects(runs, "runs"):
        list(_objects(run.get("results"), f"{place}.results"))  # names what is broken
        report = ToolReport("")
        add_run(report, run, Places(run, root, "", lambda path: Path(root, path).is_file()))
        violations.extend(_known(next(numbers), finding) for finding in report.findings)
        commit = commit or _commit(report.commit)
    return BaselineReport(tuple(violations), None, commit)


def _known(number: int, finding: Finding) -> KnownViolation:
    item = finding.violation
    return KnownViolation(
        id=number,
        path=item.path,
        rule_id=item.rule_id,
        line=item.line,
        message=item.message,
        line_hash=hash_line(finding.line_text) if finding.line_text else "",
        fingerprint=finding.ours,
    )


def _objects(rows: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects of a list with the place of each; none where the list is absent."""
    if rows is None:
        return
    if not isinstance(rows, list):
        raise _BadEntryError(f"{place} is no list")
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise _BadEntryError(f"{place}[{index}] is no object")
        yield f"{place}[{index}]", row


def _value(row: Mapping[str, Any], key: str, kind: type, place: str) -> Any:
    value = row.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _BadEntryError(f"{place}.{key} is missing or no {'text' if kind is str else 'whole number'}")
    return value


def _optional(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _severity(value: Any) -> Severity | None:
    return Severity(value) if value in set(Severity) else None


def _commit(value: Any) -> str | None:
    return value if isinstance(value, str) and _COMMIT.fullmatch(value) else None
