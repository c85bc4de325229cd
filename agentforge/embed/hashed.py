"""The embedder `fast`: words and syntax, weighted by how rare they are, projected by hashing. It needs no net."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from agentforge.embed.features import EMPTY, mix, unpack
from agentforge.embed.interface import FAST_MODEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.embed.interface import Snippet, Vectors

IDF_BUCKETS = 1 << 16
IDF_STEP = 1 / 16
_SCHEME = 2  # 1 lost the structure of functions that a comment follows
_ROWS_AT_ONCE = 2048
_WEIGHT_STEPS = 1024
_LOG_COUNT = 1 + np.log(np.maximum(np.arange(256), 1))
_SALTS = (np.uint32(0x27D4EB2F), np.uint32(0x165667B1), np.uint32(0xD3A2646C), np.uint32(0xFD7046C5))


@dataclass(frozen=True, slots=True)
class Projection:
    """How the two channels share a vector; the defaults were chosen by benchmarks/embed.py (docs/embedding.md).

    Attributes:
        word_dimension, node_dimension: components of each channel.
        word_weight: of the cosine of the words, 0 to 1; the structure has the rest.
        hashes: components that each feature is added to, 1 to 4.
    """

    word_dimension: int = 160
    node_dimension: int = 96
    word_weight: float = 0.6
    hashes: int = 4


DEFAULT_PROJECTION = Projection()


@cache
def _idf_bytes() -> bytes:
    return resources.files(__package__).joinpath("idf.bin").read_bytes()


class HashedEmbedder:
    """Signed feature hashing (Weinberger et al. 2009) of two tf-idf channels.

    Each channel is (1 + ln count) * idf, projected and scaled to the root of its weight, so that the dot product of two
    vectors is the weighted sum of the cosines of their channels. A channel without features leaves its weight to the
    other one; without any, the vector is the first unit vector.
    """

    name = FAST_MODEL
    needs_features = True

    def __init__(self, projection: Projection = DEFAULT_PROJECTION) -> None:
        self._projection = projection
        self._idf = np.frombuffer(_idf_bytes(), dtype=np.uint8).reshape(2, IDF_BUCKETS) * IDF_STEP
        self.layout = 0, projection.word_dimension, projection.node_dimension
        self.dimension = sum(self.layout)
        self.version = f"{_SCHEME}-{zlib.crc32(repr(astuple(projection)).encode(), zlib.crc32(_idf_bytes())):08x}"

    def embed(self, snippets: Sequence[Snippet]) -> Vectors:
        """See `Embedder.embed`; reads `features` only."""
        features = [snippet.features or EMPTY for snippet in snippets]
        vectors = np.empty((len(features), self.dimension), dtype=np.float32)
        for start in range(0, len(features), _ROWS_AT_ONCE):
            block = features[start : start + _ROWS_AT_ONCE]
            vectors[start : start + len(block)] = self._embed_block(block)
        return vectors

    def channels(self, snippets: Sequence[Snippet]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Words and structure of some snippets, each a row of length 1, or 0 where there is nothing."""
        return self._channels([snippet.features or EMPTY for snippet in snippets])

    def rarity(self, feature: str) -> float:
        """How rare a word is in code, by its text with its kind (`s:` sub-token, `w:` identifier, `c:` call)."""
        return float(self._idf[0][zlib.crc32(feature.encode()) & (IDF_BUCKETS - 1)])

    def _channels(self, features: list[bytes]) -> tuple[NDArray[Any], NDArray[Any]]:
        shape = self._projection
        words, nodes = unpack(features)
        return (
            _project(words, self._idf[0], (len(features), shape.word_dimension), shape.hashes),
            _project(nodes, self._idf[1], (len(features), shape.node_dimension), shape.hashes),
        )

    def _embed_block(self, features: list[bytes]) -> NDArray[np.float64]:
        weight = self._projection.word_weight
        words, nodes = self._channels(features)
        vectors = np.hstack([np.sqrt(weight) * words, np.sqrt(1 - weight) * nodes])
        empty = ~vectors.any(axis=1)
        vectors[empty, 0] = 1.0
        unit: NDArray[np.float64] = vectors / np.sqrt(np.square(vectors).sum(axis=1))[:, None]
        return unit


def _project(
    channel: tuple[NDArray[Any], ...], idf: NDArray[np.float64], shape: tuple[int, int], hashes: int
) -> NDArray[Any]:
    """One channel as rows of length 1, or 0 where a row has no features.

    Weights are whole numbers, so sums do not depend on the order in which a platform adds.
    """
    rows, dimension = shape
    ids, counts, row = channel
    weights = np.rint(_LOG_COUNT[counts] * idf[ids & np.uint32(IDF_BUCKETS - 1)] * _WEIGHT_STEPS)
    sums = np.zeros(rows * dimension)
    for salt in _SALTS[:hashes]:
        hashed = mix(ids ^ salt)
        column = ((hashed >> np.uint32(8)).astype(np.int64) * dimension) >> 24
        signed = np.where(hashed & np.uint32(1), weights, -weights)
        sums += np.bincount(row * dimension + column, weights=signed, minlength=rows * dimension)
    vectors = sums.reshape(rows, dimension)
    lengths = np.sqrt(np.square(vectors).sum(axis=1))
    return vectors / np.where(lengths == 0, 1.0, lengths)[:, None]
