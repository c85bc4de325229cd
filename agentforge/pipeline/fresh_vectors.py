"""The vectors of what an analysis brings: all of them where these are few, else what can be had at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agentforge.embed.interface import Snippet, staged
from agentforge.model import FileAnalysis

if TYPE_CHECKING:
    from agentforge.embed.interface import Embedder
    from agentforge.store.load import Load

FULL, FAST = "full", "fast"


def embeds(embedder: Embedder, effort: str) -> bool:
    """Whether an analysis makes vectors at all: at once there are only those that need no meaning."""
    return effort == FULL or (effort == FAST and (staged(embedder) is not None or embedder.needs_features))


class FreshVectors:
    """Takes files batch by batch. Call `finish` after the last one."""

    def __init__(self, load: Load, embedder: Embedder, effort: str) -> None:
        """Embed nothing yet.

        Args:
            load: takes the vectors.
            embedder: makes them.
            effort: `full`; `fast`, to leave the meaning for later; else the vectors are left for later.
        """
        self._load = load
        self._embedder = embedder
        self._staged = staged(embedder)
        self._effort = effort
        # Functions whose meaning may yet be made before the analysis is stored; None when they have become too many.
        self._waiting: dict[str, Snippet] | None = {} if effort == FULL else None

    def add(self, files: Sequence[FileAnalysis]) -> int:
        """Take the functions and chunks of some files; returns for how many the database has no vector."""
        if not embeds(self._embedder, self._effort):
            return 0
        functions: dict[str, Snippet] = {}
        chunks: dict[str, Snippet] = {}
        for file in files:
            for function in file.metrics.functions:
                functions[function.code_hash] = Snippet(file.language, function.name, function.code, function.features)
            for chunk in file.metrics.chunks:
                chunks[chunk.code_hash] = Snippet(file.language, chunk.name, chunk.code, chunk.features)
        missing = self._load.missing_vectors(functions, chunks)
        fresh = {key: functions[key] for key in sorted(missing) if key in functions}
        others = {key: chunks[key] for key in sorted(missing) if key not in functions}
        if self._staged is None:
            self._add(fresh | others)
        else:
            self._add_partial(others, lacks_meaning=False)
            self._wait(fresh)
        return len(missing)

    def finish(self) -> None:
        """Make what was put off until it was known how much there is."""
        self._add(self._waiting or {})
        self._waiting = {}

    def _wait(self, fresh: dict[str, Snippet]) -> None:
        if self._waiting is None or self._staged is None:
            self._add_partial(fresh, lacks_meaning=True)
            return
        self._waiting |= fresh
        if len(self._waiting) > self._staged.at_once:
            self._add_partial(self._waiting, lacks_meaning=True)
            self._waiting = None

    def _add(self, snippets: dict[str, Snippet]) -> None:
        if snippets:
            self._load.add_vectors(list(snippets), self._embedder.embed(list(snippets.values())))

    def _add_partial(self, snippets: dict[str, Snippet], *, lacks_meaning: bool) -> None:
        if snippets and self._staged is not None:
            vectors = self._staged.partial(list(snippets.values()))
            self._load.add_vectors(list(snippets), vectors, lacks_meaning=lacks_meaning)
