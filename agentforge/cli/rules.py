"""`agentforge rules ...`: what there is, and whether somebody's own rules do what their examples say."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agentforge import languages
from agentforge.cli.output import print_json, say
from agentforge.config.check import nearest
from agentforge.detect import Rule, catalogue, loader
from agentforge.detect.catalogue import Entry
from agentforge.errors import EXIT_CLEAN, EXIT_FINDINGS, UsageError
from agentforge.model import Category, Severity
from agentforge.pipeline.examples import Example, try_folder
from agentforge.report.text import count

_SEVERITIES = list(Severity)
_SOME_LANGUAGES = 4
_ROOMY, _WIDE = 120, 160  # columns of a terminal
_CWE_PAGE = "https://cwe.mitre.org/data/definitions/{}.html"


def run_list(
    language: str | None, category: Category | None, severity: Severity | None, *, show_all: bool, as_json: bool
) -> int:
    """List rules, one row each, however many languages have it."""
    if language is not None and language not in languages.names():
        raise UsageError(f"There is no language `{language}`.", nearest(language, languages.names()))
    found = [
        entry
        for entry in catalogue.entries()
        if (language is None or language in entry.languages)
        and (category is None or entry.rule.category is category)
        and (severity is None or _SEVERITIES.index(_worst(entry.rule)) <= _SEVERITIES.index(severity))
        and (show_all or entry.rule.enabled)
    ]
    if as_json:
        print_json({"rules": [_summary(entry) for entry in found]})
        return EXIT_CLEAN
    _print_rules(found, show_all=show_all)
    say(f"{len(found)} rules. `agentforge rules show ID` says more of one.")
    return EXIT_CLEAN


def _print_rules(entries: Iterable[Entry], *, show_all: bool) -> None:
    """A row each; the columns that a narrow terminal has no room for are left out."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = _WIDE
    columns: dict[str, Callable[[Entry], str]] = {
        "rule": lambda entry: entry.rule.id,
        "on": lambda entry: "yes" if entry.rule.enabled else "no",
        "severity": lambda entry: _severity_range(entry.rule),
        "category": lambda entry: entry.rule.category,
        "languages": _languages_text,
        "cwe": lambda entry: str(entry.rule.cwe or ""),
        "name": lambda entry: entry.rule.name,
    }
    if not show_all:
        del columns["on"]
    if console.width < _ROOMY:
        del columns["cwe"], columns["name"]
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in {"rule", "severity", "category"})
    for entry in entries:
        table.add_row(*(Text(cell(entry)) for cell in columns.values()))
    console.print(table)


def run_show(rule_id: str, *, as_json: bool) -> int:
    """Show one rule with all that is known of it."""
    entry = catalogue.entry(rule_id)
    if as_json:
        print_json({"rule": _whole(entry)})
        return EXIT_CLEAN
    rule = entry.rule
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(Text(rule.id, style="bold"), Text(rule.name))
    facts = [
        ("languages", ", ".join(entry.languages)),
        ("category", str(rule.category)),
        ("severity", _severity_text(rule)),
        ("confidence", str(rule.confidence)),
        ("CWE", f"{rule.cwe}  {_CWE_PAGE.format(rule.cwe)}" if rule.cwe else ""),
        ("found by", entry.tool),
        ("on", "yes" if rule.enabled else "no, it ships disabled"),
        ("in tests", "yes" if rule.in_tests else "only where a project enables it" if entry.tool == "bandit" else "no"),
        ("measured", _precision_text(entry)),
        ("more", rule.source if entry.tool == "bandit" else ""),
    ]
    for name, value in facts:
        if value:
            console.print(Text(f"  {name:<11}"), Text(value), sep="")
    for heading, text in (("Message", rule.message), ("Why it matters", rule.why), ("What to do", rule.suggestion)):
        console.print()
        console.print(Text(heading, style="bold"))
        console.print(Text(f"  {text}"))
    for heading, codes in (("Found", rule.bad), ("Not found", rule.good)):
        for code in codes:
            console.print()
            console.print(Text(heading, style="bold"))
            console.print(Text("\n".join(f"  {line}" for line in code.rstrip("\n").splitlines())))
    return EXIT_CLEAN


def run_test(folder: Path, *, as_json: bool) -> int:
    """Try the rules of a folder on their examples; 1 where one is not what it says."""
    rules = {
        (rule.id, language): rule for language in languages.names() for rule in loader.load_folder(folder, language)
    }
    if not rules:
        raise UsageError(f"There is no rule in {folder}.", "Rules are entries [[rule]] in *.toml files: docs/rules.md")
    examples = list(try_folder(folder))
    failed = [example for example in examples if example.problem]
    if as_json:
        print_json(_test_document(rules.values(), examples))
    else:
        _print_failures(failed)
    counted = f"{count(len({id_ for id_, _ in rules}), 'rule')}, {count(len(examples), 'example')}"
    say(f"{counted}: {f'{len(failed)} failed' if failed else 'all pass'}.")
    return EXIT_FINDINGS if failed else EXIT_CLEAN


def _print_failures(failed: Iterable[Example]) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for example in failed:
        rule = example.rule
        console.print(
            Text(f"{rule.source}:{example.line}: "),
            Text(rule.id, style="bold"),
            Text(f" ({rule.language}), {example.kind} example {example.number}: {example.problem}"),
            sep="",
        )
        console.print(Text("\n".join(f"    {line}" for line in example.code.rstrip("\n").splitlines())))


def _test_document(rules: Iterable[Rule], examples: Iterable[Example]) -> dict[str, Any]:
    return {
        "rules": [{"id": rule.id, "language": rule.language, "file": rule.source, "line": rule.line} for rule in rules],
        "examples": [
            {
                "rule": example.rule.id,
                "language": example.rule.language,
                "file": example.rule.source,
                "line": example.line,
                "kind": example.kind,
                "number": example.number,
                "code": example.code,
                "passed": not example.problem,
                "problem": example.problem,
            }
            for example in examples
        ],
    }


def _worst(rule: Rule) -> Severity:
    return rule.levels[-1].severity if rule.levels else rule.severity


def _severity_range(rule: Rule) -> str:
    worst = _worst(rule)
    return str(worst) if worst is rule.severity else f"{rule.severity} to {worst}"


def _severity_text(rule: Rule) -> str:
    if rule.levels:
        return ", ".join(f"{level.severity} above {level.above}" for level in rule.levels)
    return str(rule.severity)


def _languages_text(entry: Entry) -> str:
    if len(entry.languages) == len(languages.names()):
        return "all"
    if len(entry.languages) > _SOME_LANGUAGES:
        return f"{len(entry.languages)} languages"
    return ", ".join(entry.languages)


def _precision_text(entry: Entry) -> str:
    measured = entry.precision
    if measured is None:
        return ""
    return f"{measured.right} of {measured.read} places that were read were right ({count(measured.hits, 'hit')})"


def _summary(entry: Entry) -> dict[str, Any]:
    rule = entry.rule
    return {
        "id": rule.id,
        "name": rule.name,
        "languages": entry.languages,
        "category": rule.category,
        "severity": rule.severity,
        "confidence": rule.confidence,
        "cwe": rule.cwe,
        "enabled": rule.enabled,
        "tool": entry.tool,
    }


def _whole(entry: Entry) -> dict[str, Any]:
    rule = entry.rule
    return {
        **_summary(entry),
        "message": rule.message,
        "why": rule.why,
        "suggestion": rule.suggestion,
        "in_tests": rule.in_tests,
        "metric": rule.metric or None,
        "levels": [dataclasses.asdict(level) for level in rule.levels],
        "query": rule.query or None,
        "bad": rule.bad,
        "good": rule.good,
        "page": f"docs/rules/{entry.page}" if entry.tool == "agentforge" else rule.source,
        "precision": dataclasses.asdict(entry.precision) if entry.precision else None,
    }
