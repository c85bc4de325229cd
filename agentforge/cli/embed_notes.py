"""What is said of an answer that does without meaning."""

from __future__ import annotations


def partly(functions: int) -> str:
    """One line for people.

    Args:
        functions: how many of those that were compared have no meaning yet.
    """
    who = "1 function has" if functions == 1 else f"{functions:,} functions have"
    return f"Compared by words and structure only: {who} no meaning yet. `agentforge embed` adds it."
