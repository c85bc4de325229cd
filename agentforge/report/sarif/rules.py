"""The rules of a SARIF log, by the tool that they are of, and the weaknesses that they look for."""

from __future__ import annotations

import re
from typing import Any

from agentforge.model import Category, Confidence, Report, RuleInfo, Severity
from agentforge.report.sarif.uri import repository_uri

LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
# Inside GitHub's bands: over 9.0 critical, 7.0 to 8.9 high, 4.0 to 6.9 medium, 0.1 to 3.9 low.
_SECURITY_SEVERITIES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
    Severity.INFO: "0.5",
}
_PROBLEM_SEVERITIES = {"error": "error", "warning": "warning", "note": "recommendation"}
_PRECISIONS = {Confidence.HIGH: "high", Confidence.MEDIUM: "medium", Confidence.LOW: "low"}
DRIVER = "agentforge"
_PAGE = re.compile(r"\bSee (https://\S+)$")


class Rules:
    """The rules of a report, numbered as a SARIF log needs it: those of other tools are in an extension a tool."""

    def __init__(self, report: Report) -> None:
        self._by_tool: dict[str, list[RuleInfo]] = {DRIVER: []}
        self._index: dict[tuple[str, str], int] = {}
        for rule in report.rules:
            rules = self._by_tool.setdefault(rule.tool, [])
            self._index[rule.tool, rule.id] = len(rules)
            rules.append(rule)
        self._extensions = [tool for tool in self._by_tool if tool != DRIVER]
        self._weaknesses = sorted({rule.cwe for rule in report.rules if rule.cwe is not None})

    def reference(self, tool: str, rule_id: str) -> dict[str, Any]:
        """The members of a result that say which rule it breaks."""
        index = self._index.get((tool, rule_id))
        if index is None:
            return {"ruleId": rule_id}
        if tool == DRIVER:
            return {"ruleId": rule_id, "ruleIndex": index}
        component = {"name": tool, "index": self._extensions.index(tool)}
        return {"ruleId": rule_id, "rule": {"id": rule_id, "index": index, "toolComponent": component}}

    def tool(self, version: str) -> dict[str, Any]:
        """The run's tool: agentforge, with an extension for each tool whose rules it applied.

        Args:
            version: of agentforge.
        """
        driver: dict[str, Any] = {
            "name": DRIVER,
            "version": version,
            "rules": [self._rule(rule) for rule in self._by_tool[DRIVER]],
        }
        if self._weaknesses:
            driver["supportedTaxonomies"] = [{"name": "CWE", "index": 0}]
        extensions = [
            {"name": tool, "rules": [self._rule(rule) for rule in self._by_tool[tool]]} for tool in self._extensions
        ]
        return {"driver": driver, "extensions": extensions} if extensions else {"driver": driver}

    def taxonomies(self) -> list[dict[str, Any]]:
        """CWE, as far as the rules need it; nothing where they do not."""
        if not self._weaknesses:
            return []
        taxa = [
            {"id": f"CWE-{number}", "helpUri": f"https://cwe.mitre.org/data/definitions/{number}.html"}
            for number in self._weaknesses
        ]
        return [
            {
                "name": "CWE",
                "organization": "MITRE",
                "informationUri": "https://cwe.mitre.org/",
                "shortDescription": {"text": "Common Weakness Enumeration"},
                "isComprehensive": False,
                "taxa": taxa,
            }
        ]

    def _rule(self, rule: RuleInfo) -> dict[str, Any]:
        found: dict[str, Any] = {"id": rule.id}
        if rule.name and rule.name != rule.id:
            found["name"] = rule.name[:255]
        found["shortDescription"] = {"text": (rule.name or rule.id)[:1024]}
        found["fullDescription"] = {"text": (rule.why or rule.name or rule.id)[:1024]}
        found["help"] = _help(rule)
        if address := _help_address(rule):
            found["helpUri"] = address
        found["defaultConfiguration"] = {"level": LEVELS[rule.severity]}
        if rule.cwe is not None:
            target = {
                "id": f"CWE-{rule.cwe}",
                "index": self._weaknesses.index(rule.cwe),
                "toolComponent": {"name": "CWE", "index": 0},
            }
            found["relationships"] = [{"target": target, "kinds": ["superset"]}]
        found["properties"] = _properties(rule)
        return found


def _help(rule: RuleInfo) -> dict[str, str]:
    """What is wrong, why it matters and what to do, for viewers with and without Markdown."""
    parts = [text for text in (rule.why, rule.suggestion) if text] or [rule.name or rule.id]
    marked = [rule.why] if rule.why else []
    if rule.suggestion:
        marked.append(f"**What to do:** {rule.suggestion}")
    if rule.cwe is not None:
        address = f"https://cwe.mitre.org/data/definitions/{rule.cwe}.html"
        parts.append(f"CWE-{rule.cwe}: {address}")
        marked.append(f"[CWE-{rule.cwe}]({address})")
    return {"text": "\n\n".join(parts), "markdown": "\n\n".join(marked) or rule.name or rule.id}


def _help_address(rule: RuleInfo) -> str | None:
    """The page to which the end of a suggestion points."""
    match = _PAGE.search(rule.suggestion)
    return match[1] if match and repository_uri(match[1]) else None


def _properties(rule: RuleInfo) -> dict[str, Any]:
    """What GitHub sorts and filters alerts by; `security-severity` counts only beside the tag `security`."""
    tags = [rule.category.value]
    found: dict[str, Any] = {"tags": tags, "problem.severity": _PROBLEM_SEVERITIES[LEVELS[rule.severity]]}
    if rule.confidence in _PRECISIONS:
        found["precision"] = _PRECISIONS[rule.confidence]
    if rule.category is Category.SECURITY:
        found["security-severity"] = _SECURITY_SEVERITIES[rule.severity]
    if rule.cwe is not None:
        tags.append(f"external/cwe/cwe-{rule.cwe:03d}")
    return found
