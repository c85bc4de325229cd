"""Rules that compare a measure of a function or a file with levels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agentforge.detect.rule import Level, Rule
from agentforge.model import FileMetrics, Function

FUNCTION_METRICS: dict[str, Callable[[Function], int]] = {
    "cyclomatic": lambda function: function.cyclomatic,
    "cognitive": lambda function: function.cognitive,
    "nesting": lambda function: function.nesting,
    "parameters": lambda function: function.parameters,
    "function_lines": lambda function: function.lines_of_code,
}
FILE_METRICS: dict[str, Callable[[FileMetrics], int]] = {
    "file_lines": lambda metrics: metrics.lines.code,
}


@dataclass(frozen=True, slots=True)
class Excess:
    """A measure beyond a level; `function` is None where the whole file is meant."""

    rule: Rule
    level: Level
    value: int
    function: Function | None


def excesses(rules: tuple[Rule, ...], metrics: FileMetrics) -> Iterator[Excess]:
    """Every level that a function or the file passes, at most one a rule and function."""
    for rule in rules:
        if rule.metric in FILE_METRICS:
            measured: list[tuple[Function | None, int]] = [(None, FILE_METRICS[rule.metric](metrics))]
        else:
            measure = FUNCTION_METRICS[rule.metric]
            measured = [(function, measure(function)) for function in metrics.functions]
        lowest = rule.levels[0].above
        for function, value in measured:
            if value > lowest:
                level = next(level for level in reversed(rule.levels) if value > level.above)
                yield Excess(rule, level, value, function)
