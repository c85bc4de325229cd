"""The three scores of a file, 0 to 100; docs/scores.md gives the reasons."""

from __future__ import annotations

import math
from collections.abc import Sequence

from agentforge.model import Category, Confidence, FileMetrics, Function, Scores, Severity, Status, Violation

# Share of a function's lines that counts as hard to test, by cyclomatic complexity: the risk bands of the SIG
# maintainability model (Heitlager, Kuipers, Visser 2007): 1-10 low, 11-20 moderate, 21-50 high, above 50 very high.
_COMPLEXITY_SCALE = 25.0
_QUALITY_POINTS = {Severity.CRITICAL: 20, Severity.HIGH: 10, Severity.MEDIUM: 4, Severity.LOW: 1, Severity.INFO: 0}
_SECURITY_LOSS = {
    Severity.CRITICAL: 0.7,
    Severity.HIGH: 0.4,
    Severity.MEDIUM: 0.15,
    Severity.LOW: 0.02,
    Severity.INFO: 0.0,
}
_CERTAINTY = {Confidence.HIGH: 1.0, Confidence.MEDIUM: 0.7, Confidence.LOW: 0.3, Confidence.UNDEFINED: 0.3}
_QUALITY_SCALE = 40.0


def score(metrics: FileMetrics, violations: Sequence[Violation]) -> Scores:
    """The scores of a file.

    Removing a violation never lowers a score, and neither does making a function less complex. A file that did not
    parse cannot score above the share of it that did. A waived violation counts for nothing.
    """
    parse_error = metrics.parse_error is not None
    counted = [(v.category, v.severity, v.confidence) for v in violations if v.status is not Status.WAIVED]
    quality, security = violation_scores(counted, parse_error=parse_error, error_share=metrics.error_share)
    ceiling = _ceiling(parse_error=parse_error, error_share=metrics.error_share)
    return Scores(min(ceiling, _complexity(metrics.functions)), quality, security)


def violation_scores(
    counted: Sequence[tuple[Category, Severity, Confidence]], *, parse_error: bool, error_share: float
) -> tuple[float, float]:
    """The quality and the security score of a file.

    Args:
        counted: its violations that count.
        parse_error: whether it, or a part that a tool needs, did not parse.
        error_share: the share of it, 0 to 1, that did not parse.
    """
    ceiling = _ceiling(parse_error=parse_error, error_share=error_share)
    return min(ceiling, _quality(counted)), min(ceiling, _security(counted))


def _ceiling(*, parse_error: bool, error_share: float) -> float:
    return (50.0 if parse_error else 100.0) * (1.0 - error_share)


def _complexity(functions: Sequence[Function]) -> float:
    """100 while every function is simple; falls with the excess of cyclomatic and cognitive complexity, worst first."""
    excess = sorted(
        (max(0, function.cyclomatic - 10) + max(0, function.cognitive - 15) for function in functions), reverse=True
    )
    # Each further function weighs half: one monster is worse than many that are slightly too long.
    total = sum(value / 2**rank for rank, value in enumerate(excess[:32]))
    return 100.0 * math.exp(-total / (4 * _COMPLEXITY_SCALE))


def _quality(counted: Sequence[tuple[Category, Severity, Confidence]]) -> float:
    points = sum(
        _QUALITY_POINTS[severity] * _CERTAINTY[confidence]
        for category, severity, confidence in counted
        if category is not Category.SECURITY
    )
    return 100.0 * math.exp(-points / _QUALITY_SCALE)


def _security(counted: Sequence[tuple[Category, Severity, Confidence]]) -> float:
    """The product of what each finding leaves."""
    kept = 1.0
    for category, severity, confidence in counted:
        if category is Category.SECURITY:
            kept *= 1.0 - _SECURITY_LOSS[severity] * _CERTAINTY[confidence]
    return 100.0 * kept
