"""The JSON document of an analysis: schema version 1, described in docs/schemas/analysis.schema.json."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from agentforge.model import Analysis, FileAnalysis, Function, Project, Report, Violation

SCHEMA_VERSION = 1


def document(report: Report, version: str) -> dict[str, Any]:
    """The whole report as plain JSON values.

    Args:
        report: with all files and violations.
        version: of the tool.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "agentforge", "version": version, "engine_version": report.analysis.engine_version},
        "project": project_object(report.project),
        "analysis": analysis_object(report.analysis),
        "files": [file_object(file) for file in report.files],
        "violations": [violation_object(violation) for violation in report.violations],
    }


def render(report: Report, version: str) -> Iterator[str]:
    """The document as text, in pieces, ending with a line end."""
    yield from json.JSONEncoder(ensure_ascii=False, indent=2, allow_nan=False).iterencode(document(report, version))
    yield "\n"


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
        "status": violation.status.value,
    }


def _rounded(value: float) -> float:
    """Four decimals: stable across platforms whose libm differs in the last bit."""
    return round(value, 4)
