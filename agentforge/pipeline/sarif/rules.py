"""The rule of a result, wherever the log describes it, and what follows from it."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

from agentforge.model import Category, Confidence, Severity
from agentforge.pipeline.sarif.values import Object, inside, item, number, objects, string, strings

_LEVELS = {"error": Severity.HIGH, "warning": Severity.MEDIUM, "note": Severity.LOW, "none": Severity.INFO}
_PRECISIONS = {
    "very-high": Confidence.HIGH,
    "high": Confidence.HIGH,
    "medium": Confidence.MEDIUM,
    "low": Confidence.LOW,
}
_CWE = re.compile(r"(?:^|[^a-z])cwe[\s:/_-]{0,3}0*([1-9]\d{0,5})", re.IGNORECASE)
_CATEGORIES = Path(__file__).with_name("categories.toml")


class RuleIndex:
    """The rules of a run, by id, and by number in each of its components."""

    def __init__(self, run: Object) -> None:
        self._driver = inside(run, "tool", "driver")
        self._extensions = list(objects(inside(run, "tool").get("extensions")))
        self._by_id: dict[str, Object] = {}
        for component in (*reversed(self._extensions), self._driver):
            self._by_id.update({string(rule.get("id")): rule for rule in objects(component.get("rules"))})
        self._overrides: dict[str, str] = {}
        for invocation in objects(run.get("invocations")):
            for override in objects(invocation.get("ruleConfigurationOverrides")):
                descriptor = inside(override, "descriptor")
                rule_id = string(descriptor.get("id")) or string(self._at(descriptor, None).get("id"))
                self._overrides[rule_id] = string(inside(override, "configuration").get("level"))

    def find(self, result: Object) -> tuple[str, Object]:
        """The id of a result's rule, and what the log says of that rule."""
        reference = inside(result, "rule")
        rule_id = string(result.get("ruleId")) or string(reference.get("id"))
        rule = self._at(reference, result.get("ruleIndex"))
        if not rule and rule_id:
            # `CA1000/1` is a case of the rule `CA1000` (SARIF 3.52.4).
            rule = self._by_id.get(rule_id) or self._by_id.get(rule_id.rpartition("/")[0], {})
        return rule_id or string(rule.get("id")), rule

    def level(self, result: Object, rule_id: str, rule: Object) -> str:
        """`error`, `warning`, `note` or `none`: the result's, else what the run or the rule sets."""
        for level in (
            string(result.get("level")),
            self._overrides.get(rule_id, ""),
            string(inside(rule, "defaultConfiguration").get("level")),
        ):
            if level in _LEVELS:
                return level
        return "warning"

    def message(self, rule: Object, message_id: str) -> str:
        """The text that a message's id stands for."""
        for place in (inside(rule, "messageStrings"), inside(self._driver, "globalMessageStrings")):
            if text := string(inside(place, message_id).get("text")):
                return text
        return ""

    def _at(self, reference: Object, index: object) -> Object:
        component = inside(reference, "toolComponent")
        place = self._driver
        if component:
            place = item(self._extensions, component.get("index")) or next(
                (found for found in self._extensions if found.get("name") == component.get("name")), self._driver
            )
        return item(place.get("rules"), reference.get("index", index))


def severity(result: Object, rule: Object, level: str) -> Severity:
    """By `security-severity` in GitHub's bands, else by level."""
    for properties in (inside(result, "properties"), inside(rule, "properties")):
        score = number(properties.get("security-severity"))
        if score is not None:
            bands = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM))
            lowest = Severity.LOW if score > 0 else Severity.INFO
            return next((found for least, found in bands if score >= least), lowest)
    return _LEVELS[level]


def confidence(rule: Object) -> Confidence:
    """By `precision`."""
    return _PRECISIONS.get(string(inside(rule, "properties").get("precision")), Confidence.UNDEFINED)


def category(rule: Object, cwe: int | None) -> Category:
    """By tags and plug-in; a rule with a weakness or a security severity is about security."""
    properties = inside(rule, "properties")
    if cwe is not None or number(properties.get("security-severity")) is not None:
        return Category.SECURITY
    said = {name.lower() for key in ("tags", "kind", "category") for name in strings(properties.get(key))}
    return next((found for found, names in _categories().items() if names & said), Category.QUALITY)


@cache
def _categories() -> dict[Category, frozenset[str]]:
    data = tomllib.loads(_CATEGORIES.read_text("utf-8"))
    return {Category(name): frozenset(entry["names"]) for name, entry in data.items()}


def weakness(result: Object, rule: Object) -> int | None:
    """The number of the CWE entry: of the result's taxa, the rule's relationships, or tags."""
    for taxon in objects(result.get("taxa")):
        if found := _taxon(taxon):
            return found
    for relationship in objects(rule.get("relationships")):
        if found := _taxon(inside(relationship, "target")):
            return found
    for properties in (inside(result, "properties"), inside(rule, "properties")):
        for text in (*strings(properties.get("cwe")), *strings(properties.get("tags"))):
            match = _CWE.search(text)
            if match:
                return int(match[1])
    return None


def _taxon(reference: Object) -> int | None:
    """Of an id like `CWE-79`, or like `79` where the component is CWE."""
    taxon = string(reference.get("id"))
    if match := _CWE.search(taxon):
        return int(match[1])
    named = string(inside(reference, "toolComponent").get("name")).upper() == "CWE"
    return int(taxon) if named and taxon.isascii() and taxon.isdigit() and 0 < int(taxon[:9]) == int(taxon) else None
