"""From the settings of a run to its selection of rules: own rules are read and compiled, named ones must exist."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from agentforge import languages
from agentforge.config.check import nearest
from agentforge.config.settings import Origin, RuleSettings, Settings
from agentforge.config.toml import printable
from agentforge.detect import catalogue, loader
from agentforge.detect.rule_set import compile_rule
from agentforge.detect.selection import RuleFile, Selection, exactness, rules_of
from agentforge.errors import UsageError

_LISTS = ("disable", "enable")


def select(settings: Settings) -> Selection:
    """The rules of a project, with its own rule files read, checked and compiled.

    Raises:
        UsageError: a rule file is not usable, or a rule is named that exists nowhere.
    """
    folders = map(Path, settings.rules.folders)
    files = tuple(
        RuleFile(str(file), _digest(folder, file)) for folder in folders for file in loader.rule_files(folder)
    )
    overrides = tuple(item for item in settings.overrides if item.rules != RuleSettings())
    selection = Selection(settings.rules, overrides, files)
    own = {file.path for file in files}
    for language in languages.names() if files else ():
        for rule in rules_of(selection, language):
            if rule.query and rule.source in own:
                compile_rule(rule)
    _check_names(settings, selection)
    return selection


def _check_names(settings: Settings, selection: Selection) -> None:
    """Look for every rule that the settings name, among the built-in ones, the project's own and bandit's.

    Raises:
        UsageError: there is no such rule; names the nearest one.
    """
    said = list(_named(settings))
    missing = _missing({name for _, name in said}, selection)
    known = set().union(*_ids(selection, bandit_first=True)) if missing else set()
    lines = []
    for origin, name in said:
        if name in missing:
            kind = "no rule matches" if {"*", "?", "["} & set(name) else "there is no rule"
            lines.append(f"{origin.place}: {kind} `{printable(name)}`. {nearest(name, known)}".rstrip())
    if lines:
        raise UsageError("\n".join(dict.fromkeys(lines)), "`agentforge rules list` shows all rules.")


def _named(settings: Settings) -> Iterator[tuple[Origin, str]]:
    for key in _LISTS:
        for origin in settings.origins.get(key, ()):
            yield from ((origin, name) for name in origin.value)
    for origin in settings.origins.get("severity", ()):
        yield from ((origin, name) for name in origin.value)
    for origin in settings.origins.get("overrides", ()):
        for key in (*_LISTS, "severity"):
            yield from ((origin, name) for name in origin.value.get(key, ()))


def _missing(names: set[str], selection: Selection) -> set[str]:
    """Those that name no rule. Rules are read language by language until all are found: most name few."""
    for ids in _ids(selection, bandit_first=any(name.startswith("B") for name in names)):
        if not names:
            break
        names = names - ids
        names = {name for name in names if not any(exactness(name, rule_id) >= 0 for rule_id in ids)}
    return names


def _ids(selection: Selection, *, bandit_first: bool) -> Iterator[set[str]]:
    if bandit_first:
        yield _bandit_ids()
    for language in languages.names():
        yield {rule.id for rule in rules_of(selection, language)}
    if not bandit_first:
        yield _bandit_ids()


def _bandit_ids() -> set[str]:
    return {entry.rule.id for entry in catalogue.bandit()}


def _digest(folder: Path, file: Path) -> str:
    """Of what a file says, and of the language whose folder it is in."""
    return hashlib.sha256(f"{file.parent.relative_to(folder)}\0{loader.text(file)}".encode()).hexdigest()
