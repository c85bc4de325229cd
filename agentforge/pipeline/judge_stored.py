"""A stored run through the gate: without another word, new is what the default branch did not have."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agentforge.detect.bandit import load_config
from agentforge.embed.duplicates import MIN_LINES
from agentforge.model import Function, Halstead, Report, SourceFile, Status, Violation
from agentforge.pipeline.analyze import Request, analyze
from agentforge.pipeline.events import Observer
from agentforge.pipeline.gate import Evidence, NewFunction, evaluate, project_scores
from agentforge.pipeline.judge import GateRun, new_functions_in, new_in
from agentforge.pipeline.new_code import Before, KnownFunction
from agentforge.pipeline.worker import WorkerConfig
from agentforge.store.gate import StoredFunction, branch_functions, project_of
from agentforge.walk import SourceTree

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


def judged(connection: Connection, request: Request, observer: Observer, gate: GateRun | None) -> Report:
    """Analyse, as `analyze` does, and judge what it found.

    Args:
        connection: to a database with the schema.
        request: what to do; with rows where there is a gate.
        observer: is told of the progress.
        gate: of the run, None where nobody asked for one.

    Raises:
        UsageError, AnalysisCancelled: as `analyze`.
    """
    if gate is None:
        return analyze(connection, request, observer)
    functions = _functions_before(connection, gate, request.tree)
    report = analyze(connection, request, observer)
    before: Sequence[Before]
    basis = gate.comparison.basis
    if basis:
        before = _before(gate, request)
        news = new_in(before, report, request.selection)
    else:
        basis, news = _since_last(report)
        before = [Before((), functions)] if basis else []
    evidence = Evidence(
        basis=basis,
        violations=news,
        functions=_functions(connection, gate, report, before) if gate.needs_functions else (),
        scores=project_scores(report.summary.languages),
        summary=report.summary,
    )
    return dataclasses.replace(report, gate=evaluate(gate.settings, evidence))


def _functions_before(connection: Connection, gate: GateRun, tree: SourceTree) -> list[KnownFunction] | None:
    """The functions of a branch before a run that may replace them; None where they are not needed or not known."""
    if not gate.needs_functions or gate.comparison.basis:
        return None
    project_id = project_of(connection, tree.key)
    found = branch_functions(connection, project_id, tree.branch) if project_id is not None else []
    return [KnownFunction(row.path, row.qualified_name, row.cyclomatic, row.cognitive, row.code_hash) for row in found]


def _before(gate: GateRun, request: Request) -> Sequence[Before]:
    tree, options = request.tree, request.options
    sources: list[SourceFile] = []
    if gate.comparison.narrow:
        found = gate.sources(tree, options)
        sources = [item for item in found if isinstance(item, SourceFile)]
    config = WorkerConfig(options.max_file_size, load_config(tree.root), selection=request.selection)
    return gate.before(tree, sources, config)


def _since_last(report: Report) -> tuple[str, list[Violation]]:
    """What the run found for the first time or again; everything, without a basis, in the first run."""
    found = [item for item in report.violations if item.status not in (Status.FIXED, Status.WAIVED)]
    if report.analysis.previous_id is None:
        return "", found
    return f"at analysis {report.analysis.previous_id}", [item for item in found if item.status is not Status.OPEN]


def _functions(
    connection: Connection, gate: GateRun, report: Report, before: Sequence[Before]
) -> Sequence[NewFunction]:
    project = report.project
    if project.id is None:
        return ()
    stored = branch_functions(
        connection, project.id, project.branch, with_copies=gate.settings.new_duplication is not None
    )
    rows = [(row.path, _function(row)) for row in stored]
    copies = {id(function): row.copy for row, (_, function) in zip(stored, rows, strict=True)}
    return [
        dataclasses.replace(
            item,
            duplicate_of=copies[id(item.function)],
            compared=item.function.lines_of_code >= MIN_LINES,
        )
        for item in new_functions_in(before, rows)
    ]


def _function(row: StoredFunction) -> Function:
    return Function(
        name=row.name,
        qualified_name=row.qualified_name,
        signature=row.signature,
        start_line=row.start_line,
        end_line=row.end_line,
        start_byte=0,
        end_byte=0,
        lines_of_code=row.lines_of_code,
        parameters=0,
        cyclomatic=row.cyclomatic,
        cognitive=row.cognitive,
        nesting=0,
        halstead=Halstead(),
        maintainability_index=0.0,
        code_hash=row.code_hash,
    )
