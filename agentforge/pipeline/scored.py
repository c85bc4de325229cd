"""The near-duplicates of a summary, with scores instead of the cosines that are stored."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from agentforge.embed.calibration import of_comparable
from agentforge.model import Summary

if TYPE_CHECKING:
    from agentforge.embed.interface import Embedder


def scored(summary: Summary, embedder: Embedder) -> Summary:
    """The same summary; of a model that was never calibrated a score is the cosine."""
    curve = of_comparable(embedder.layout, embedder.name, embedder.version)
    pairs = tuple(dataclasses.replace(pair, score=curve.score(pair.score)) for pair in summary.duplicates)
    return dataclasses.replace(summary, duplicates=pairs)
