"""A report of before, read from a file: ours in JSON, or any tool's SARIF 2.1.0."""

from __future__ import annotations

import itertools
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from agentforge.detect.fingerprint import hash_line
from agentforge.errors import UsageError
from agentforge.model import Severity
from agentforge.pipeline.new_code import KnownFunction, KnownViolation
from agentforge.report.document import SCHEMA_VERSION
from agentforge.walk import escape

MAX_SIZE = 512 * 1024 * 1024
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_GONE = ("fixed", "absent")
_OUR_FINGERPRINT = re.compile(r"agentforge", re.IGNORECASE)


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
    commit = _commit(_inside(document, "project").get("commit"))
    partial = _inside(document, "analysis").get("partial") is True
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
    numbers = itertools.count()
    violations: list[KnownViolation] = []
    commit = None
    for place, run in _objects(runs, "runs"):
        driver = _inside(run, "tool", "driver")
        for inner, result in _objects(run.get("results"), f"{place}.results"):
            known = _result(next(numbers), result, run, driver, root, inner)
            if known is not None and result.get("baselineState") not in _GONE:
                violations.append(known)
        for _, origin in _objects(run.get("versionControlProvenance"), f"{place}.versionControlProvenance"):
            commit = commit or _commit(origin.get("revisionId"))
    return BaselineReport(tuple(violations), None, commit)


def _result(
    number: int,
    result: Mapping[str, Any],
    run: Mapping[str, Any],
    driver: Mapping[str, Any],
    root: str,
    place: str,
) -> KnownViolation | None:
    """A result as a violation; None where it has no place in a file."""
    locations = [row for _, row in _objects(result.get("locations"), f"{place}.locations")]
    if not locations:
        return None
    artifact = _inside(locations[0], "physicalLocation", "artifactLocation")
    region = _inside(locations[0], "physicalLocation", "region")
    uri = artifact.get("uri") or _inside(_nth(run.get("artifacts"), artifact.get("index")), "location").get("uri")
    line = region.get("startLine", 1)
    if not isinstance(uri, str) or not isinstance(line, int):
        return None
    prints = _inside(result, "partialFingerprints")
    fingerprint = next((str(value) for key, value in prints.items() if _OUR_FINGERPRINT.match(key)), "")
    snippet = _inside(region, "snippet").get("text")
    return KnownViolation(
        id=number,
        path=escape(_path(uri, root)),
        rule_id=_rule_id(result, driver),
        line=line,
        message=_optional(_inside(result, "message").get("text")),
        line_hash=hash_line(snippet.strip("\r\n").split("\n")[0])
        if isinstance(snippet, str) and snippet.strip()
        else "",
        fingerprint=fingerprint,
    )


def _rule_id(result: Mapping[str, Any], driver: Mapping[str, Any]) -> str:
    direct = result.get("ruleId") or _inside(result, "rule").get("id")
    index = result.get("ruleIndex", _inside(result, "rule").get("index"))
    return _optional(direct) or _optional(_nth(driver.get("rules"), index).get("id"))


def _path(uri: str, root: str) -> str:
    """A root-relative path of a URI, which may be absolute or relative to a base that stands for the root."""
    parts = urlsplit(uri) if uri.startswith("file:") else None
    path = unquote(parts.path if parts else uri, errors="surrogateescape")
    if path.startswith("/"):
        path = path.removeprefix(root + "/") if path.startswith(root + "/") else path
    return posixpath.normpath(path) if path else path


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


def _inside(value: Any, *keys: str) -> Mapping[str, Any]:
    """The object at the end of some keys, an empty one where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _nth(rows: Any, index: Any) -> Mapping[str, Any]:
    fits = isinstance(rows, list) and isinstance(index, int) and 0 <= index < len(rows)
    return rows[index] if fits and isinstance(rows[index], dict) else {}


def _optional(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _severity(value: Any) -> Severity | None:
    return Severity(value) if value in set(Severity) else None


def _commit(value: Any) -> str | None:
    return value if isinstance(value, str) and _COMMIT.fullmatch(value) else None
