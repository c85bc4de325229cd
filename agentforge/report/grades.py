"""Letters for scores."""

from __future__ import annotations

from typing import Literal

Grade = Literal["A", "B", "C", "D", "E", "F"]

# docs/scores.md gives the reason of each cut-off.
CUT_OFFS: tuple[tuple[float, Grade], ...] = ((90.0, "A"), (80.0, "B"), (70.0, "C"), (60.0, "D"), (50.0, "E"))


def grade(score: float) -> Grade:
    """The letter of a score from 0 to 100: A from 90, B from 80, C from 70, D from 60, E from 50, else F."""
    return next((letter for least, letter in CUT_OFFS if score >= least), "F")
