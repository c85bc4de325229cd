"""The embedder `fast`: words and syntax, weighted by how rare they are, projected by learned tables; no net."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from agentforge.embed.features import EMPTY, unpack
from agentforge.embed.interface import FAST_MODEL
from agentforge.embed.packaged import FOLDER, intact
from agentforge.embed.projection import BUCKETS, Projection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.embed.interface import Snippet, Vectors

IDF_STEP = 1 / 16
WORDS_WEIGHT = 0.43
_SCHEME = 3  # counts up whenever the tables are read in another way
_ROWS_AT_ONCE = 2048


@cache
def _idf() -> NDArray[Any]:
    """How rare the features of each bucket are, of words and of structure."""
    with intact("The file idf.bin of agentforge is"):
        return np.frombuffer((FOLDER / "idf.bin").read_bytes(), dtype=np.uint8).reshape(2, BUCKETS) * IDF_STEP


class FastEmbedder:
    """Two tf-idf channels of hashed features, words and structure.

    Each channel is (1 + ln count) * idf, projected and scaled to the root of its weight, so that the dot product of two
    vectors is the weighted sum of the cosines of their channels. A channel without features leaves its weight to the
    other one; without any, the vector is the first unit vector.
    """

    name = FAST_MODEL
    needs_features = True

    def __init__(self, words_weight: float = WORDS_WEIGHT) -> None:
        """Read how rare features are, and the tables when they are needed first.

        Args:
            words_weight: of the cosine of the words, 0 to 1; the structure has the rest.
        """
        self._words_weight = words_weight
        self._projection = Projection()
        self.idf = _idf()

    @cached_property
    def version(self) -> str:
        """Changes with the tables, the weight and what is done with them."""
        checksum = zlib.crc32(repr(self._words_weight).encode(), zlib.crc32(self.idf.tobytes()))
        return f"{_SCHEME}-{self._projection.checksum ^ checksum:08x}"

    @property
    def layout(self) -> tuple[int, int, int]:
        """Components of meaning, of which it has none, of words and of structure."""
        return 0, self._projection.words.dimension, self._projection.structure.dimension

    @property
    def dimension(self) -> int:
        """Of each vector."""
        return sum(self.layout)

    def embed(self, snippets: Sequence[Snippet]) -> Vectors:
        """See `Embedder.embed`; reads `features` only."""
        weight = self._words_weight
        vectors = np.empty((len(snippets), self.dimension), dtype=np.float32)
        for start in range(0, len(snippets), _ROWS_AT_ONCE):
            words, structure = self.channels(snippets[start : start + _ROWS_AT_ONCE])
            shares = weight * words.any(axis=1) + (1 - weight) * structure.any(axis=1)
            block = np.hstack([np.sqrt(weight) * words, np.sqrt(1 - weight) * structure])
            block[shares == 0, 0] = 1.0
            vectors[start : start + len(block)] = block / np.sqrt(np.where(shares == 0, 1.0, shares))[:, None]
        return vectors

    def channels(self, snippets: Sequence[Snippet]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Words and structure of some snippets, each a row of length 1, or 0 where there is nothing."""
        words, structure = unpack([snippet.features or EMPTY for snippet in snippets])
        return (
            self._projection.words.vectors(words, self.idf[0], len(snippets)),
            self._projection.structure.vectors(structure, self.idf[1], len(snippets)),
        )

    def rarity(self, feature: str) -> float:
        """How rare a word is in code, by its text with its kind (`s:` sub-token, `w:` identifier, `c:` call)."""
        return float(self.idf[0][zlib.crc32(feature.encode()) & (BUCKETS - 1)])
