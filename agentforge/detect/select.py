"""From the settings of a run to its selection of rules: own rules are read and compiled, named ones must exist."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from agentforge import languages
from agentforge.config import toml
from agentforge.config.check import nearest
from agentforge.config.settings import Origin, Settings
from agentforge.config.toml import printable
from agentforge.detect.rule_set import compile_rule
from agentforge.detect.selection import RuleFile, Selection, exactness, rules_of
from agentforge.errors import UsageError

_LISTS = ("disable", "enable")
_MOST_FILES = 200


def select(settings: Settings) -> Selection:
    """The rules of a project, with its own rule files read, checked and compiled.

    Raises:
        UsageError: a rule file is not usable, or a rule is named that exists nowhere.
    """
    files = tuple(file for folder in settings.rules.folders for file in _files(Path(folder)))
    selection = Selection(settings.rules, settings.overrides, files)
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
    lines = []
    for origin, name in said:
        if name in missing:
            kind = "no rule matches" if {"*", "?", "["} & set(name) else "there is no rule"
            lines.append(f"{origin.place}: {kind} `{printable(name)}`. {nearest(name, _all_ids(selection))}".rstrip())
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


def _all_ids(selection: Selection) -> Iterable[str]:
    return set().union(*_ids(selection, bandit_first=True))


def _bandit_ids() -> set[str]:
    from bandit.core.extension_loader import MANAGER

    return {*MANAGER.plugins_by_id, *MANAGER.blacklist_by_id}


def _files(folder: Path) -> list[RuleFile]:
    """The rule files of a folder: its `*.toml`, and those in its folders that are named like a language.

    Raises:
        UsageError: there are none, too many, or one is no regular file.
    """
    known = languages.names()
    below = [item for item in folder.iterdir() if item.name in known and stat.S_ISDIR(item.lstat().st_mode)]
    found = sorted(file for place in [folder, *below] for file in place.glob("*.toml"))
    if not found:
        raise UsageError(f"The folder {folder} holds no rules.", "Put *.toml files there, or do not name it.")
    if len(found) > _MOST_FILES:
        raise UsageError(f"The folder {folder} holds more than {_MOST_FILES} rule files.", "Join some of them.")
    return [RuleFile(str(file), _digest(file)) for file in found]


def _digest(file: Path) -> str:
    try:
        text, _ = toml.read(str(file), str(file))
    except FileNotFoundError:
        raise UsageError(f"The rule file {file} has gone.", "Run again.") from None
    return hashlib.sha256(text.encode()).hexdigest()
