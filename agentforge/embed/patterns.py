"""Which functions fall within a pattern: what it demands, and how near its examples they are.

A pattern is the centroid of its examples' vectors and the least cosine to it (Rocchio 1971: a class is the mean of its
members). How far its members lie from it is measured by leaving one out (Lachenbruch and Mickey 1968): each example
against the centroid of the others, or else every example would be part of what it is compared with. A function falls
within the pattern if its cosine is at least mean - spread * deviation of these. Whatever their distribution, at most
1 / (1 + spread^2) of such functions lie below that (Cantelli 1928): one in five for a spread of 2.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from agentforge.embed.features import expression_of, kind_table
from agentforge.embed.packaged import DAMAGE, FOLDER, unpacked
from agentforge.embed.snippets import snippet_from_code
from agentforge.patterns.words import has_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.embed.interface import Embedder, Vectors
    from agentforge.embed.packaged import Arrays
    from agentforge.parse import ParsedFile
    from agentforge.patterns import Example, Pattern

# Of one example nothing is known of the spread: what is nearly the same code.
ONE_EXAMPLE = 0.6
# However much the examples differ, what is no nearer than this has nothing in common with them: of random pairs of
# functions of Django one in a hundred is.
LEAST, MOST = 0.25, 0.9
# Of two examples each is as near to the other as the other to it: of few the deviation says too little.
LEAST_DEVIATION = 0.05
_KNOWN = "patterns.npz"
_NODE_TYPE = re.compile(r"\((\w+)")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What tells whether a function falls within a pattern: a centroid of length 1, and the least cosine to it."""

    centroid: NDArray[np.float32]
    least: float


@dataclass(frozen=True, slots=True)
class Shape:
    """A pattern in numbers.

    Attributes:
        centroid: of length 1.
        least: cosine from which on a function falls within the pattern.
        similarities: of each example to the centroid of the others; of a single one, 1.
        vectors: of the examples, a row each.
    """

    centroid: NDArray[np.float32]
    least: float
    similarities: tuple[float, ...]
    vectors: Vectors

    @property
    def mean(self) -> float:
        """Of the similarities."""
        return float(np.mean(self.similarities))

    @property
    def deviation(self) -> float:
        """Standard deviation of the similarities."""
        return float(np.std(self.similarities))


def shape_of(examples: Sequence[Example], spread: float, embedder: Embedder) -> Shape:
    """The shape of a pattern.

    Args:
        examples: at least one.
        spread: how many standard deviations a function may be less similar than the examples are.
        embedder: what the functions are compared by.

    Raises:
        ParseTimeoutError: an example takes the parser too long.
    """
    vectors = embedder.embed([snippet_from_code(example.code, example.language) for example in examples])
    total = vectors.sum(axis=0)
    centroid = (total / max(float(np.linalg.norm(total)), 1e-9)).astype(np.float32)
    if len(examples) == 1:
        return Shape(centroid, ONE_EXAMPLE, (1.0,), vectors)
    rest = total - vectors
    lengths = np.maximum(np.linalg.norm(rest, axis=1), 1e-9)
    alike = np.einsum("ij,ij->i", vectors, rest) / lengths
    deviation = max(float(alike.std()), LEAST_DEVIATION)
    least = float(np.clip(alike.mean() - spread * deviation, LEAST, MOST))
    return Shape(centroid, least, tuple(alike.tolist()), vectors)


def digest(pattern: Pattern) -> str:
    """What the numbers of a pattern depend on, beside the model."""
    return hashlib.sha256(repr((pattern.spread, pattern.examples)).encode()).hexdigest()[:16]


def known_bounds(embedder: Embedder) -> dict[str, Bounds]:
    """Centroid and least cosine of the shipped patterns, by `digest`, where they were computed for this very model.

    training/pattern_bounds.py writes them: to make the vectors of all examples takes most of a second.
    """

    def bounds(stored: Arrays) -> dict[str, Bounds]:
        if str(stored["model"]) != f"{embedder.name} {embedder.version}":
            return {}
        rows = zip(stored["digests"].tolist(), stored["centroids"], stored["least"].tolist(), strict=True)
        return {key: Bounds(centroid, least) for key, centroid, least in rows}

    try:
        return unpacked((FOLDER / _KNOWN).read_bytes(), bounds)
    except DAMAGE:
        return {}  # they are computed anew


def demands_met(pattern: Pattern, code: bytes, parsed: ParsedFile, span: tuple[int, int]) -> bool:
    """Whether a function has all that a pattern wants, and none of what speaks against it.

    Args:
        pattern: what is wanted.
        code: of the function, in lower case and without its comments.
        parsed: the file of the function.
        span: its bytes in the file.
    """
    if not has_words(pattern, code) or any(word in code for word in pattern.unwanted):
        return False
    if not pattern.kinds:
        return True
    kinds = _kinds()
    types = _NODE_TYPE.findall(expression_of(parsed.tree.root_node, parsed.data, *span))
    return {kinds.get(node_type, node_type) for node_type in types}.issuperset(pattern.kinds)


@cache
def _kinds() -> dict[str, str]:
    return {node_type: kind for kind, types in kind_table()["kinds"].items() for node_type in types}
