"""Write the pages of docs/rules from the rules: one a language, one for what all have, one for patterns, and an index.

    python docs/generate_rules.py

`tests/unit/detect/test_rules_documents.py` holds the pages to it. The anchor of a rule is its id.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from agentforge import languages
from agentforge.detect import Rule, catalogue
from agentforge.detect.catalogue import Entry

FOLDER = Path(__file__).with_name("rules")
FENCES = {"csharp": "csharp", "cpp": "cpp", "common": "text"}
COMMON, PATTERNS = "common", "patterns"


def pages() -> dict[str, str]:
    """File name -> text."""
    homes: dict[str, list[Entry]] = {name: [] for name in (COMMON, PATTERNS, *languages.names())}
    for entry in catalogue.entries():
        homes[entry.home].append(entry)
    made = {f"{home}.md": _page(home, entries) for home, entries in homes.items()}
    return {**made, "README.md": _index(homes)}


def _title(home: str) -> str:
    names = {COMMON: "All languages", PATTERNS: "Patterns"}
    return names.get(home) or languages.get(home).title


def _index(homes: dict[str, list[Entry]]) -> str:
    own = [entry for entries in homes.values() for entry in entries if entry.tool == "agentforge"]
    lines = [
        "# The rules",
        "",
        "Written by docs/generate_rules.py from the rules' data; [rules.md](../rules.md) says how to write one.",
        "",
        "| | rules | on |",
        "|---|---|---|",
    ]
    for home, entries in homes.items():
        rules = [entry.rule for entry in entries if entry.tool == "agentforge"]
        lines.append(f"| [{_title(home)}]({home}.md) | {len(rules)} | {_on(rules)} |")
    lines.append(f"| together | {len(own)} | {_on(entry.rule for entry in own)} |")
    lines += ["", f"Python has bandit's {len(catalogue.bandit())} tests besides. [precision.md](precision.md) says how"]
    lines[-1] += " often the rules were right."
    return "\n".join(lines) + "\n"


def _on(rules: Iterable[Rule]) -> int:
    return sum(rule.enabled for rule in rules)


def _page(home: str, entries: list[Entry]) -> str:
    rules = [entry for entry in entries if entry.tool == "agentforge"]
    tests = [entry for entry in entries if entry.tool == "bandit"]
    lines = [f"# Rules: {_title(home)}", "", "Written by docs/generate_rules.py from the rules' data.", ""]
    lines += ["| rule | severity | category | CWE | on |", "|---|---|---|---|---|"]
    for entry in rules:
        rule = entry.rule
        lines.append(
            f"| [{rule.id}](#{rule.id}) | {_severity(rule)} | {rule.category} | {rule.cwe or ''} | {_yes(rule)} |"
        )
    for entry in rules:
        lines += ["", *_section(entry, home)]
    if home == PATTERNS:
        lines += [
            "",
            "`agentforge patterns show NAME` shows the examples; [patterns.md](../patterns.md) says how they work.",
        ]
    elif home != COMMON:
        lines += ["", "## Rules that other pages describe", "", *_elsewhere(home)]
    if tests:
        lines += ["", "## bandit's tests", "", *_tests(tests)]
    return "\n".join(lines) + "\n"


def _elsewhere(home: str) -> list[str]:
    """A row for each rule that the language has of another one or of all, with its anchor."""
    lines = ["| rule | severity | category | CWE | on |", "|---|---|---|---|---|"]
    for entry in catalogue.entries():
        if home in entry.languages and entry.home != home:
            rule = entry.rule
            name = f'<a id="{rule.id}"></a>[{rule.id}]({entry.page})'
            lines.append(f"| {name} | {_severity(rule)} | {rule.category} | {rule.cwe or ''} | {_yes(rule)} |")
    return lines


def _section(entry: Entry, home: str) -> list[str]:
    rule = entry.rule
    facts = [f"severity {_severity(rule)}", f"confidence {rule.confidence}", str(rule.category)]
    if rule.cwe:
        facts.append(f"[CWE-{rule.cwe}](https://cwe.mitre.org/data/definitions/{rule.cwe}.html)")
    if not rule.in_tests:
        facts.append("not in tests")
    if not rule.enabled:
        facts.append("**ships disabled**")
    lines = [f"### {rule.id}", "", f"{rule.name}: {_text(rule.message)}.", "", ", ".join(facts), ""]
    lines += [f"{_text(rule.why)} {_text(rule.suggestion)}"]
    for heading, codes in (("Found", rule.bad), ("Not found", rule.good)):
        for code in codes:
            lines += ["", f"{heading}:", "", *_fenced(code, FENCES.get(home, home))]
    if entry.precision:
        found = entry.precision
        lines += ["", f"Measured: {found.right} of {found.read} that were read were right ({found.hits} hits)."]
    return lines


def _fenced(code: str, language: str) -> list[str]:
    fence = "````" if "```" in code else "```"
    return [f"{fence}{language}", *code.rstrip("\n").splitlines(), fence]


def _tests(tests: list[Entry]) -> list[str]:
    lines = ["| test | | severity | CWE | in tests |", "|---|---|---|---|---|"]
    for entry in tests:
        rule = entry.rule
        anchor = f'<a id="{rule.id.lower()}"></a>'
        in_tests = "yes" if rule.in_tests else "where enabled"
        facts = [f"{anchor}[{rule.id}]({rule.source})", rule.message, rule.severity, rule.cwe, in_tests]
        lines.append(f"| {' | '.join(map(str, facts))} |")
    return lines


def _severity(rule: Rule) -> str:
    if rule.levels:
        return ", ".join(f"{level.severity} above {level.above}" for level in rule.levels)
    return str(rule.severity)


def _yes(rule: Rule) -> str:
    return "yes" if rule.enabled else "no"


def _text(text: str) -> str:
    """Prose in which nothing is taken for markup."""
    return text.replace("<", "&lt;").replace("*", "\\*") if "`" not in text else text


if __name__ == "__main__":
    for name, text in pages().items():
        (FOLDER / name).write_text(text, "utf-8")
