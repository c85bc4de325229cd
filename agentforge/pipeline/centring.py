"""The means by which a model is centred: those that hold in a database, or new ones, counted of its functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from agentforge.detect.bandit import load_config
from agentforge.embed.interface import Snippet, wants_centres
from agentforge.errors import UsageError
from agentforge.model import Centres, FileAnalysis, SourceFile
from agentforge.pipeline.events import Notice, Observer, PhaseAdvanced, PhaseStarted, ignore
from agentforge.pipeline.files import analyse_files
from agentforge.pipeline.fresh_vectors import embeds
from agentforge.pipeline.worker import WorkerConfig
from agentforge.store import centres, lifecycle
from agentforge.store.retry import retrying
from agentforge.walk import walk

if TYPE_CHECKING:
    from agentforge.embed.interface import Embedder
    from agentforge.pipeline.analyze import Request
    from agentforge.store.connection import Connection

    Functions = Iterable[tuple[str, Snippet]]

# Of a tree that is new, so many files of a language are looked at.
_FILES = 200


def centred(connection: Connection, embedder: Embedder) -> Embedder:
    """The embedder by the means that hold for it in a database; as it is where it wants none, or none were counted."""
    if not wants_centres(embedder):
        return embedder
    from agentforge.embed.centres import CentredEmbedder

    found = centres.holding(connection, embedder.name, embedder.version)
    return CentredEmbedder(embedder, found.centres, found.version) if found else embedder


def settled(
    connection: Connection,
    embedder: Embedder,
    observer: Observer,
    *,
    here: Callable[[], Functions] = tuple,
    anew: bool = False,
    interrupted: Callable[[], bool] = lambda: False,
) -> Embedder:
    """The same, by means that are counted first where none hold yet and there are functions enough.

    Whoever counts at the same time is given the means of whoever was first.

    Args:
        connection: as who may use a new model, outside a transaction.
        embedder: as `load` gives it.
        observer: is told what is counted.
        here: functions that are not stored yet, with the hashes of their code.
        anew: count in any case, and let the result hold from now on; for admins.
        interrupted: whether to stop; asked between parts.

    Raises:
        UsageError: `anew` for a model that is not centred, by a user who is no admin, or with too few functions.
        KeyboardInterrupt: as `interrupted` said; nothing is changed.
    """
    if anew:
        _check_anew(connection, embedder)
    elif not wants_centres(known := centred(connection, embedder)):
        return known
    from agentforge.embed.centres import LEAST, MOST, sample

    stored = (
        (item.code_hash, Snippet(item.language, item.name, item.code, b"")) for item in centres.sample(connection, MOST)
    )
    functions = sample([*stored, *here()])
    if functions:
        means = _counted(embedder, functions, observer, interrupted)
        retrying(connection, lambda: centres.ensure(connection, embedder.name, embedder.version, means, anew=anew))
        return centred(connection, embedder)
    if anew:
        raise UsageError(
            f"No language has {LEAST} functions that you may read: too few to count means of.",
            "Analyse more projects first.",
        )
    return embedder


def _check_anew(connection: Connection, embedder: Embedder) -> None:
    if not wants_centres(embedder):
        raise UsageError(
            f"The model {embedder.name} is not centred by means that a database holds.",
            "Name the sentence-transformers model with --model, or leave --recentre out.",
        )
    centres.require_admin(connection)


def _counted(
    embedder: Embedder, functions: Sequence[Snippet], observer: Observer, interrupted: Callable[[], bool]
) -> Centres:
    """The means of a sample of functions."""
    from agentforge.embed.centres import count_centres

    def counted(functions: int) -> None:
        observer(PhaseAdvanced(functions))
        if interrupted():
            raise KeyboardInterrupt

    languages = ", ".join(dict.fromkeys(str(snippet.language) for snippet in functions))
    observer(Notice(f"The vectors of {embedder.name} are centred by the means of {languages}, which are counted now."))
    observer(PhaseStarted("centre", len(functions), "functions"))
    return count_centres(embedder, functions, counted)


def for_analysis(connection: Connection, request: Request, project_id: int, observer: Observer) -> Embedder:
    """The embedder of an analysis; where nothing was counted yet, and the project is new, by what its tree holds, too.

    Args:
        connection: as who may write the project, outside a transaction.
        request: what to analyse; its embedder is as `load` gives it.
        project_id: of the project.
        observer: is told what is counted.
    """
    if not embeds(request.embedder, request.effort):
        return centred(connection, request.embedder)

    def here() -> Functions:
        known = lifecycle.previous(connection, project_id, request.tree.branch)
        return _functions_of(request) if known is None else ()

    return settled(connection, request.embedder, observer, here=here)


def _functions_of(request: Request) -> Iterator[tuple[str, Snippet]]:
    """Functions of a tree, with the hashes of their code: of some files of each language, chosen by their content."""
    languages: dict[str, list[SourceFile]] = defaultdict(list)
    for file in walk(request.tree, request.options):
        if isinstance(file, SourceFile) and file.language:
            languages[file.language].append(file)
    chosen = [
        file
        for files in languages.values()
        for file in sorted(files, key=lambda file: (file.content_hash, file.path))[:_FILES]
    ]
    config = WorkerConfig(request.options.max_file_size, load_config(request.tree.root))
    for batch in analyse_files(chosen, config, request.jobs, ignore):
        for found in batch:
            if isinstance(found, FileAnalysis):
                for function in found.metrics.functions:
                    yield function.code_hash, Snippet(found.language, function.name, function.code, b"")
