"""What is said of an answer that does without meaning, or without some projects."""

from __future__ import annotations

from collections.abc import Sequence

_SHOWN = 5


def partly(functions: int) -> str:
    """One line for people.

    Args:
        functions: how many of those that were compared have no meaning yet.
    """
    who = "1 function has" if functions == 1 else f"{functions:,} functions have"
    return f"Compared by words and structure only: {who} no meaning yet. `agentforge embed` adds it."


def otherwise(projects: Sequence[str]) -> str:
    """One line for people on the projects whose vectors are of another model or version."""
    more = f" and {len(projects) - _SHOWN} more" if len(projects) > _SHOWN else ""
    names = ", ".join(projects[:_SHOWN]) + more
    return f"Left out, as another model or version embedded them: {names}. `agentforge embed` brings all to one."
