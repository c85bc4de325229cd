"""A run through the gate: finds what is new in its report, and judges it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentforge.config.settings import GateSettings
from agentforge.detect.selection import Selection, rules_of
from agentforge.model import Function, Report, SkippedFile, SourceFile, Status, Violation
from agentforge.pipeline.comparison import Comparison, Means
from agentforge.pipeline.gate import Evidence, NewFunction, evaluate, project_scores
from agentforge.pipeline.new_code import Before, new_functions, new_violations
from agentforge.pipeline.rows import Rows
from agentforge.pipeline.summary import Totals
from agentforge.pipeline.worker import WorkerConfig
from agentforge.walk import SourceTree, WalkOptions

_GONE = (Status.FIXED, Status.WAIVED)


@dataclass(frozen=True, slots=True)
class GateRun:
    """The gate of one run.

    Attributes:
        settings: the conditions.
        comparison: what the run is compared with.
        means: for the comparison.
    """

    settings: GateSettings
    comparison: Comparison
    means: Means

    @property
    def needs_functions(self) -> bool:
        """Whether a condition looks at functions."""
        settings = self.settings
        return any(
            limit is not None for limit in (settings.new_cyclomatic, settings.new_cognitive, settings.new_duplication)
        )

    @property
    def needs_features(self) -> bool:
        """Whether a condition compares functions with each other."""
        return self.settings.new_duplication is not None and not self.comparison.index_only

    @property
    def asks_for_everything(self) -> bool:
        """Whether a condition is about the whole project."""
        settings = self.settings
        scores = (settings.min_complexity_score, settings.min_quality_score, settings.min_security_score)
        return any(limit is not None for limit in (*scores, settings.new_duplication))

    @property
    def needs_rows(self) -> bool:
        """Whether the files and violations of the run are looked at one by one."""
        return bool(self.comparison.basis) or self.needs_functions

    @property
    def narrow(self) -> bool:
        """Whether only the changed files are looked at."""
        return self.comparison.narrow and (self.comparison.index_only or not self.asks_for_everything)

    def sources(self, tree: SourceTree, options: WalkOptions) -> Iterator[SourceFile | SkippedFile]:
        """The files to analyse, where `narrow` holds."""
        return self.comparison.sources(tree, options, self.means.folder)

    def before(self, tree: SourceTree, sources: Sequence[SourceFile], config: WorkerConfig) -> Sequence[Before]:
        """How things were."""
        return self.comparison.before(tree, sources, config, self.means)


def judge_check(
    gate: GateRun, report: Report, before: Sequence[Before], selection: Selection, totals: Totals
) -> Report:
    """The report with its gate, and with what is not new marked as open.

    Args:
        gate: of the run.
        report: with all files and violations, where the gate needs them.
        before: how things were.
        selection: of rules, with which the run was made.
        totals: of the run.
    """
    news, counts = totals.worst(), None if before else totals.present
    if before:
        report = _with_statuses(report, {item.fingerprint for item in new_in(before, report, selection)})
        news = [item for item in report.violations if item.status is Status.NEW]
    rows = [(file.path, function) for file in report.files for function in file.metrics.functions]
    functions = new_functions_in(before, rows) if gate.needs_functions else []
    if gate.needs_features:
        from agentforge.pipeline.copies import mark_copies

        functions = mark_copies(report.files, functions)
    evidence = Evidence(
        basis=gate.comparison.basis,
        violations=news,
        functions=functions,
        counts=counts,
        scores=None if gate.narrow else project_scores(report.summary.languages),
        summary=report.summary,
    )
    settings = gate.settings
    if gate.comparison.index_only:
        settings = dataclasses.replace(settings, new_duplication=None)
    return dataclasses.replace(report, gate=evaluate(settings, evidence))


def new_in(before: Sequence[Before], report: Report, selection: Selection) -> list[Violation]:
    """What is new to every side, or everything where there is none; worst first, without the waived ones."""
    found = [item for item in report.violations if item.status not in _GONE]
    languages = [row.language for row in report.summary.languages if row.language] if before and found else []
    measures = frozenset(rule.id for name in languages for rule in rules_of(selection, name) if rule.metric)
    for side in before:
        others = [item for item in found if side is not before[0] and item.path not in (side.touched or ())]
        kept = {item.fingerprint for item in (*new_violations(side, found, measures), *others)}
        found = [item for item in found if item.fingerprint in kept]
    return found


def new_functions_in(before: Sequence[Before], rows: Sequence[tuple[str, Function]]) -> list[NewFunction]:
    """What is new to every side that knows of the file, or everything where there is none."""
    if not before:
        return [NewFunction(path, function) for path, function in rows]
    found = new_functions(before[0], rows)
    for side in before[1:]:
        again = {id(item.function) for item in new_functions(side, rows)}
        found = [
            item
            for item in found
            if id(item.function) in again or (side.touched is not None and item.path not in side.touched)
        ]
    return found


def _with_statuses(report: Report, new: set[str]) -> Report:
    """The same with each violation marked as new or open."""

    def marked(item: Violation) -> Violation:
        if item.status in _GONE:
            return item
        status = Status.NEW if item.fingerprint in new else Status.OPEN
        return item if item.status is status else dataclasses.replace(item, status=status)

    rows = Rows(report.project.name, keep=True)
    for file in report.files:
        found = tuple(map(marked, file.violations))
        rows.add(dataclasses.replace(file, violations=found) if found else file)
    return dataclasses.replace(report, files=rows.files, violations=rows.violations, summary=rows.totals.summary())
