"""Whether a configuration file says what options take: each mistake with its line and the nearest right word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping

from agentforge.config.files import ConfigFile
from agentforge.config.options import Option, members, sections
from agentforge.config.toml import printable
from agentforge.errors import UsageError

_MOST_SHOWN = 20
_LISTS = {"overrides"}


def check(file: ConfigFile) -> None:
    """Look at every key and value of a file.

    Raises:
        UsageError: there are mistakes; the message names each.
    """
    found = list(_mistakes(file))
    if found:
        more = [f"and {len(found) - _MOST_SHOWN} more"] if len(found) > _MOST_SHOWN else []
        lines = [*(f"{file.place(*path)}: {text}" for path, text in found[:_MOST_SHOWN]), *more]
        raise UsageError("\n".join(lines), "docs/configuration.md describes every option.")


Mistake = tuple[tuple[str | int, ...], str]


def _mistakes(file: ConfigFile) -> Iterator[Mistake]:
    tables = {section.name for section in sections()} - {""}
    for key, value in file.data.items():
        if key not in tables:
            yield from _member(file, "", (), key, value)
        elif key in _LISTS:
            yield from _entries(file, key, value)
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                yield from _member(file, key, (key,), name, inner)
        else:
            yield (key,), f"`{key}` must be a table, [{'.'.join((*file.table, key))}]."


def _entries(file: ConfigFile, section: str, value: object) -> Iterator[Mistake]:
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        yield (section,), f"`{section}` must be a list of tables, [[{'.'.join((*file.table, section))}]]."
        return
    for index, entry in enumerate(value):
        for name, inner in entry.items():
            yield from _member(file, section, (section, index), name, inner)
        for name, option in members(section).items():
            if option.required and name not in entry:
                yield (section, index), f"`{name}` is missing."


def _member(file: ConfigFile, section: str, path: tuple[str | int, ...], name: str, value: object) -> Iterator[Mistake]:
    option = members(section).get(name)
    if option is None:
        yield (*path, name), _unknown(file, section, name)
    elif not option.file:
        yield (*path, name), f"`{name}` cannot be set in a file: {option.why_not}. {_instead(option)}"
    elif problem := option.problem(value):
        yield (*path, name), f"`{name}` must be {problem}."
    elif file.own and option.own_values and value not in option.own_values:
        allowed = ", ".join(f"`{text}`" for text in option.own_values)
        yield (
            (*path, name),
            f"`{name}` in the project's own file must be {allowed}: {option.why_not}. {_instead(option)}",
        )


def _instead(option: Option) -> str:
    return f"Set {option.environment}, or give {option.flag}."


def _unknown(file: ConfigFile, section: str, name: str) -> str:
    """The message for a key that is no option of its table: where it belongs, or the nearest one."""
    shown = printable(name)
    for other in sections():
        if other.name != section and name in members(other.name):
            return f"`{shown}` does not belong here, but in {_title(file, other.name)}."
    here = [option.name for option in members(section).values() if option.file]
    tables = [other.name for other in sections() if other.name] if not section else []
    return f"unknown key `{shown}`. {nearest(name, [*here, *tables])}"


def _title(file: ConfigFile, section: str) -> str:
    name = ".".join((*file.table, section)) if section else ".".join(file.table)
    if section in _LISTS:
        return f"[[{name}]]"
    return f"[{name}]" if name else "the part above all tables"


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the known word nearest to a wrong one; all of them where none is near and they are few."""
    choices = {choice.lower(): choice for choice in sorted(known)}
    near = difflib.get_close_matches(word[:100].lower().replace("_", "-"), choices, 1)
    if near:
        return f"Did you mean `{choices[near[0]]}`?"
    return f"Use one of: {', '.join(choices.values())}." if len(choices) <= 30 else ""
