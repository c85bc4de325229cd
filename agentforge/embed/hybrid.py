"""The default embedder: meaning, words and structure in one vector."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from agentforge.embed.fast import WORDS_WEIGHT, FastEmbedder
from agentforge.embed.interface import DEFAULT_MODEL
from agentforge.embed.packaged import intact, table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.embed.interface import Snippet, Vectors
    from agentforge.embed.meaning import Meaning, Piece

_SCHEME = 1


@dataclass(frozen=True, slots=True)
class Shape:
    """How the channels share a vector.

    Attributes:
        meaning_weight, words_weight, structure_weight: of the cosine of each channel; the sum is 1.
        at_once: of how many functions the meaning is made before an analysis is stored.
    """

    meaning_weight: float
    words_weight: float
    structure_weight: float
    at_once: int


@cache
def shape_of(meaning: str) -> Shape:
    """What `hybrid.toml` says for a kind of net."""
    with intact("The file hybrid.toml of agentforge is"):
        return Shape(**table("hybrid.toml", (meaning,))[meaning])


class HybridEmbedder:
    """Three channels, each of length 1, scaled to the root of its weight; the vector has length 1 again.

    A channel that has nothing leaves its weight to the others. What can be had at once, words and structure, makes a
    vector by itself (`partial`): the meaning is 0 in it, and may be filled in later (`complete`). Both ways give the
    same bits: a partial vector is rounded to halves, as it is stored, before meaning is added.
    """

    needs_features = True

    def __init__(self, meaning: Meaning, name: str = DEFAULT_MODEL, shape: Shape | None = None) -> None:
        """Load nothing yet.

        Args:
            meaning: the net.
            name: as the user chose it.
            shape: how channels share a vector; None for what `hybrid.toml` says.
        """
        self.name = name
        self.meaning = meaning
        self.shape = shape or shape_of(meaning.name)
        self._features = FastEmbedder()

    @cached_property
    def version(self) -> str:
        """Changes with the net, the tables of the other channels, the weights and what is done with them."""
        shape = self.shape
        parts = (
            _SCHEME,
            self.meaning.name,
            self.meaning.version,
            self._features.version,
            (shape.meaning_weight, shape.words_weight, shape.structure_weight),
        )
        return f"{_SCHEME}-{zlib.crc32(repr(parts).encode()):08x}"

    @property
    def layout(self) -> tuple[int, int, int]:
        """Components of meaning, words and structure, in this order."""
        return self.meaning.dimension, *self._features.layout[1:]

    @property
    def _bounds(self) -> tuple[int, int]:
        """The first components of words and of structure."""
        meaning, words, _ = self.layout
        return meaning, meaning + words

    @property
    def dimension(self) -> int:
        """Of each vector."""
        return sum(self.layout)

    @property
    def at_once(self) -> int:
        """Of how many functions the meaning is made before an analysis is stored."""
        return self.shape.at_once

    def embed(self, snippets: Sequence[Snippet]) -> Vectors:
        """See `Embedder.embed`; reads `features` and `code`."""
        return self.complete(self.partial(snippets), [(snippet.code, snippet.language) for snippet in snippets])

    def partial(self, snippets: Sequence[Snippet]) -> Vectors:
        """The vectors without meaning, each of length 1: what similarity can be told at once. Reads `features`."""
        words, structure = self._features.channels(snippets)
        shape = self.shape
        vectors = np.zeros((len(snippets), self.dimension), np.float32)
        first, middle = self._bounds
        vectors[:, first:middle] = np.sqrt(shape.words_weight) * words
        vectors[:, middle:] = np.sqrt(shape.structure_weight) * structure
        vectors[~vectors.any(axis=1), first] = 1.0
        return _unit(vectors)

    def complete(self, vectors: Vectors, pieces: Sequence[Piece]) -> Vectors:
        """Vectors with meaning, from those without.

        Args:
            vectors: of the same functions, as `partial` made them, whether or not they were rounded to halves since.
            pieces: code and language of each.
        """
        meaning = self.meaning.vectors(pieces)
        shape, (first, middle) = self.shape, self._bounds
        known = vectors.astype(np.float16).astype(np.float32)
        nothing = (known[:, first] == 1.0) & meaning.any(axis=1)  # as `partial` marks what has neither
        known[nothing] = 0.0
        words, structure = known[:, first:middle], known[:, middle:]
        shares = shape.words_weight * words.any(axis=1) + shape.structure_weight * structure.any(axis=1)
        whole = known * np.sqrt(shares)[:, None].astype(np.float32)
        whole[:, :first] = np.sqrt(shape.meaning_weight) * meaning
        return _unit(whole)


def comparable(vectors: Vectors, layout: Sequence[int]) -> Vectors:
    """Words and structure of vectors of any model of this layout, weighted as the model `fast` does.

    Args:
        vectors: shape (n, dimension).
        layout: components of meaning, words and structure; empty for a model that has one channel only.

    Returns:
        Shape (n, words + structure), rows of length 1, or 0 where a row has meaning only; `vectors` as they are for
        a model of one channel.
    """
    if not layout or not len(vectors):
        return vectors
    first, words, _ = layout
    parts = (vectors[:, first : first + words], WORDS_WEIGHT), (vectors[:, first + words :], 1 - WORDS_WEIGHT)
    return _unit(np.hstack([np.sqrt(share).astype(np.float32) * _unit(part) for part, share in parts]))


def _unit(vectors: NDArray[Any]) -> Vectors:
    """Rows of length 1; a row of zeros stays."""
    lengths = np.sqrt(np.square(vectors.astype(np.float64)).sum(axis=1))
    unit: Vectors = (vectors / np.where(lengths == 0, 1.0, lengths)[:, None]).astype(np.float32)
    return unit
