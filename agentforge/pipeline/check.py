"""The analysis of a tree without a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from agentforge.detect.bandit import load_config
from agentforge.detect.selection import NOTHING_CHOSEN, Selection
from agentforge.model import Analysis, Report, SkippedFile, SourceFile
from agentforge.pipeline.engine import engine_version
from agentforge.pipeline.events import Observer, PhaseStarted
from agentforge.pipeline.files import analyse_files
from agentforge.pipeline.judge import GateRun, judge_check
from agentforge.pipeline.new_code import Before
from agentforge.pipeline.rows import Rows
from agentforge.pipeline.rules import broken_rules
from agentforge.pipeline.stopwatch import Stopwatch
from agentforge.pipeline.worker import WorkerConfig
from agentforge.walk import SourceTree, WalkOptions, walk


def check(
    tree: SourceTree,
    options: WalkOptions,
    jobs: int,
    version: str,
    observer: Observer,
    selection: Selection = NOTHING_CHOSEN,
    gate: GateRun | None = None,
    *,
    rows: bool = True,
) -> Report:
    """Analyse a tree and keep nothing.

    Args:
        tree: what to look at.
        options: what to leave out.
        jobs: worker processes, at least 1.
        version: of the tool.
        observer: is told of the progress.
        selection: of rules.
        gate: judges the run; where it needs no more, only what changed is looked at.
        rows: whether the report is to hold the files and violations, beside the summary.

    Raises:
        UsageError: an option or a tool's configuration in the tree is not usable.
    """
    started_at, watch = _now(), Stopwatch()
    observer(PhaseStarted("walk"))
    with watch.phase("walk"):
        found = list(gate.sources(tree, options) if gate and gate.narrow else walk(tree, options))
        watch.count("walk", len(found))
    sources = [item for item in found if isinstance(item, SourceFile)]
    bandit = load_config(tree.root)
    features = gate is not None and gate.needs_features
    config = WorkerConfig(options.max_file_size, bandit, features, selection, text=False)
    results = Rows(tree.name, keep=rows or (gate is not None and gate.needs_rows))
    with watch.phase("analyse"):
        unread = _look(sources, config, jobs, observer, results)
        watch.count("analyse", len(sources) - len(unread))
    before: Sequence[Before] = ()
    if gate is not None:
        with watch.phase("gate"):
            before = gate.before(tree, sources, config)
    analysis = _analysis(
        tree,
        started_at=started_at,
        engine=engine_version(version, bandit, selection),
        partial=bool(tree.scopes) or (gate is not None and gate.narrow),
        analyzed=len(sources) - len(unread),
        skipped=[*(item for item in found if isinstance(item, SkippedFile)), *unread],
        watch=watch,
    )
    report = _report(tree, analysis, results, selection)
    return judge_check(gate, report, before, selection, results.totals) if gate else report


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _look(
    sources: list[SourceFile], config: WorkerConfig, jobs: int, observer: Observer, results: Rows
) -> list[SkippedFile]:
    """Analyse files into `results`; those that could not be read after all are returned."""
    unread = []
    for batch in analyse_files(sources, config, jobs, observer):
        for item in batch:
            if isinstance(item, SkippedFile):
                unread.append(item)
            else:
                results.add(item)
    return unread


def _analysis(
    tree: SourceTree,
    *,
    started_at: str,
    engine: str,
    partial: bool,
    analyzed: int,
    skipped: Iterable[SkippedFile],
    watch: Stopwatch,
) -> Analysis:
    """One that is stored nowhere, and ends now."""
    return Analysis(
        id=None,
        previous_id=None,
        status="completed",
        started_at=started_at,
        completed_at=_now(),
        engine_version=engine,
        model=None,
        partial=partial,
        scopes=tree.scopes,
        files_analyzed=analyzed,
        files_unchanged=0,
        files_removed=0,
        phases=watch.phases(),
        skipped=tuple(sorted(skipped, key=lambda item: item.path)),
    )


def _report(tree: SourceTree, analysis: Analysis, results: Rows, selection: Selection) -> Report:
    violations = results.violations
    return Report(
        project=tree.project,
        analysis=analysis,
        summary=results.totals.summary(),
        files=results.files,
        violations=violations,
        rules=broken_rules(violations or results.totals.worst(), results.totals.languages, selection),
    )
