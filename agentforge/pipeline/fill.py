"""Completing the vectors of stored functions: the meaning where it is missing, all of it where nothing is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from agentforge.embed.centres import CentredEmbedder, centres_of
from agentforge.embed.interface import Snippet, StagedEmbedder, load, staged
from agentforge.pipeline.events import Notice, Observer, PhaseAdvanced, PhaseStarted
from agentforge.pipeline.executor import process_pool
from agentforge.pipeline.near_pairs import pair_embedded
from agentforge.store import lifecycle
from agentforge.store.meaning import Gap, Gaps
from agentforge.store.retry import retrying

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.embed.interface import Embedder, Vectors
    from agentforge.model import Centres
    from agentforge.store.connection import Connection

# Starting processes takes longer than embedding this many functions.
SMALL = 2000
# A round is one transaction, and Ctrl-C waits for its end: about so long.
_ROUND_SECONDS = 1.0
_FIRST_ROUND, _LARGEST_ROUND = 64, 4096


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """How a worker process makes the embedder of a task: by its name, and by the means that it takes away, if any."""

    name: str
    version: str
    centres: Centres | None

    def embedder(self) -> Embedder:
        """The same embedder here; its weights are read once a process."""
        plain = _loaded(self.name)
        return CentredEmbedder(plain, self.centres, self.version) if self.centres else plain


@dataclass(frozen=True, slots=True)
class Task:
    """What to fill.

    Attributes:
        project_id: of the project, of all its branches.
        model_id: of the embedder.
        embedder: makes the vectors.
        functions: how many there are to do; only the progress bar believes it.
        jobs: worker processes, at least 1.
    """

    project_id: int
    model_id: int
    embedder: Embedder
    functions: int
    jobs: int


def fill(
    connection: Connection, task: Task, observer: Observer, interrupted: Callable[[], bool] = lambda: False
) -> int:
    """Complete the vectors of a project, round by round, each stored when it is done.

    Other sessions may fill, and analyse, the same project meanwhile: nobody waits, and no function is done twice.

    Args:
        connection: as who may write the project, outside a transaction.
        task: what to do.
        observer: is told of the progress.
        interrupted: whether to stop; asked after each round.

    Returns:
        How many functions were done.

    Raises:
        KeyboardInterrupt: as `interrupted` said, or as it came; what was stored is stored, what was not is left.
        AgentForgeError: the weights of the model cannot be read.
    """
    observer(PhaseStarted("meaning", task.functions, "functions"))
    pool = process_pool(task.jobs) if task.jobs > 1 and task.functions > SMALL else None
    try:
        gaps = Gaps(connection, task.project_id, task.model_id)
        work = _Work(connection, gaps, task, pool, observer, interrupted)
        rewritten = work.fill(missing=False)
        embedded = 0 if work.stopped else work.fill(missing=True)
        if embedded:
            waiting = Notice("The project is being analysed: waiting for the end of that.")
            with lifecycle.project_lock(connection, task.project_id, lambda: observer(waiting)):
                retrying(connection, lambda: pair_embedded(gaps, task.embedder, observer))
        if work.stopped:
            raise KeyboardInterrupt
        if rewritten or embedded:
            gaps.compact(rewritten)
        return rewritten + embedded
    finally:
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)


class _Work:
    """One fill.

    Attributes:
        stopped: whether it was asked to stop, and has.
    """

    def __init__(
        self,
        connection: Connection,
        gaps: Gaps,
        task: Task,
        pool: ProcessPoolExecutor | None,
        observer: Observer,
        interrupted: Callable[[], bool],
    ) -> None:
        self._connection, self._gaps, self._task, self._pool, self._observer = connection, gaps, task, pool, observer
        self._interrupted, self.stopped = interrupted, False
        self._after = 0
        self._size = _FIRST_ROUND * task.jobs

    def fill(self, *, missing: bool) -> int:
        done, self._after = 0, 0
        while True:
            started = time.perf_counter()
            taken = retrying(self._connection, lambda: self._round(missing=missing))
            if not taken:
                return done
            done += len(taken)
            self._after = taken[-1].function_id
            self._observer(PhaseAdvanced(len(taken)))
            if self._interrupted():
                self.stopped = True
                return done
            rate = len(taken) / max(time.perf_counter() - started, 0.001)
            self._size = int(min(_LARGEST_ROUND, 2 * self._size, max(self._task.jobs, rate * _ROUND_SECONDS)))

    def _round(self, *, missing: bool) -> list[Gap]:
        """Take some gaps and fill them. Call it inside a transaction; it can be called again."""
        gaps = self._gaps.claim(self._after, self._size, missing=missing)
        if gaps:
            unknown = {gap.code_hash: gap for gap in gaps if gap.known is None}
            made = dict(zip(unknown, self._vectors(list(unknown.values()), missing=missing), strict=True))
            vectors = [made[gap.code_hash] if gap.known is None else gap.known for gap in gaps]
            self._gaps.store([gap.function_id for gap in gaps], np.array(vectors, np.float16), missing=missing)
        return gaps

    def _vectors(self, gaps: list[Gap], *, missing: bool) -> NDArray[np.float16]:
        """Complete vectors of some gaps, at least one, made in all processes."""
        work: Callable[[list[Gap]], Vectors] = self._embed if missing else self._complete
        if self._pool is None:
            return work(gaps).astype(np.float16)
        embedder = self._task.embedder
        recipe = Recipe(embedder.name, embedder.version, centres_of(embedder))
        step = -(-len(gaps) // self._task.jobs)
        parts = [gaps[start : start + step] for start in range(0, len(gaps), step)]
        function = _embed_in_worker if missing else _complete_in_worker
        found = list(self._pool.map(partial(function, recipe), parts))
        return np.concatenate(found) if found else np.zeros((0, self._task.embedder.dimension), np.float16)

    def _embed(self, gaps: Sequence[Gap]) -> Vectors:
        return embed_stored(self._task.embedder, gaps)

    def _complete(self, gaps: Sequence[Gap]) -> Vectors:
        embedder = staged(self._task.embedder)
        if embedder is None:  # no vector of such a model lacks meaning
            return embed_stored(self._task.embedder, gaps)
        return completed(embedder, gaps)


def completed(embedder: StagedEmbedder, gaps: Sequence[Gap]) -> Vectors:
    """The vectors of functions that have all but their meaning."""
    partial = np.array([gap.partial for gap in gaps], np.float32).reshape(len(gaps), embedder.dimension)
    return embedder.complete(partial, [(gap.code, gap.language) for gap in gaps])


def embed_stored(embedder: Embedder, gaps: Sequence[Gap]) -> Vectors:
    """The vectors of functions of which only the code is stored."""
    return embedder.embed([_snippet(gap) for gap in gaps])


def _snippet(gap: Gap) -> Snippet:
    from agentforge import parse
    from agentforge.embed.features import EMPTY
    from agentforge.embed.snippets import snippet_from_code

    try:
        return snippet_from_code(gap.code, gap.language, gap.name)
    except parse.ParseTimeoutError:
        return Snippet(gap.language, gap.name, gap.code, EMPTY)


@cache
def _loaded(name: str) -> Embedder:
    return load(name)


def _complete_in_worker(recipe: Recipe, gaps: list[Gap]) -> NDArray[np.float16]:
    embedder = recipe.embedder()
    stages = staged(embedder)
    return (completed(stages, gaps) if stages else embed_stored(embedder, gaps)).astype(np.float16)


def _embed_in_worker(recipe: Recipe, gaps: list[Gap]) -> NDArray[np.float16]:
    return embed_stored(recipe.embedder(), gaps).astype(np.float16)
