"""Python's figures as radon has them, from the one syntax tree of the file.

The tree-sitter engine finds the functions; radon's cyclomatic complexity, Halstead measures, maintainability index and
line counts then take the place of its figures. radon's `loc` is `physical`, `sloc` is `code`, `blank` is `blank`, and
`single_comments` plus `multi` (strings that stand alone: docstrings) is `comment`, so the four still add up.
"""

from __future__ import annotations

import dataclasses
import math

from radon.metrics import mi_compute
from radon.raw import Module as RawCounts

from agentforge.measure.generic import Figures, measure
from agentforge.measure.radon_raw import raw_counts
from agentforge.measure.radon_tree import Tokens, TreeCounts
from agentforge.model import FileMetrics, Halstead, LineCounts
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
    raw = raw_counts(python.text)
    functions = {line: (cyclomatic, _halstead(tokens)) for line, (cyclomatic, tokens) in counts.functions.items()}
    metrics = measure(parsed, decoded, text=text, figures=Figures(functions, _lines(raw) if raw else None))
    total = _halstead(counts.tokens)
    return dataclasses.replace(
        metrics,
        halstead=total,
        maintainability_index=_file_index(total, counts.complexity, raw) if raw else None,
    )


def _halstead(tokens: Tokens) -> Halstead:
    """What `halstead_visitor_report` of radon computes, with its logarithm, which rounds otherwise than `math.log2`."""
    h1, h2, n1, n2 = tokens.distinct_operators, tokens.distinct_operands, tokens.operators, tokens.operands
    volume = (n1 + n2) * math.log(h1 + h2, 2) if h1 + h2 else 0.0
    difficulty = (h1 * n2) / (2 * h2) if h2 else 0.0
    return Halstead(h1, h2, n1, n2, volume, difficulty, difficulty * volume)


def _lines(raw: RawCounts) -> LineCounts:
    return LineCounts(physical=raw.loc, code=raw.sloc, comment=raw.single_comments + raw.multi, blank=raw.blank)


def _file_index(total: Halstead, complexity: int, raw: RawCounts) -> float:
    """The value of `radon mi`, multi-line strings counted as comments."""
    comments = (raw.comments + raw.multi) / raw.sloc * 100 if raw.sloc else 0
    return float(mi_compute(total.volume, complexity, raw.lloc, comments))
