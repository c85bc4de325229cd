"""What a report says of the rules that its violations break."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from agentforge.detect import catalogue
from agentforge.detect.rule import Rule
from agentforge.detect.selection import NOTHING_CHOSEN, Selection, chosen
from agentforge.model import RuleInfo, Severity, Violation

_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def broken_rules(
    violations: Iterable[Violation], languages: Iterable[str | None], selection: Selection = NOTHING_CHOSEN
) -> tuple[RuleInfo, ...]:
    """The rules that occur in some violations, ours before other tools', by id.

    A rule is as severe as the worst of its violations. What the violations of an imported report say of a rule is all
    that is known of it.

    Args:
        violations: of the report.
        languages: of the files that they are in.
        selection: of rules by the project, which has its own among them.
    """
    worst: dict[tuple[str, str], Violation] = {}
    for violation in violations:
        key = (violation.tool, violation.rule_id)
        if key not in worst or _RANK[violation.severity] < _RANK[worst[key].severity]:
            worst[key] = violation
    of = sorted({language for language in languages if language}) if worst else []
    ours = {rule.id: rule for language in of for rule in chosen(selection, language).rules}
    found = [_info(violation, ours) for violation in worst.values()]
    return tuple(sorted(found, key=lambda rule: (rule.tool != "agentforge", rule.tool, rule.id)))


@cache
def _bandit() -> dict[str, Rule]:
    return {entry.rule.id: entry.rule for entry in catalogue.bandit()}


def _info(violation: Violation, ours: dict[str, Rule]) -> RuleInfo:
    name, why, suggestion = violation.rule_name, "", violation.suggestion
    if violation.tool == "agentforge" and (rule := ours.get(violation.rule_id)):
        why, suggestion = rule.why, rule.suggestion
    elif violation.tool == "bandit" and (test := _bandit().get(violation.rule_id)):
        # bandit calls many of its tests `blacklist`.
        name, why, suggestion = test.message, test.why, f"{test.suggestion} {violation.suggestion}".strip()
    return RuleInfo(
        id=violation.rule_id,
        name=name,
        category=violation.category,
        severity=violation.severity,
        confidence=violation.confidence,
        cwe=violation.cwe,
        why=why,
        suggestion=suggestion,
        tool=violation.tool,
    )
