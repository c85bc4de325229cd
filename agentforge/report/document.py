"""The JSON document of an analysis: schema version 1, described in docs/schemas/analysis.schema.json."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from typing import Any

from agentforge.model import (
    Analysis,
    FileAnalysis,
    FlowStep,
    Function,
    Gate,
    Project,
    Report,
    RuleInfo,
    Violation,
    Waiver,
)

SCHEMA_VERSION = 1


def document(report: Report, version: str) -> dict[str, Any]:
    """The whole report as plain JSON values.

    Args:
        report: with all files and violations.
        version: of the tool.
    """
    return {
        **_head(report, version),
        "files": [file_object(file) for file in report.files],
        "violations": [violation_object(violation) for violation in report.violations],
        **_tail(report),
    }


def render(report: Report, version: str) -> Iterator[str]:
    """The document as text, in pieces, ending with a line end; one file or violation at a time becomes JSON values."""
    encoder = json.JSONEncoder(ensure_ascii=False, indent=2, allow_nan=False)
    before = "{\n"
    for name, value in _head(report, version).items():
        yield f'{before}  "{name}": {_indented(encoder, value, 1)}'
        before = ",\n"
    yield from _list(encoder, "files", (file_object(file) for file in report.files))
    yield from _list(encoder, "violations", (violation_object(violation) for violation in report.violations))
    for name, value in _tail(report).items():
        yield f',\n  "{name}": {_indented(encoder, value, 1)}'
    yield "\n}\n"


def _list(encoder: json.JSONEncoder, name: str, values: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield f',\n  "{name}": ['
    before, after = "", ""
    for value in values:
        yield f"{before}\n    {_indented(encoder, value, 2)}"
        before, after = ",", "\n  "
    yield f"{after}]"


def _indented(encoder: json.JSONEncoder, value: Any, depth: int) -> str:
    """A value inside the document; line feeds in strings are escaped, so each one in the text is the encoder's."""
    return encoder.encode(value).replace("\n", "\n" + "  " * depth)


def _head(report: Report, version: str) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "agentforge", "version": version, "engine_version": report.analysis.engine_version},
        "project": project_object(report.project),
        "analysis": analysis_object(report.analysis),
    }


def _tail(report: Report) -> dict[str, Any]:
    return {
        "rules": [rule_object(rule) for rule in report.rules],
        "gate": gate_object(report.gate) if report.gate else None,
    }


def project_object(project: Project) -> dict[str, Any]:
    """The `project` member: identity and the commit that was analysed."""
    return {
        "id": project.id,
        "name": project.name,
        "key": project.key,
        "root": project.root,
        "repository_url": project.repository_url,
        "branch": project.branch or None,
        "commit": project.commit,
    }


def analysis_object(analysis: Analysis) -> dict[str, Any]:
    """The `analysis` member: what this run looked at, and where its time went."""
    return {
        "id": analysis.id,
        "previous_id": analysis.previous_id,
        "status": analysis.status,
        "started_at": analysis.started_at,
        "completed_at": analysis.completed_at,
        "model": analysis.model,
        "partial": analysis.partial,
        "scopes": list(analysis.scopes),
        "files_analyzed": analysis.files_analyzed,
        "files_unchanged": analysis.files_unchanged,
        "files_removed": analysis.files_removed,
        "phases": [dataclasses.asdict(phase) for phase in analysis.phases],
        "skipped": [dataclasses.asdict(skipped) for skipped in analysis.skipped],
    }


def file_object(file: FileAnalysis) -> dict[str, Any]:
    """One entry of `files`, with its functions."""
    return {
        "path": file.path,
        "language": file.language,
        "content_hash": file.content_hash,
        "lines": dataclasses.asdict(file.metrics.lines),
        "complexity_score": _rounded(file.scores.complexity),
        "quality_score": _rounded(file.scores.quality),
        "security_score": _rounded(file.scores.security),
        "parse_error": file.metrics.parse_error,
        "functions": [function_object(function) for function in file.metrics.functions],
    }


def function_object(function: Function) -> dict[str, Any]:
    """One entry of `functions`."""
    halstead = function.halstead
    return {
        "name": function.name,
        "qualified_name": function.qualified_name,
        "signature": function.signature,
        "start_line": function.start_line,
        "end_line": function.end_line,
        "lines_of_code": function.lines_of_code,
        "parameters": function.parameters,
        "cyclomatic": function.cyclomatic,
        "cognitive": function.cognitive,
        "nesting": function.nesting,
        "halstead": {
            "distinct_operators": halstead.distinct_operators,
            "distinct_operands": halstead.distinct_operands,
            "operators": halstead.operators,
            "operands": halstead.operands,
            "volume": _rounded(halstead.volume),
            "difficulty": _rounded(halstead.difficulty),
            "effort": _rounded(halstead.effort),
        },
        "maintainability_index": _rounded(function.maintainability_index),
        "idioms": list(function.idioms),
    }


def violation_object(violation: Violation) -> dict[str, Any]:
    """One entry of `violations`."""
    return {
        "rule_id": violation.rule_id,
        "rule_name": violation.rule_name,
        "category": violation.category.value,
        "severity": violation.severity.value,
        "confidence": violation.confidence.value,
        "cwe": violation.cwe,
        "path": violation.path,
        "line": violation.line,
        "column": violation.column,
        "end_line": violation.end_line,
        "end_column": violation.end_column,
        "message": violation.message,
        "suggestion": violation.suggestion,
        "fingerprint": violation.fingerprint,
        "line_hash": violation.line_hash,
        "status": violation.status.value,
        "tool": violation.tool,
        "function": violation.function,
        "waiver": waiver_object(violation.waiver) if violation.waiver else None,
        "flow": flow_objects(violation.flow),
    }


def flow_objects(flow: Iterable[FlowStep]) -> list[dict[str, Any]]:
    """The `flow` member of a violation: the way of a value to it, its source first."""
    return [dataclasses.asdict(step) for step in flow]


def waiver_object(waiver: Waiver) -> dict[str, Any]:
    """The `waiver` member of a violation."""
    return {"kind": waiver.kind, "reason": waiver.reason, "by": waiver.by or None, "until": waiver.until}


def rule_object(rule: RuleInfo) -> dict[str, Any]:
    """One entry of `rules`."""
    return {
        "id": rule.id,
        "name": rule.name,
        "tool": rule.tool,
        "category": rule.category.value,
        "severity": rule.severity.value,
        "confidence": rule.confidence.value,
        "cwe": rule.cwe,
        "why": rule.why,
        "suggestion": rule.suggestion,
    }


def gate_object(gate: Gate) -> dict[str, Any]:
    """The `gate` member: each condition, which violations are new, by fingerprint, and what to fix first."""
    return {
        "passed": gate.passed,
        "basis": gate.basis,
        "conditions": [dataclasses.asdict(condition) for condition in gate.conditions],
        "new": sorted(gate.new),
        "first": [_to_fix(item) for item in gate.first],
    }


def _to_fix(item: Violation) -> dict[str, Any]:
    """One of `gate.first`; its fingerprint is None where it is no violation, but a function that is over a limit."""
    return {
        "path": item.path,
        "line": item.line,
        "rule_id": item.rule_id,
        "message": item.message,
        "suggestion": item.suggestion,
        "fingerprint": item.fingerprint or None,
    }


def _rounded(value: float) -> float:
    """Four decimals: stable across platforms whose libm differs in the last bit."""
    return round(value, 4)
