"""What is said of an answer that does without meaning, or without some projects."""

from __future__ import annotations

from collections.abc import Sequence

from agentforge.cli.output import say
from agentforge.pipeline.scope import listed
from agentforge.pipeline.stored_models import not_embedded
from agentforge.store.similar import LeftOut


def partly(functions: int) -> str:
    """One line for people.

    Args:
        functions: how many of those that were compared have no meaning yet.
    """
    who = "1 function has" if functions == 1 else f"{functions:,} functions have"
    return f"Compared by words and structure only: {who} no meaning yet. `agentforge embed` adds it."


def say_left_out(left_out: LeftOut) -> None:
    """Say on standard error what was not compared, and what to run."""
    if left_out.projects:
        say(_otherwise(left_out.projects))
    if left_out.functions:
        say(not_embedded(left_out.functions))


def _otherwise(projects: Sequence[str]) -> str:
    names = listed(projects)
    return f"Left out, as another model or version embedded them: {names}. `agentforge embed` brings all to one."
