"""Where the user stands."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from agentforge.errors import UsageError

if TYPE_CHECKING:
    from agentforge.walk import SourceTree


def current_tree() -> SourceTree | None:
    """The tree that the user stands in, None where the current folder cannot be one."""
    from agentforge import walk  # brings what reads .gitignore files, which most searches do not need

    with suppress(UsageError, OSError):
        return walk.discover(["."])
    return None
