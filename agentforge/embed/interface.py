"""What an embedder is, and how one is chosen by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

DEFAULT_MODEL = "hybrid"
FAST_MODEL = "fast"
_OLD_NAMES = {"hashed": FAST_MODEL}  # what it was called up to migration 15


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of code to be embedded.

    Attributes:
        language: name of a language, None where it is not known.
        name: of the function, empty where it has none.
        code: its text.
        features: what `features.extract` found; empty for embedders with `needs_features = False`.
    """

    language: str | None
    name: str
    code: str
    features: bytes


class Embedder(Protocol):
    """Makes vectors of code. Two vectors may be compared only if `name` and `version` of their embedders are equal.

    Attributes:
        name: as the user chose it.
        version: changes whenever the vectors would.
        dimension: of each vector.
        needs_features: whether `Snippet.features` is read; otherwise `Snippet.code` is.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def dimension(self) -> int: ...  # noqa: D102
    @property
    def needs_features(self) -> bool: ...  # noqa: D102

    def embed(self, snippets: Sequence[Snippet]) -> Vectors:
        """Vectors of shape (snippets, dimension), float32, each of length 1; the same for the same snippet always."""
        ...


def load(model: str = DEFAULT_MODEL) -> Embedder:
    """The embedder of a name. Weights are read when they are needed first.

    Args:
        model: `hybrid` or `fast`, which need nothing but this package; a folder with MiniLM as ONNX; or a
            sentence-transformers model: a local folder, or a name on the model hub (only then, and only unless the hub
            library is told to stay offline, is anything downloaded).

    Raises:
        UsageError: the extra that the model needs is not installed, or there is no such model.
    """
    model = _OLD_NAMES.get(model, model)
    if model == FAST_MODEL:
        from agentforge.embed.hashed import HashedEmbedder

        return HashedEmbedder()
    if model == DEFAULT_MODEL:
        from agentforge.embed.hybrid import HybridEmbedder
        from agentforge.embed.student import Student

        return HybridEmbedder(Student())
    from agentforge.embed.transformer import load_transformer

    return load_transformer(model)
