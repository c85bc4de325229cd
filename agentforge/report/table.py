"""The summary that a person reads at the end of an analysis."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agentforge.model import FunctionRef, Report, Severity, Summary, Violation
from agentforge.report.grades import grade

SEVERITY_STYLE = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}
GRADE_STYLE = {"A": "green", "B": "green", "C": "yellow", "D": "yellow", "E": "red", "F": "bold red"}
# A function below both of these is not worth naming as one of the worst.
WORTH_NAMING_COGNITIVE = 15
WORTH_NAMING_CYCLOMATIC = 10
SHOWN_DUPLICATES = 5


def summary(report: Report) -> Group:
    """Everything of the report worth a person's time, in reading order, as one renderable."""
    return Group(*_sections(report))


def _sections(report: Report) -> Iterator[RenderableType]:
    parts = report.summary
    if parts.languages:
        yield _languages(parts)
    worst = [function for function in parts.worst_functions if _worth_naming(function)]
    if worst:
        yield _worst_functions(worst)
    yield _severities(report)
    if parts.top_violations:
        yield _top_violations(parts.top_violations)
    if parts.duplicates:
        yield _duplicates(parts)
    yield from _closing_lines(report)


def _table(title: str, *, numbers: tuple[str, ...] = (), texts: tuple[str, ...] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for text in texts:
        table.add_column(text, overflow="fold")
    for number in numbers:
        table.add_column(number, justify="right", no_wrap=True)
    return table


def _languages(parts: Summary) -> Table:
    table = _table(
        "Grades by language (A best; score of 100)",
        texts=("language",),
        numbers=("files", "functions", "code lines", "complexity", "quality", "security"),
    )
    for row in parts.languages:
        scores = row.scores
        measured = row.language is not None
        table.add_row(
            row.language or "other text",
            f"{row.files:,}",
            f"{row.functions:,}" if measured else "",
            f"{row.code_lines:,}",
            *(
                _graded(score) if measured else Text("")
                for score in (scores.complexity, scores.quality, scores.security)
            ),
        )
    return table


def _graded(score: float) -> Text:
    letter = grade(score)
    return Text.assemble((letter, GRADE_STYLE[letter]), f" {score:3.0f}")


def _worth_naming(function: FunctionRef) -> bool:
    return function.cognitive > WORTH_NAMING_COGNITIVE or function.cyclomatic > WORTH_NAMING_CYCLOMATIC


def _worst_functions(functions: list[FunctionRef]) -> Table:
    table = _table(
        "\nHardest functions to understand",
        texts=("function", "place"),
        numbers=("cognitive", "cyclomatic", "lines"),
    )
    for function in functions:
        table.add_row(
            Text(function.qualified_name),
            Text(f"{function.path}:{function.start_line}", style="dim"),
            str(function.cognitive),
            str(function.cyclomatic),
            str(function.lines_of_code),
        )
    return table


def _severities(report: Report) -> Table:
    first = report.analysis.previous_id is None
    table = _table(
        "\nViolations" if first else "\nViolations since the last analysis",
        texts=("severity",),
        numbers=("found",) if first else ("new", "fixed", "remaining"),
    )
    for row in report.summary.severities:
        if not (row.new or row.fixed or row.remaining):
            continue
        numbers = (row.new + row.remaining,) if first else (row.new, row.fixed, row.remaining)
        table.add_row(Text(row.severity.value, SEVERITY_STYLE[row.severity]), *(f"{number:,}" for number in numbers))
    if not table.rows:
        table.add_row(Text("none", "green"))
    return table


def _top_violations(violations: tuple[Violation, ...]) -> Table:
    table = _table("\nLook at these first", texts=("severity", "rule", "place", "message"))
    for violation in violations:
        table.add_row(
            Text(violation.severity.value, SEVERITY_STYLE[violation.severity]),
            Text(violation.rule_id),
            Text(f"{violation.path}:{violation.line}", style="dim"),
            Text(violation.message),
        )
    return table


def _duplicates(parts: Summary) -> Table:
    table = _table(
        f"\nNearly the same code: {parts.duplicate_count:,} pairs of functions",
        texts=("function", "and"),
        numbers=("similarity",),
    )
    for pair in parts.duplicates[:SHOWN_DUPLICATES]:
        table.add_row(*(_place(function) for function in (pair.first, pair.second)), f"{pair.score:.2f}")
    return table


def _place(function: FunctionRef) -> Text:
    return Text.assemble(function.qualified_name, (f" {function.path}:{function.start_line}", "dim"))


def _closing_lines(report: Report) -> Iterator[Text]:
    analysis = report.analysis
    counts = [f"{analysis.files_analyzed:,} files analysed", f"{analysis.files_unchanged:,} unchanged"]
    if analysis.files_removed:
        counts.append(f"{analysis.files_removed:,} removed")
    if analysis.skipped:
        counts.append(f"{len(analysis.skipped):,} skipped (--show-files says why)")
    yield Text("\n" + ", ".join(counts))
    if report.summary.parse_errors:
        yield Text(
            f"{report.summary.parse_errors:,} files did not parse completely; their figures are partial", "yellow"
        )
    spent = [f"{phase.name} {phase.seconds:.1f} s" for phase in analysis.phases if phase.seconds >= 0.05]
    total = sum(phase.seconds for phase in analysis.phases)
    yield Text(f"{total:.1f} s" + (f": {', '.join(spent)}" if spent else ""), "dim")
