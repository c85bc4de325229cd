"""What an embedder is, and how one is chosen by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agentforge.embed.meaning import Piece

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
        layout: components of meaning, words and structure, in this order; empty for a model that has one channel.
        needs_features: whether `Snippet.features` is read; otherwise `Snippet.code` is.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def dimension(self) -> int: ...  # noqa: D102
    @property
    def layout(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def needs_features(self) -> bool: ...  # noqa: D102

    def embed(self, snippets: Sequence[Snippet]) -> Vectors:
        """Vectors of shape (snippets, dimension), float32, each of length 1; the same for the same snippet always."""
        ...


class StagedEmbedder(Embedder, Protocol):
    """One whose vectors can be had in two steps: words and structure at once, meaning later.

    Attributes:
        at_once: of how many functions the meaning is made before an analysis is stored.
    """

    @property
    def at_once(self) -> int: ...  # noqa: D102

    def partial(self, snippets: Sequence[Snippet]) -> Vectors:
        """The vectors without meaning, each of length 1."""
        ...

    def complete(self, vectors: Vectors, pieces: Sequence[Piece]) -> Vectors:
        """What `embed` gives, from what `partial` gave and (code, language) of each."""
        ...


def staged(embedder: Embedder) -> StagedEmbedder | None:
    """The embedder as one that works in two steps, None where it does not."""
    return cast("StagedEmbedder", embedder) if hasattr(embedder, "partial") else None


def wants_centres(embedder: Embedder) -> bool:
    """Whether the vectors of an embedder want to be centred (`embed.centres`), and are not."""
    return bool(getattr(embedder, "wants_centres", False))


def canonical(model: str) -> str:
    """The name of a model as embedders and the database have it; an earlier version had another one for `fast`."""
    return _OLD_NAMES.get(model, model)


def load(model: str = DEFAULT_MODEL) -> Embedder:
    """The embedder of a name. Weights are read when they are needed first.

    Args:
        model: `hybrid` or `fast`, which need nothing but this package; `minilm`, where the package agentforge-minilm is
            installed; a folder that `make minilm` wrote; or a sentence-transformers model: a local folder, or a name on
            the model hub (only then, and only unless the hub library is told to stay offline, is anything downloaded).

    Raises:
        UsageError: the extra that the model needs is not installed, or there is no such model.
        AgentForgeError: a file of the installation is damaged.
    """
    model = canonical(model)
    if model == FAST_MODEL:
        from agentforge.embed.fast import FastEmbedder

        return FastEmbedder()
    if model == DEFAULT_MODEL:
        from agentforge.embed.hybrid import HybridEmbedder
        from agentforge.embed.student import Student

        return HybridEmbedder(Student())
    from agentforge.embed.minilm import find

    if minilm := find(model):
        from agentforge.embed.hybrid import HybridEmbedder

        return HybridEmbedder(minilm, model)
    from agentforge.embed.transformer import load_transformer

    return load_transformer(model)
