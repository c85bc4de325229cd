"""Python's figures as radon has them, from the one syntax tree of the file.

The tree-sitter engine finds the functions; radon's cyclomatic complexity, Halstead measures, maintainability index and
line counts then take the place of its figures. radon's `loc` is `physical`, `sloc` is `code`, `blank` is `blank`, and
`single_comments` plus `multi` (strings that stand alone: docstrings) is `comment`, so the four still add up.
"""

from __future__ import annotations

import dataclasses

from radon.metrics import halstead_visitor_report, mi_compute
from radon.raw import Module as RawCounts

from agentforge.measure.generic import measure
from agentforge.measure.halstead import maintainability_index
from agentforge.measure.radon_raw import raw_counts
from agentforge.measure.radon_tree import Tokens, TreeCounts
from agentforge.model import FileMetrics, Function, Halstead, LineCounts
from agentforge.parse import Decoded, ParsedFile
from agentforge.parse.python_ast import PythonAst


def measure_python(parsed: ParsedFile, decoded: Decoded, python: PythonAst, *, text: bool = True) -> FileMetrics:
    """The metrics of a Python file with radon's figures.

    Args:
        parsed: its tree.
        decoded: its text.
        python: the same file as Python parsed it. Where Python refused it, tree-sitter's figures stay and the reason
            is the file's `parse_error`.
        text: as for `measure`.
    """
    if python.module is None:
        return dataclasses.replace(measure(parsed, decoded, text=text), parse_error=python.error)
    try:
        counts = TreeCounts(python.module)
    except RecursionError:
        return dataclasses.replace(measure(parsed, decoded, text=text), parse_error="nested too deeply for radon")
    metrics = measure(parsed, decoded, halstead=False, text=text)
    if any(function.start_line not in counts.functions for function in metrics.functions):
        metrics = measure(parsed, decoded, text=text)  # tree-sitter took something for a function that Python does not
    return _with_counts(metrics, counts, python.text)


def _with_counts(metrics: FileMetrics, counts: TreeCounts, text: str) -> FileMetrics:
    total = _report(counts.tokens)
    raw = raw_counts(text)
    return dataclasses.replace(
        metrics,
        functions=tuple(_function(row, counts.functions.get(row.start_line)) for row in metrics.functions),
        halstead=total,
        lines=_lines(raw) if raw else metrics.lines,
        maintainability_index=_file_index(total, counts.complexity, raw) if raw else None,
    )


def _function(row: Function, counts: tuple[int, Tokens] | None) -> Function:
    if counts is None:
        return row
    cyclomatic, tokens = counts
    halstead = _report(tokens)
    return dataclasses.replace(
        row,
        cyclomatic=cyclomatic,
        halstead=halstead,
        maintainability_index=maintainability_index(halstead.volume, cyclomatic, row.lines_of_code, 0.0),
    )


def _report(tokens: Tokens) -> Halstead:
    report = halstead_visitor_report(tokens)
    return Halstead(
        report.h1, report.h2, report.N1, report.N2, float(report.volume), float(report.difficulty), float(report.effort)
    )


def _lines(raw: RawCounts) -> LineCounts:
    return LineCounts(physical=raw.loc, code=raw.sloc, comment=raw.single_comments + raw.multi, blank=raw.blank)


def _file_index(total: Halstead, complexity: int, raw: RawCounts) -> float:
    """The value of `radon mi`, multi-line strings counted as comments."""
    comments = (raw.comments + raw.multi) / raw.sloc * 100 if raw.sloc else 0
    return float(mi_compute(total.volume, complexity, raw.lloc, comments))
