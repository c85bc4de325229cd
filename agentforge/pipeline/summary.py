"""The summary of an analysis from its rows in memory: what `check` shows, and what the store's SQL must equal."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence

from agentforge.model import (
    FileAnalysis,
    FunctionRef,
    LanguageSummary,
    Scores,
    Severity,
    SeverityCount,
    Status,
    Summary,
    Violation,
)

WORST_FUNCTIONS = 10
TOP_VIOLATIONS = 10
_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def summarise(project: str, files: Sequence[FileAnalysis]) -> Summary:
    """Aggregate the analysed files.

    Args:
        project: name shown with every function.
        files: all files of the project, with their violations and statuses.

    Returns:
        Languages by code lines, worst functions by cognitive then cyclomatic complexity, violations worst first.
    """
    violations = ordered_violations(files)
    return Summary(
        languages=_languages(files),
        severities=_severities(violations),
        worst_functions=_worst_functions(project, files),
        top_violations=tuple(
            itertools.islice((v for v in violations if v.status is not Status.WAIVED), TOP_VIOLATIONS)
        ),
        parse_errors=sum(file.metrics.parse_error is not None for file in files),
        waived=sum(violation.status is Status.WAIVED for violation in violations),
    )


def ordered_violations(files: Iterable[FileAnalysis]) -> list[Violation]:
    """All violations: worst severity first, new before old, outside tests before in them, then by place."""
    rows = [(file.is_test, violation) for file in files for violation in file.violations]
    rows.sort(key=_order)
    return [violation for _, violation in rows]


def _order(row: tuple[bool, Violation]) -> tuple[int, bool, bool, str, int, int, str]:
    is_test, item = row
    return _RANK[item.severity], item.status is not Status.NEW, is_test, item.path, item.line, item.column, item.rule_id


def _languages(files: Iterable[FileAnalysis]) -> tuple[LanguageSummary, ...]:
    groups: dict[str | None, list[FileAnalysis]] = defaultdict(list)
    for file in files:
        groups[file.language].append(file)
    rows = [
        LanguageSummary(
            language=language,
            files=len(group),
            functions=sum(len(file.metrics.functions) for file in group),
            code_lines=sum(file.metrics.lines.code for file in group),
            scores=_mean_scores(group),
        )
        for language, group in groups.items()
    ]
    return tuple(sorted(rows, key=lambda row: (row.language is None, -row.code_lines, row.language or "")))


def _mean_scores(files: Sequence[FileAnalysis]) -> Scores:
    """Means over the files outside tests, or over all where there are tests only."""
    files = [file for file in files if not file.is_test and file.metrics.lines.code] or files
    weights = [file.metrics.lines.code for file in files]
    total = sum(weights)
    if total == 0:
        return Scores(100.0, 100.0, 100.0)

    def mean(values: Iterable[float]) -> float:
        return sum(value * weight for value, weight in zip(values, weights, strict=True)) / total

    return Scores(
        complexity=mean(file.scores.complexity for file in files),
        quality=mean(file.scores.quality for file in files),
        security=mean(file.scores.security for file in files),
    )


def _severities(violations: Iterable[Violation]) -> tuple[SeverityCount, ...]:
    counts = {severity: [0, 0, 0] for severity in Severity}
    column = {Status.NEW: 0, Status.REOPENED: 0, Status.FIXED: 1, Status.OPEN: 2}
    for violation in violations:
        if violation.status in column:
            counts[violation.severity][column[violation.status]] += 1
    return tuple(SeverityCount(severity, *numbers) for severity, numbers in counts.items())


def _worst_functions(project: str, files: Iterable[FileAnalysis]) -> tuple[FunctionRef, ...]:
    rows = [(file, function) for file in files for function in file.metrics.functions]
    rows.sort(key=lambda row: (-row[1].cognitive, -row[1].cyclomatic, row[0].path, row[1].start_line))
    return tuple(
        FunctionRef(
            project=project,
            path=file.path,
            language=file.language,
            qualified_name=function.qualified_name,
            signature=function.signature,
            start_line=function.start_line,
            end_line=function.end_line,
            lines_of_code=function.lines_of_code,
            cyclomatic=function.cyclomatic,
            cognitive=function.cognitive,
        )
        for file, function in rows[:WORST_FUNCTIONS]
    )
