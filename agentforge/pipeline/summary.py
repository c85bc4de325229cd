"""The summary of an analysis from its rows as they come: what `check` shows, and what the store's SQL must equal."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass

from agentforge.model import (
    FileAnalysis,
    Function,
    FunctionRef,
    IdiomCount,
    LanguageSummary,
    Scores,
    Severity,
    SeverityCount,
    Status,
    Summary,
    Violation,
)

WORST_FUNCTIONS = 10
TOP_VIOLATIONS = 10
_RANK = {severity: rank for rank, severity in enumerate(Severity)}
_COLUMN = {Status.NEW: 0, Status.REOPENED: 0, Status.FIXED: 1, Status.OPEN: 2}
# Scores are added up in whole parts of this: sums of floats depend on the order in which the files come.
_PART = 1_000_000_000


def order(row: tuple[bool, Violation]) -> tuple[int, bool, bool, str, int, int, str]:
    """By what violations are sorted: worst severity first, new before old, outside tests before in them, by place.

    Args:
        row: whether the file holds tests, and the violation.
    """
    is_test, item = row
    return _RANK[item.severity], item.status is not Status.NEW, is_test, item.path, item.line, item.column, item.rule_id


class Totals:
    """Adds up files as they come, in any order, and holds none of them.

    Args:
        project: name shown with every function.
    """

    def __init__(self, project: str) -> None:
        self._project = project
        self._languages: dict[str | None, _Language] = defaultdict(_Language)
        self._counts = {severity: [0, 0, 0] for severity in Severity}
        self._worst: dict[Severity, list[tuple[bool, Violation]]] = {severity: [] for severity in Severity}
        self._functions: list[tuple[_Place, Function]] = []
        self._parse_errors = self._waived = 0
        self._idioms: Counter[str] = Counter()

    def add(self, file: FileAnalysis) -> None:
        """Take a file."""
        self._languages[file.language].add(file)
        self._parse_errors += file.metrics.parse_error is not None
        self._add_functions(file)
        self._idioms.update(name for function in file.metrics.functions for name in function.idioms)
        for violation in file.violations:
            if violation.status in _COLUMN:
                self._counts[violation.severity][_COLUMN[violation.status]] += 1
            self._waived += violation.status is Status.WAIVED
        present = [(file.is_test, item) for item in file.violations if item.status is not Status.WAIVED]
        for severity in {item.severity for _, item in present}:
            rows = [*self._worst[severity], *(row for row in present if row[1].severity is severity)]
            self._worst[severity] = heapq.nsmallest(TOP_VIOLATIONS, rows, key=order)

    def _add_functions(self, file: FileAnalysis) -> None:
        place = _Place(file.path, file.language)
        least = self._functions[-1][1].cognitive if len(self._functions) == WORST_FUNCTIONS else -1
        found = [(place, function) for function in file.metrics.functions if function.cognitive >= least]
        if found:
            self._functions = heapq.nsmallest(WORST_FUNCTIONS, [*self._functions, *found], key=_hardest_first)

    @property
    def languages(self) -> set[str]:
        """Those in which a rule is broken."""
        return {name for name, row in self._languages.items() if name and row.broken}

    @property
    def present(self) -> dict[Severity, int]:
        """How many violations there are that are not waived, by severity."""
        return {severity: new + remaining for severity, (new, _, remaining) in self._counts.items()}

    def worst(self) -> list[Violation]:
        """The worst violations of each severity, ten at most of each, in order; none that is waived."""
        return [violation for rows in self._worst.values() for _, violation in rows]

    def summary(self) -> Summary:
        """Of all files so far."""
        languages = [row.summary(name) for name, row in self._languages.items()]
        return Summary(
            languages=tuple(
                sorted(languages, key=lambda row: (row.language is None, -row.code_lines, row.language or ""))
            ),
            severities=tuple(SeverityCount(severity, *numbers) for severity, numbers in self._counts.items()),
            worst_functions=tuple(
                FunctionRef.of(function, self._project, place.path, place.language)
                for place, function in self._functions
            ),
            top_violations=tuple(self.worst()[:TOP_VIOLATIONS]),
            parse_errors=self._parse_errors,
            waived=self._waived,
            idioms=tuple(IdiomCount(*row) for row in sorted(self._idioms.items(), key=lambda row: (-row[1], row[0]))),
        )


@dataclass(frozen=True, slots=True)
class _Place:
    path: str
    language: str | None


class _Language:
    """The totals of one language; a mean is over the files outside tests, or over all where there are tests only."""

    def __init__(self) -> None:
        self.files = self.functions = self.code_lines = 0
        self.broken = False
        self._outside, self._all = _Mean(), _Mean()

    def add(self, file: FileAnalysis) -> None:
        lines = file.metrics.lines.code
        self.files += 1
        self.functions += len(file.metrics.functions)
        self.code_lines += lines
        self.broken = self.broken or bool(file.violations)
        self._all.add(file.scores, lines)
        if not file.is_test:
            self._outside.add(file.scores, lines)

    def summary(self, name: str | None) -> LanguageSummary:
        scores = (self._outside if self._outside.weight else self._all).scores()
        return LanguageSummary(name, self.files, self.functions, self.code_lines, scores)


class _Mean:
    """Means of scores, weighted; 100 where nothing weighs."""

    def __init__(self) -> None:
        self.weight = self._complexity = self._quality = self._security = 0

    def add(self, scores: Scores, weight: int) -> None:
        self.weight += weight
        self._complexity += round(scores.complexity * _PART) * weight
        self._quality += round(scores.quality * _PART) * weight
        self._security += round(scores.security * _PART) * weight

    def scores(self) -> Scores:
        if self.weight == 0:
            return Scores(100.0, 100.0, 100.0)
        sums = (self._complexity, self._quality, self._security)
        return Scores(*(total / (_PART * self.weight) for total in sums))


def _hardest_first(row: tuple[_Place, Function]) -> tuple[int, int, str, int]:
    place, function = row
    return -function.cognitive, -function.cyclomatic, place.path, function.start_line
