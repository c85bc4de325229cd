"""The analysis of a tree into the database: only what changed is parsed and written, all of it or nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agentforge.detect.bandit import load_config
from agentforge.detect.duplicates import RULE
from agentforge.detect.selection import NOTHING_CHOSEN, Selection
from agentforge.detect.track import track
from agentforge.embed.calibration import of_comparable
from agentforge.embed.interface import DEFAULT_MODEL, FAST_MODEL
from agentforge.errors import AgentForgeError, AnalysisCancelled, DatabaseError
from agentforge.model import Analysis, FileAnalysis, Report, SkippedFile, SourceFile, Violation
from agentforge.pipeline.centring import for_analysis
from agentforge.pipeline.changes import Changes, find_changes
from agentforge.pipeline.duplicate_functions import REPORTED_SCORE, settle_duplicates, without_duplicates
from agentforge.pipeline.engine import engine_version
from agentforge.pipeline.events import Notice, Observer, PhaseStarted
from agentforge.pipeline.files import analyse_files
from agentforge.pipeline.fresh_vectors import FULL, FreshVectors, embeds
from agentforge.pipeline.inherit import find_base, inherited
from agentforge.pipeline.near_pairs import near_pairs
from agentforge.pipeline.rules import broken_rules
from agentforge.pipeline.scored import scored
from agentforge.pipeline.stopwatch import Stopwatch
from agentforge.pipeline.stored_models import registered
from agentforge.pipeline.team_rules import under_team
from agentforge.pipeline.waivers import rescore
from agentforge.pipeline.worker import WorkerConfig
from agentforge.store import lifecycle, patterns, waivers
from agentforge.store.load import Load, Target
from agentforge.store.read import Reader
from agentforge.store.retry import retrying
from agentforge.walk import SourceTree, WalkOptions, default_branch, looked_at, renames, walk

if TYPE_CHECKING:
    from agentforge.embed.interface import Embedder
    from agentforge.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Request:
    """What to analyse, and how.

    Attributes:
        tree: what to look at.
        options: what to leave out.
        embedder: makes the vectors.
        effort: how many of the vectors are made: see `fresh_vectors.FreshVectors`.
        jobs: worker processes, at least 1.
        version: of the tool.
        selection: of rules.
        with_rows: read all files and violations back, for formats that show them.
        with_violations: read all violations back, for a gate.
    """

    tree: SourceTree
    options: WalkOptions
    embedder: Embedder
    jobs: int
    version: str
    selection: Selection = NOTHING_CHOSEN
    effort: str = FULL
    with_rows: bool = False
    with_violations: bool = False

    @property
    def partial(self) -> bool:
        """Whether the run looks at a part of the project only."""
        return bool(self.tree.scopes or self.options.narrowed)


def analyze(connection: Connection, request: Request, observer: Observer) -> Report:
    """Bring what is stored of a project up to date and report on it.

    Args:
        connection: to a database with the schema.
        request: what to do.
        observer: is told of the progress.

    Raises:
        AnalysisCancelled: the user pressed Ctrl-C; the last analysis stands as it was.
        UsageError: an option or a tool's configuration in the tree is not usable.
    """
    request = dataclasses.replace(request, selection=under_team(connection, request.selection))
    tree = request.tree
    bandit = load_config(tree.root)
    engine = engine_version(request.version, bandit, request.selection)
    project_id = retrying(connection, lambda: lifecycle.ensure_project(connection, tree.project))
    embedder = for_analysis(connection, request, project_id, observer)
    request = dataclasses.replace(request, embedder=embedder)
    model_id = registered(connection, embedder)
    if main := default_branch(tree):
        lifecycle.set_default_branch(connection, project_id, main.name, certain=main.certain)
    waiting = Notice(f"Another analysis of {tree.name} is running: waiting for it to finish.")
    with lifecycle.project_lock(connection, project_id, lambda: observer(waiting)):
        last = lifecycle.previous(connection, project_id, tree.branch)
        run = lifecycle.begin(
            connection, tree.project, project_id, engine, model_id, tree.scopes, partial=request.partial
        )
        with _recorded(connection, run):
            makes_vectors = embeds(embedder, request.effort)
            target = Target(project_id, tree.branch, run.id, model_id, engine, makes_vectors)
            features = makes_vectors and embedder.needs_features
            model = embedder.name if embedder.name in (DEFAULT_MODEL, FAST_MODEL) else DEFAULT_MODEL
            config = WorkerConfig(request.options.max_file_size, bandit, features, request.selection, model=model)
            work = _Work(connection, request, target, config, observer)
            work.update(run, last)
        with work.watch.phase("report"):
            return work.report(run, last)


@contextmanager
def _recorded(connection: Connection, run: lifecycle.Run) -> Iterator[None]:
    """Mark the run as cancelled or failed where the block does not come to its end."""
    try:
        yield
    except KeyboardInterrupt:
        lifecycle.abandon(connection, run, "cancelled", None)
        raise AnalysisCancelled("Interrupted: the analysis is cancelled, the last one stands as it was.") from None
    except BaseException as error:
        reason = error.message if isinstance(error, AgentForgeError) else f"{type(error).__name__}: {error}"
        lifecycle.abandon(connection, run, "failed", reason)
        raise


class _Work:
    """One run: its parts share the connection, the load and the stopwatch."""

    def __init__(
        self, connection: Connection, request: Request, target: Target, config: WorkerConfig, observer: Observer
    ) -> None:
        self._connection = connection
        self._request = request
        self._target = target
        self._config = config
        self._observer = observer
        self._skipped: list[SkippedFile] = []
        self._analyzed: list[str] = []
        self._violations: list[Violation] = []
        self._suspects: list[Violation] = []
        self._idioms: list[patterns.IdiomRow] = []
        self._changes = Changes([], 0, [], {})
        self._base = find_base(connection, target.project_id, target.branch)
        self.watch = Stopwatch()

    def update(self, run: lifecycle.Run, last: lifecycle.Previous | None) -> None:
        """Analyse what changed and store it, all in one transaction with the end of the run."""
        changes = self._changes = self._walk(last)
        load = None
        if changes.changed or changes.gone:
            load = Load(self._connection, self._target)
            with self.watch.phase("analyse"):
                self._analyse(load, changes.changed)
        retrying(self._connection, lambda: self._complete(run, load, changes))

    def _complete(self, run: lifecycle.Run, load: Load | None, changes: Changes) -> None:
        """Put everything in place with the end of the run. Call it inside a transaction; it can be called again."""
        if load is not None:
            with self.watch.phase("store"):
                self._observer(PhaseStarted("store"))
                self._store(load, changes)
        judged: frozenset[int] = frozenset()
        if load is not None:
            with self.watch.phase("compare"):
                self._observer(PhaseStarted("compare"))
                self._compare(load)
                judged = self._report_duplicates(load, changes)
        target = self._target
        settled = waivers.settle(self._connection, target.project_id, target.branch, target.analysis_id)
        rescore(self._connection, settled | judged)
        if lifecycle.finish(self._connection, run, "completed", results=self._totals()) is None:
            raise DatabaseError(
                "Another session ended this analysis, or removed its project.", "Run again; nothing was half-written."
            )
        lifecycle.record_phases(self._connection, self._target.project_id, run, self.watch.phases())

    def report(self, run: lifecycle.Run, last: lifecycle.Previous | None) -> Report:
        """The whole project as it is stored now."""
        request, target = self._request, self._target
        reader = Reader(self._connection, request.tree.name, target.project_id, target.branch, run.id)
        summary = scored(reader.summary(), request.embedder)
        totals = self._totals()
        violations = tuple(reader.violations()) if request.with_rows or request.with_violations else ()
        return Report(
            project=dataclasses.replace(request.tree.project, id=target.project_id),
            analysis=Analysis(
                id=run.id,
                previous_id=self._compared_with(last),
                status="completed",
                started_at=run.started_at.astimezone(UTC).isoformat(timespec="seconds"),
                completed_at=datetime.now(UTC).isoformat(timespec="seconds"),
                engine_version=target.engine_version,
                model=request.embedder.name,
                partial=request.partial,
                scopes=request.tree.scopes,
                phases=self.watch.phases(),
                skipped=tuple(sorted(self._skipped, key=lambda item: item.path)),
                **totals,
            ),
            summary=summary,
            files=tuple(reader.files()) if request.with_rows else (),
            violations=violations,
            rules=broken_rules(violations, [row.language for row in summary.languages], request.selection),
        )

    def _compared_with(self, last: lifecycle.Previous | None) -> int | None:
        if last is not None:
            return last.id
        return self._base.analysis_id if self._base is not None else None

    def _walk(self, last: lifecycle.Previous | None) -> Changes:
        tree, options, target = self._request.tree, self._request.options, self._target
        self._observer(PhaseStarted("walk"))
        with self.watch.phase("walk"):
            found = list(walk(tree, options))
            self.watch.count("walk", len(found))
            self._skipped.extend(item for item in found if isinstance(item, SkippedFile))
            stored = lifecycle.current_files(self._connection, target.project_id, target.branch)

            def wanted(file: SourceFile) -> lifecycle.Version:
                known = stored.get(file.path)
                model_id = target.model_id if target.embeds or known is None else known.model_id
                return lifecycle.Version(file.content_hash, target.engine_version, model_id)

            moved = renames(tree, last.commit) if last else {}
            return find_changes(found, stored, wanted, looked_at(tree, options), moved)

    def _analyse(self, load: Load, sources: list[SourceFile]) -> None:
        request = self._request
        vectors = FreshVectors(load, request.embedder, request.effort)
        for batch in analyse_files(sources, self._config, request.jobs, self._observer):
            files = [item for item in batch if isinstance(item, FileAnalysis)]
            self._skipped.extend(item for item in batch if isinstance(item, SkippedFile))
            self._analyzed.extend(file.path for file in files)
            self._violations.extend(violation for file in files for violation in file.violations)
            self._suspects.extend(violation for file in files for violation in file.suspects)
            self._idioms.extend(patterns.idiom_rows(files))
            with self.watch.phase("store"):
                load.add(files)
            with self.watch.phase("embed"):
                self.watch.count("embed", vectors.add(files))
        with self.watch.phase("embed"):
            vectors.finish()
        self.watch.count("analyse", len(self._analyzed))

    def _store(self, load: Load, changes: Changes) -> None:
        known = without_duplicates(load.unresolved([*self._analyzed, *changes.gone]))
        tracked = track(known, self._violations, changes.renames)
        elsewhere = inherited(self._connection, self._target.project_id, self._base, self._request.tree, tracked)
        load.store(tracked.found, tracked.gone, changes.gone, changes.renames, elsewhere)
        patterns.store_idioms(self._connection, self._target.project_id, self._target.branch, self._idioms)
        self.watch.recount("store", len(self._analyzed) + len(self._violations) + len(changes.gone))

    def _compare(self, load: Load) -> None:
        from agentforge.embed.duplicates import MIN_LINES

        functions = load.embedded_functions(MIN_LINES)
        self.watch.recount("compare", len(functions.fresh))
        load.store_duplicates(near_pairs(functions, self._request.embedder, self._observer))

    def _report_duplicates(self, load: Load, changes: Changes) -> frozenset[int]:
        """Say which functions are there already; gives the ids of files whose scores change by it."""
        embedder = self._request.embedder
        least = of_comparable(embedder.layout, embedder.name, embedder.version).cosine(REPORTED_SCORE)
        tracked = settle_duplicates(load, self._suspects, {*self._analyzed, *changes.gone}, changes.renames, least)
        if tracked is None:
            return frozenset()
        elsewhere = inherited(self._connection, self._target.project_id, self._base, self._request.tree, tracked)
        load.store_violations(tracked.found, tracked.gone, elsewhere)
        return load.files_of_rule(RULE)

    def _totals(self) -> dict[str, int]:
        return {
            "files_analyzed": len(self._analyzed),
            "files_unchanged": self._changes.unchanged,
            "files_removed": len(self._changes.gone),
        }
