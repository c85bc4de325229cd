"""The default embedder: words and syntax, weighted by how rare they are, projected by hashing. Nothing to download."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from agentforge.embed.features import EMPTY, mix, unpack
from agentforge.embed.interface import DEFAULT_MODEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.embed.interface import Snippet, Vectors

# Chosen by benchmarks/embed.py; docs/embedding.md has the numbers.
WORD_DIMENSION = 160
NODE_DIMENSION = 96
WORD_WEIGHT = 0.6
HASHES = 2

IDF_BUCKETS = 1 << 16
IDF_STEP = 1 / 16
_ROWS_AT_ONCE = 2048
_SCHEME = 1
_SALTS = (np.uint32(0x27D4EB2F), np.uint32(0x165667B1))


@cache
def _idf_bytes() -> bytes:
    return resources.files(__package__).joinpath("idf.bin").read_bytes()


class HashedEmbedder:
    """Signed feature hashing (Weinberger et al. 2009) of two tf-idf channels, 256 dimensions.

    Each channel is (1 + ln count) * idf, projected by `HASHES` signed hashes a feature and scaled to the root of its
    weight, so that the dot product of two vectors is the weighted sum of the cosines of their channels. A channel
    without features leaves its weight to the other one; without any, the vector is the first unit vector.
    """

    name = DEFAULT_MODEL
    dimension = WORD_DIMENSION + NODE_DIMENSION
    needs_features = True

    def __init__(self) -> None:
        table = np.frombuffer(_idf_bytes(), dtype=np.uint8).astype(np.float32) * np.float32(IDF_STEP)
        self._idf = table.reshape(2, IDF_BUCKETS)
        self.version = f"{_SCHEME}-{zlib.crc32(_idf_bytes()):08x}"

    def embed(self, snippets: Sequence[Snippet]) -> Vectors:
        """See `Embedder.embed`; reads `features` only."""
        features = [snippet.features or EMPTY for snippet in snippets]
        vectors = np.empty((len(features), self.dimension), dtype=np.float32)
        for start in range(0, len(features), _ROWS_AT_ONCE):
            block = features[start : start + _ROWS_AT_ONCE]
            vectors[start : start + len(block)] = self._embed_block(block)
        return vectors

    def _embed_block(self, features: list[bytes]) -> NDArray[np.float64]:
        words, nodes = unpack(features)
        vectors = np.hstack(
            [
                np.sqrt(WORD_WEIGHT) * _project(words, self._idf[0], len(features), WORD_DIMENSION),
                np.sqrt(1 - WORD_WEIGHT) * _project(nodes, self._idf[1], len(features), NODE_DIMENSION),
            ]
        )
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        vectors[lengths == 0, 0] = 1.0
        return vectors / np.where(lengths == 0, 1.0, lengths)[:, None]


def _project(channel: tuple[NDArray[Any], ...], idf: NDArray[np.float32], rows: int, dimension: int) -> NDArray[Any]:
    """One channel as rows of length 1, or 0 where a row has no features.

    The sums are of whole numbers, so they do not depend on the order in which a platform adds.
    """
    ids, counts, row = channel
    weights = np.rint(_LOG_COUNT[counts] * idf[ids & np.uint32(IDF_BUCKETS - 1)] * 1024)
    sums = np.zeros(rows * dimension)
    base = row * dimension
    for salt in _SALTS[:HASHES]:
        hashed = mix(ids ^ salt)
        column = ((hashed >> np.uint32(8)).astype(np.int64) * dimension) >> 24
        signed = np.where(hashed & np.uint32(1), weights, -weights)
        sums += np.bincount(base + column, weights=signed, minlength=rows * dimension)
    vectors = sums.reshape(rows, dimension)
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return vectors / np.where(lengths == 0, 1.0, lengths)[:, None]


_LOG_COUNT = 1 + np.log(np.maximum(np.arange(256), 1)).astype(np.float32)
