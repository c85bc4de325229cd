"""Centring: what all code of a language has in common is taken away from a vector before it is compared.

A model that was made for text puts all functions of one language near each other, whatever they do. Without the mean
vector of its language a function is nearer to those of other languages that do the same (docs/adr/0008).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from agentforge.embed.interface import Snippet
from agentforge.embed.meaning import TEXT
from agentforge.model.centres import OTHERS, Centres

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from agentforge.embed.interface import Embedder, Vectors

# A language with so many functions has a mean of its own, and at most so many are counted (docs/embedding.md).
LEAST, MOST = 200, 400
# Shorter than what rounding to halves adds to a vector of length 1.
_NOTHING = 1e-3
# Everybody may read means, so they are rounded (docs/adr/0008).
COARSE = 0.3
# Functions between two reports of progress.
_PART = 64


class CentredEmbedder:
    """An embedder whose vectors are those of another one, centred; with other means it has another version."""

    needs_features = False
    layout: tuple[int, ...] = ()

    def __init__(self, plain: Embedder, centres: Centres, version: str) -> None:
        """Take means that were counted.

        Args:
            plain: makes the vectors; of one channel, it reads no features.
            centres: of its vectors.
            version: of both together.
        """
        self.plain, self.centres, self.version = plain, centres, version

    @property
    def name(self) -> str:
        """As the user chose it."""
        return self.plain.name

    @property
    def dimension(self) -> int:
        """Of each vector."""
        return self.plain.dimension

    def embed(self, snippets: Sequence[Snippet]) -> Vectors:
        """See `Embedder.embed`; a vector that is the mean of its language is that mean's direction."""
        vectors = self.plain.embed(snippets)
        if not len(vectors):
            return vectors
        rest = vectors - np.array([self.centres.of(snippet.language) for snippet in snippets], np.float32)
        lengths = np.linalg.norm(rest, axis=1)
        nothing = lengths < _NOTHING
        rest[nothing], lengths[nothing] = vectors[nothing], 1.0
        unit: Vectors = rest / lengths[:, None]
        return unit


def centres_of(embedder: Embedder) -> Centres | None:
    """The means that an embedder takes away; None where it takes none."""
    return embedder.centres if isinstance(embedder, CentredEmbedder) else None


def sample(functions: Iterable[tuple[str, Snippet]]) -> list[Snippet]:
    """Those of some functions of which means are counted, whatever the order in which they come.

    Args:
        functions: with the hash of their code, which chooses them by chance; of equal ones the first counts.

    Returns:
        `MOST` of a language at most, of those languages that have `LEAST`.
    """
    languages: dict[str, dict[str, Snippet]] = defaultdict(dict)
    for code_hash, snippet in functions:
        languages[snippet.language or OTHERS].setdefault(code_hash, snippet)
    return [
        found[code_hash]
        for language, found in sorted(languages.items())
        if language != OTHERS and len(found) >= LEAST
        for code_hash in sorted(found)[:MOST]
    ]


def count_centres(
    embedder: Embedder, functions: Sequence[Snippet], counted: Callable[[int], None] = lambda _: None
) -> Centres:
    """The means of the vectors of a sample.

    An index holds no sentences as people ask by: their mean is that of the functions' names, in words.

    Args:
        embedder: a plain one.
        functions: what `sample` gave, at least one.
        counted: is told of how many functions the vectors were made, after each part.
    """
    sums: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(embedder.dimension))
    counts: dict[str, int] = defaultdict(int)
    for start in range(0, len(functions), _PART):
        part = functions[start : start + _PART]
        pieces = [*part, *filter(None, map(_called, part))]
        for snippet, vector in zip(pieces, embedder.embed(pieces), strict=True):
            sums[snippet.language or OTHERS] += vector
            counts[snippet.language or OTHERS] += 1
        counted(len(part))
    means = {language: rounded(total / counts[language]) for language, total in sums.items()}
    own = np.array([mean for language, mean in means.items() if language != TEXT], np.float64)
    means[OTHERS], counts[OTHERS] = own.mean(axis=0).astype(np.float16), len(own)
    return Centres(means, dict(counts))


def rounded(mean: NDArray[np.float64], coarse: float = COARSE) -> NDArray[np.float16]:
    """A mean, as coarse as does search no harm: what is finer tells of single functions.

    Args:
        mean: of vectors of length 1.
        coarse: round to the power of two next to so much of a component of usual size.
    """
    step = 2.0 ** np.round(np.log2(coarse / np.sqrt(len(mean))))
    coarser: NDArray[np.float16] = (np.round(mean / step) * step).astype(np.float16)
    return coarser


def _called(snippet: Snippet) -> Snippet | None:
    """The name of a function as a sentence."""
    from agentforge.embed.features import sub_tokens

    words = " ".join(sub_tokens(snippet.name))
    return Snippet(TEXT, "", words, b"") if words else None
