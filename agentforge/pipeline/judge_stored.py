"""A stored run through the gate: without another word, new is what the default branch did not have."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agentforge.detect.bandit import load_config
from agentforge.model import Function, Halstead, Report, SourceFile, Status, Violation
from agentforge.pipeline.analyze import Request, analyze
from agentforge.pipeline.events import Notice, Observer
from agentforge.pipeline.gate import Evidence, NewFunction, evaluate, project_scores
from agentforge.pipeline.judge import GateRun, new_functions_in, new_in
from agentforge.pipeline.new_code import Before, KnownFunction
from agentforge.pipeline.worker import WorkerConfig
from agentforge.store.baseline import default_branch_analysis, new_violations
from agentforge.store.gate import StoredFunction, branch_functions, default_branch_name, project_of
from agentforge.walk import SourceTree, renames

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


def judged(connection: Connection, request: Request, observer: Observer, gate: GateRun | None) -> Report:
    """Analyse, as `analyze` does, and judge what it found.

    Args:
        connection: to a database with the schema.
        request: what to do; with violations where there is a gate.
        observer: is told of the progress.
        gate: of the run, None where nobody asked for one.

    Raises:
        UsageError, AnalysisCancelled: as `analyze`.
    """
    if gate is None:
        return analyze(connection, request, observer)
    known = _functions_before(connection, gate, request.tree)
    report = analyze(connection, request, observer)
    before: Sequence[Before]
    basis = gate.comparison.basis
    if basis:
        before = _before(gate, request)
        news = new_in(before, report, request.selection)
    else:
        basis, news = _since_the_default_branch(connection, report, observer)
        before = [known] if basis and known is not None else []
    evidence = Evidence(
        basis=basis,
        violations=news,
        functions=_functions(connection, gate, report, before) if gate.needs_functions else (),
        scores=project_scores(report.summary.languages),
        summary=report.summary,
    )
    return dataclasses.replace(report, gate=evaluate(gate.settings, evidence))


def _functions_before(connection: Connection, gate: GateRun, tree: SourceTree) -> Before | None:
    """The functions of the default branch before a run that may replace them; of this branch where that is not known.

    None where they are not needed, or there are none.
    """
    project_id = None
    if gate.needs_functions and not gate.comparison.basis:
        project_id = project_of(connection, tree.key)
    if project_id is None:
        return None
    main = default_branch_analysis(connection, project_id)
    branch, commit = (main.branch, main.commit) if main else (tree.branch, None)
    found = branch_functions(connection, project_id, branch)
    functions = [
        KnownFunction(row.path, row.qualified_name, row.cyclomatic, row.cognitive, row.code_hash) for row in found
    ]
    return Before((), functions, renames(tree, commit))


def _before(gate: GateRun, request: Request) -> Sequence[Before]:
    tree, options = request.tree, request.options
    sources: list[SourceFile] = []
    if gate.comparison.narrow:
        found = gate.sources(tree, options)
        sources = [item for item in found if isinstance(item, SourceFile)]
    config = WorkerConfig(options.max_file_size, load_config(tree.root), selection=request.selection)
    return gate.before(tree, sources, config)


def _since_the_default_branch(
    connection: Connection, report: Report, observer: Observer
) -> tuple[str, list[Violation]]:
    """What counts as new in a stored run, and since when; everything, with no basis, where nothing was there before."""
    project, run = report.project, report.analysis
    found = [item for item in report.violations if item.status not in (Status.FIXED, Status.WAIVED)]
    if project.id is None or run.id is None:
        return "", found
    main = default_branch_analysis(connection, project.id)
    if main is None and (name := default_branch_name(connection, project.id)) not in (None, project.branch):
        observer(Notice(f"{name} was never analysed: everything on this branch counts. Analyse {name} first."))
        return "", found
    own = main is None or main.branch == project.branch
    if own and run.previous_id is None:
        return "", found
    new = new_violations(connection, project.id, project.branch, run.id)
    if main is None:
        basis = f"at analysis {run.previous_id}"
    else:
        basis = f"at analysis {run.previous_id if own else main.analysis_id} of {main.branch}"
    return basis, [item for item in found if item.fingerprint in new]


def _functions(
    connection: Connection, gate: GateRun, report: Report, before: Sequence[Before]
) -> Sequence[NewFunction]:
    from agentforge.embed.duplicates import MIN_LINES

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
