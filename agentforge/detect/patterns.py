"""Patterns as rules: what falls within one of a vulnerability or a smell is a violation like any other."""

from __future__ import annotations

from agentforge.detect.rule import Rule
from agentforge.model import PatternType
from agentforge.patterns import Pattern, shipped

DETECTOR = "pattern"


def rules_of_patterns(patterns: tuple[Pattern, ...], language: str) -> tuple[Rule, ...]:
    """The rules of those patterns that report violations, for one language."""
    return tuple(
        _rule(pattern, language)
        for pattern in patterns
        if pattern.type is not PatternType.IDIOM and pattern.applies_to(language)
    )


def shipped_rules(language: str) -> tuple[Rule, ...]:
    """The same for the patterns of this release."""
    return rules_of_patterns(shipped(), language)


def _rule(pattern: Pattern, language: str) -> Rule:
    return Rule(
        id=pattern.rule_id,
        name=pattern.title,
        category=pattern.category,
        severity=pattern.severity,
        confidence=pattern.confidence,
        cwe=pattern.cwe,
        message=pattern.message,
        why=pattern.why,
        suggestion=pattern.suggestion,
        language=language,
        source=pattern.source,
        detector=DETECTOR,
        in_tests=pattern.in_tests,
        enabled=pattern.enabled,
    )
