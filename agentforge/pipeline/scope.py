"""What a user says to narrow a search: the name of a project or of a language."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from agentforge.errors import UsageError

_SUGGESTED_NAMES, _SHOWN_NAMES = 5, 10


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def key(self) -> str: ...


Item = TypeVar("Item", bound=_Named)


def check_language(name: str | None) -> None:
    """Do nothing for the name of a language, or None.

    Raises:
        UsageError: there is no such language; says which is meant.
    """
    if name is None:
        return
    from agentforge import languages  # reads every language.toml

    if name not in languages.names():
        near = difflib.get_close_matches(name, languages.names(), 1)
        hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(languages.names())}."
        raise UsageError(f"There is no language {name}.", hint)


def named_projects(projects: Iterable[Item], name: str) -> list[Item]:
    """The projects of a name, or the one of a key.

    Raises:
        UsageError: there is none; says what there is.
    """
    known = list(projects)
    found = [item for item in known if name in (item.name, item.key)]
    if not found:
        names = [item.name for item in known]
        near = difflib.get_close_matches(name, names, _SUGGESTED_NAMES)
        hint = f"Did you mean {', '.join(near)}?" if near else f"There are: {listed(names)}."
        raise UsageError(f"There is no project {name}.", hint)
    return found


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, the first ones only where there are many."""
    more = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {more:,} more" if more > 0 else "")
