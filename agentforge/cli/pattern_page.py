"""What `agentforge patterns` says of a pattern and of what falls within it, for people and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentforge.embed.interface import DEFAULT_MODEL
from agentforge.model import PatternType
from agentforge.patterns import Pattern
from agentforge.report.patterns import Row
from agentforge.report.similar import explanation_object, function_object

if TYPE_CHECKING:
    from agentforge.embed.patterns import Shape
    from agentforge.pipeline.pattern_matches import PatternMatch


def origin(pattern: Pattern) -> str:
    """Who made a pattern."""
    return "agentforge" if pattern.source else "the team"


def summary(pattern: Pattern) -> dict[str, Any]:
    """A pattern in a list, as JSON holds it."""
    return {
        "name": pattern.name,
        "type": pattern.type,
        "title": pattern.title,
        "rule_id": None if pattern.type is PatternType.IDIOM else pattern.rule_id,
        "severity": None if pattern.type is PatternType.IDIOM else pattern.severity,
        "cwe": pattern.cwe,
        "enabled": pattern.enabled,
        "shipped": bool(pattern.source),
        "languages": list(pattern.languages),
        "examples": len(pattern.examples),
    }


def whole(pattern: Pattern, shape: Shape) -> dict[str, Any]:
    """All about a pattern, as JSON holds it."""
    measured = pattern.measured
    return {
        **summary(pattern),
        "message": pattern.message,
        "why": pattern.why,
        "suggestion": pattern.suggestion,
        "words": [list(group) for group in pattern.words],
        "not_words": list(pattern.not_words),
        "kinds": list(pattern.kinds),
        "min_lines": pattern.min_lines,
        "in_tests": pattern.in_tests,
        "spread": pattern.spread,
        "model": DEFAULT_MODEL,
        "least_score": round(shape.least, 4),
        "mean": round(shape.mean, 4),
        "deviation": round(shape.deviation, 4),
        "measured": measured and {"hits": measured.hits, "read": measured.read, "right": measured.right},
        "examples": [
            {"language": example.language, "code": example.code, "similarity": round(score, 4)}
            for example, score in zip(pattern.examples, shape.similarities, strict=True)
        ],
    }


def facts(pattern: Pattern, shape: Shape) -> list[tuple[str, str]]:
    """What its page says: label and value, of which empty ones are left out."""
    measured = pattern.measured
    idiom = pattern.type is PatternType.IDIOM
    return [
        ("", f"{pattern.name}  {pattern.title}"),
        ("type", str(pattern.type)),
        ("severity", "" if idiom else str(pattern.severity)),
        ("rule", "" if idiom else pattern.rule_id),
        ("CWE", str(pattern.cwe or "")),
        ("languages", ", ".join(pattern.languages) or "all"),
        ("on", "yes" if pattern.enabled else "no, it ships disabled"),
        ("in tests", "yes" if pattern.in_tests else "no"),
        ("wants", "; ".join(" or ".join(group) for group in pattern.words)),
        ("and no", ", ".join(pattern.not_words)),
        ("syntax", ", ".join(pattern.kinds)),
        (
            "falls within",
            f"from a similarity of {shape.least:.2f} on (the {len(pattern.examples)} examples have "
            f"{shape.mean:.2f} on average, deviation {shape.deviation:.2f}, spread {pattern.spread:g})",
        ),
        ("from", origin(pattern)),
        (
            "measured",
            f"{measured.right} of {measured.read} that were read were right ({measured.hits} hits)" if measured else "",
        ),
        ("message", "" if idiom else pattern.message),
    ]


def codes(pattern: Pattern) -> list[tuple[str, str]]:
    """Its examples, each under a heading."""
    return [
        (f"Example {number}, {example.language}", example.code.strip("\n"))
        for number, example in enumerate(pattern.examples, 1)
    ]


def row(match: PatternMatch) -> Row:
    """A function that falls within a pattern, for people."""
    return Row(
        pattern=match.pattern.name,
        type=match.pattern.type,
        title=match.pattern.title,
        score=match.score,
        least=match.least,
        function=match.function,
        example=match.example,
        language=match.pattern.examples[match.example - 1].language,
        text=match.explanation.text if match.explanation else "",
    )


def match_object(match: PatternMatch) -> dict[str, Any]:
    """A function that falls within a pattern, as JSON holds it."""
    return {
        "pattern": match.pattern.name,
        "type": match.pattern.type,
        "severity": None if match.pattern.type is PatternType.IDIOM else match.pattern.severity,
        "score": round(match.score, 4),
        "least_score": round(match.least, 4),
        "example": match.example,
        "explanation": explanation_object(match.explanation),
        **function_object(match.function),
    }
