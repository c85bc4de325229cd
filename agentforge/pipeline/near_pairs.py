"""Pairs of functions of one project that are nearly the same: what a summary lists and `duplicate-function` reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentforge.embed.calibration import of_comparable
from agentforge.pipeline.events import Notice, Observer, PhaseStarted

if TYPE_CHECKING:
    from agentforge.embed.interface import Embedder
    from agentforge.store.meaning import Gaps
    from agentforge.store.near_pairs import EmbeddedFunctions

# Comparing this many pairs takes some ten seconds of a core; beyond it only identical code is paired.
MAX_COMPARISONS = 10_000_000_000


def near_pairs(functions: EmbeddedFunctions, embedder: Embedder, observer: Observer) -> list[tuple[int, int, float]]:
    """Pairs with a fresh function, as (function id, other function id, score by `embed.duplicates`)."""
    if not functions.fresh:
        return []
    from agentforge.embed.duplicates import Channels, near_duplicates
    from agentforge.embed.hybrid import comparable

    affordable = len(functions.fresh) * len(functions.ids) <= MAX_COMPARISONS
    if not affordable:
        observer(Notice("Too many functions changed to compare all: only identical ones are paired."))
    curve = of_comparable(embedder.layout, embedder.name, embedder.version)
    pairs = near_duplicates(
        comparable(functions.vectors, embedder.layout),
        functions.candidates,
        changed=functions.fresh,
        min_score=curve.near_duplicate,
        channels=Channels.of(embedder.layout, curve),
        identical_only=not affordable,
    )
    return [(functions.ids[one], functions.ids[other], score) for one, other, score in pairs]


def pair_embedded(gaps: Gaps, embedder: Embedder, observer: Observer) -> None:
    """Note which files have all vectors by now, and pair their functions. Call it inside a transaction.

    Args:
        gaps: of the project, which nobody analyses meanwhile.
        embedder: that made the vectors.
        observer: is told of the progress.
    """
    from agentforge.embed.duplicates import MIN_LINES

    adopted = gaps.adopt()
    if adopted:
        observer(PhaseStarted("compare"))
    for branch, files in adopted.items():
        functions = gaps.embedded_functions(branch, files, MIN_LINES)
        fresh = [functions.ids[index] for index in functions.fresh]
        gaps.replace_pairs(fresh, near_pairs(functions, embedder, observer))
