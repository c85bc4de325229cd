"""Which model's vectors a piece of code, or a text, that is not stored is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentforge.embed.interface import DEFAULT_MODEL, FAST_MODEL, load, wants_centres
from agentforge.errors import UsageError
from agentforge.store import lifecycle
from agentforge.store.retry import retrying

if TYPE_CHECKING:
    from agentforge.embed.interface import Embedder, Snippet
    from agentforge.store.connection import Connection
    from agentforge.store.similar import Search, StoredVector


@dataclass(frozen=True, slots=True)
class Chosen:
    """An embedder, and the id of the model that it is in the database."""

    embedder: Embedder
    model_id: int

    def vector(self, snippet: Snippet) -> StoredVector:
        """The vector of a snippet, to be compared with stored ones."""
        from agentforge.store.similar import StoredVector

        values = self.embedder.embed([snippet])[0].tolist()
        text = f"[{','.join(map(str, values))}]"
        return StoredVector(self.model_id, self.embedder.name, text, version=self.embedder.version)


def registered(connection: Connection, embedder: Embedder) -> int:
    """The id of an embedder's model in the database, which comes to know it.

    Args:
        connection: as who may use a new model, if it is one; outside a transaction, since a new model's partitions want
            locks on tables that other analyses are writing, and may have to try again.
        embedder: as its vectors are stored.
    """
    return retrying(
        connection,
        lambda: lifecycle.ensure_model(
            connection, embedder.name, embedder.version, embedder.dimension, embedder.layout
        ),
    )


def not_embedded(functions: int) -> str:
    """What is said of functions, at least one, that have no vector."""
    who = "1 function is" if functions == 1 else f"{functions:,} functions are"
    return f"{who} not embedded yet, and not compared. `agentforge embed` makes the vectors."


def chosen(search: Search, model: str | None) -> Chosen:
    """The embedder of a name, or, without one, the first of those that need no choice whose vectors are stored.

    Raises:
        UsageError: no vectors of it are stored, or those of another version, with which nothing may be compared; says
            what there is, and what to run.
    """
    names = (DEFAULT_MODEL, FAST_MODEL) if model is None else (model,)
    stored = search.models()
    embedders = []
    for name in names:
        embedder = load(name)
        if found := _stored_as(search, embedder, stored):
            return found
        embedders.append(embedder)
    wanted = embedders[0]
    option = "" if wanted.name == DEFAULT_MODEL else f" --model {wanted.name}"
    versions = ", ".join(version for _, name, version in stored if name == wanted.name)
    if versions:
        raise UsageError(
            f"The stored vectors are of version {versions} of the model {wanted.name}, and this agentforge makes "
            f"version {wanted.version}: the two cannot be compared.",
            f"Run `agentforge embed{option}` to make them anew.",
        )
    there = ", ".join(dict.fromkeys(name for _, name, _ in stored))
    instead = f", or name what there is with --model: {there}" if there else ""
    raise UsageError(
        f"Nothing is embedded by the model {wanted.name} (version {wanted.version}).",
        f"Run `agentforge embed{option}`{instead}.",
    )


def _stored_as(search: Search, embedder: Embedder, stored: Sequence[tuple[int, str, str]]) -> Chosen | None:
    """The first of the stored models whose vectors an embedder makes, by itself or centred."""
    for model_id, name, version in stored:
        if (name, version) == (embedder.name, embedder.version):
            return Chosen(embedder, model_id)
        if name == embedder.name and wants_centres(embedder) and version.startswith(f"{embedder.version}-"):
            from agentforge.embed.centres import CentredEmbedder

            if found := search.centres(model_id):
                return Chosen(CentredEmbedder(embedder, found.centres, found.version), model_id)
    return None
