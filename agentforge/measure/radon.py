"""Python's figures as radon has them: its own visitors over the one syntax tree of the file.

The tree-sitter engine finds the functions; radon's cyclomatic complexity, Halstead measures, maintainability index and
line counts then take the place of its figures. radon's `loc` is `physical`, `sloc` is `code`, `blank` is `blank`, and
`single_comments` plus `multi` (strings that stand alone: docstrings) is `comment`, so the four still add up.
"""

from __future__ import annotations

import ast
import dataclasses

from radon.complexity import add_inner_blocks
from radon.metrics import halstead_visitor_report, mi_compute
from radon.raw import Module as RawCounts
from radon.visitors import ComplexityVisitor, HalsteadVisitor

from agentforge.measure.halstead import maintainability_index
from agentforge.measure.radon_raw import raw_counts
from agentforge.model import FileMetrics, Function, Halstead, LineCounts
from agentforge.parse.python_ast import PythonAst

Definition = ast.FunctionDef | ast.AsyncFunctionDef


class _TracingHalsteadVisitor(HalsteadVisitor):  # type: ignore[misc]  # radon has no types
    """radon's visitor, which also remembers at which line each function's own visitor began."""

    def __init__(self, context: str | None = None) -> None:
        super().__init__(context)
        self.by_line: dict[int, HalsteadVisitor] = {}

    def visit_FunctionDef(self, node: Definition) -> None:  # noqa: N802
        super().visit_FunctionDef(node)
        self.by_line[node.lineno] = self.function_visitors[-1]


def enrich(metrics: FileMetrics, python: PythonAst) -> FileMetrics:
    """The metrics of a Python file with radon's figures.

    Args:
        metrics: the tree-sitter engine's.
        python: the same file as Python parsed it. Where Python refused it, tree-sitter's figures stay and the reason
            is the file's `parse_error`.
    """
    if python.module is None:
        return dataclasses.replace(metrics, parse_error=python.error)
    try:
        return _enriched(metrics, python.module, python.text)
    except RecursionError:
        return dataclasses.replace(metrics, parse_error="nested too deeply for radon")


def _enriched(metrics: FileMetrics, module: ast.Module, text: str) -> FileMetrics:
    complexity = ComplexityVisitor.from_ast(module)
    halstead = _TracingHalsteadVisitor()
    halstead.visit(module)
    cyclomatic = {
        block.lineno: block.complexity for block in add_inner_blocks(complexity.blocks) if not hasattr(block, "methods")
    }
    missing = _Missing(module)
    functions = tuple(
        _function(
            row,
            cyclomatic.get(row.start_line) or missing.cyclomatic(row.start_line),
            halstead.by_line.get(row.start_line) or missing.halstead(row.start_line),
        )
        for row in metrics.functions
    )
    total = _report(halstead)
    raw = raw_counts(text)
    return dataclasses.replace(
        metrics,
        functions=functions,
        halstead=total,
        lines=_lines(raw) if raw else metrics.lines,
        maintainability_index=_file_index(total, complexity.total_complexity, raw) if raw else None,
    )


class _Missing:
    """Figures of the functions that radon leaves out of its reports (those nested in functions)."""

    def __init__(self, module: ast.Module) -> None:
        self._module = module
        self._definitions: dict[int, Definition] | None = None

    def _definition(self, line: int) -> Definition | None:
        if self._definitions is None:
            self._definitions = {
                node.lineno: node
                for node in ast.walk(self._module)
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            }
        return self._definitions.get(line)

    def cyclomatic(self, line: int) -> int | None:
        node = self._definition(line)
        return int(ComplexityVisitor.from_ast(node).functions[0].complexity) if node else None

    def halstead(self, line: int) -> HalsteadVisitor | None:
        node = self._definition(line)
        return HalsteadVisitor.from_ast(node).function_visitors[-1] if node else None


def _function(row: Function, cyclomatic: int | None, visitor: HalsteadVisitor | None) -> Function:
    if cyclomatic is None or visitor is None:
        return row
    halstead = _report(visitor)
    return dataclasses.replace(
        row,
        cyclomatic=cyclomatic,
        halstead=halstead,
        maintainability_index=maintainability_index(halstead.volume, cyclomatic, row.lines_of_code, 0.0),
    )


def _report(visitor: HalsteadVisitor) -> Halstead:
    report = halstead_visitor_report(visitor)
    return Halstead(
        report.h1, report.h2, report.N1, report.N2, float(report.volume), float(report.difficulty), float(report.effort)
    )


def _lines(raw: RawCounts) -> LineCounts:
    return LineCounts(physical=raw.loc, code=raw.sloc, comment=raw.single_comments + raw.multi, blank=raw.blank)


def _file_index(total: Halstead, complexity: int, raw: RawCounts) -> float:
    """The value of `radon mi`, multi-line strings counted as comments."""
    comments = (raw.comments + raw.multi) / raw.sloc * 100 if raw.sloc else 0
    return float(mi_compute(total.volume, complexity, raw.lloc, comments))
