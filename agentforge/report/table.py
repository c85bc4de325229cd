"""The summary that a person reads at the end of an analysis."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from agentforge.model import FunctionRef, Gate, Report, Severity, SeverityCount, Status, Summary, Violation
from agentforge.report.choice import condition_text, fixes, has_baseline
from agentforge.report.grades import grade
from agentforge.report.text import count, one_line, origin

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
WIDTH = 120  # characters of a line that goes to no terminal


def print_summary(report: Report, console: Console) -> None:
    """Print all of the report worth a person's time, in reading order.

    It is folded to the console's width, but for what is to be copied, which stays on one line.
    """
    console.print(Group(*_sections(report)), crop=False)


def _sections(report: Report) -> Iterator[RenderableType]:
    parts = report.summary
    if parts.languages:
        yield _title("Grades by language (A best; score of 100)")
        yield _languages(parts)
    worst = [function for function in parts.worst_functions if _worth_naming(function)]
    if worst:
        yield _title("\nHardest functions to understand")
        yield _worst_functions(worst)
    first = not has_baseline(report)
    yield _title("\nViolations" if report.analysis.previous_id is None else "\nViolations since the last analysis")
    yield _severities(report)
    if parts.top_violations:
        yield _title("\nLook at these first")
        yield _top_violations(parts.top_violations, first=first)
    if parts.duplicates:
        yield _title(f"\nNearly the same code: {parts.duplicate_count:,} pairs of functions")
        yield _duplicates(parts)
    if parts.idioms:
        yield _title("\nIdioms")
        yield Text(", ".join(f"{one_line(item.name)} {item.functions:,}" for item in parts.idioms))
    if report.gate is not None:
        yield from _gate(report.gate, fixes(report))
    yield from _closing_lines(report)


def as_text(report: Report, width: int = WIDTH) -> str:
    """The same as plain text, for a file: no colours, lines of at most `width` characters where they can be folded."""
    text = io.StringIO()
    print_summary(report, Console(file=text, width=width, color_system=None, highlight=False))
    return text.getvalue()


def _title(text: str) -> Text:
    return Text(text, "bold")


def _table(*columns: str, last: str = "") -> Table:
    """Narrow columns, which never wrap, and a wide last one with texts."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    if last:
        table.add_column(last, overflow="fold")
    return table


def _languages(parts: Summary) -> Table:
    table = _table("language", "files", "functions", "code lines", "complexity", "quality", "security")
    table.columns[0].justify = "left"
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
    table = _table("cognitive", "cyclomatic", "lines", last="function")
    for function in functions:
        measures = (function.cognitive, function.cyclomatic, function.lines_of_code)
        table.add_row(*(f"{measure:,}" for measure in measures), _place(function))
    return table


def _severities(report: Report) -> Table:
    columns: dict[str, Callable[[SeverityCount], int]]
    columns = {"new": lambda row: row.new, "fixed": lambda row: row.fixed, "remaining": lambda row: row.remaining}
    if not has_baseline(report):
        columns = {"found": lambda row: row.new + row.remaining}
    elif report.analysis.previous_id is None:
        del columns["fixed"]  # nothing was stored that would tell
    table = _table("severity", *columns)
    table.columns[0].justify = "left"
    for row in report.summary.severities:
        if not (row.new or row.fixed or row.remaining):
            continue
        numbers = (f"{number(row):,}" for number in columns.values())
        table.add_row(Text(row.severity.value, SEVERITY_STYLE[row.severity]), *numbers)
    if not table.rows:
        table.add_row(Text("none", "green"))
    return table


def _top_violations(violations: tuple[Violation, ...], *, first: bool) -> Table:
    table = _table("severity", "rule", last="place and message")
    for column in table.columns[:2]:
        column.justify = "left"
    for violation in violations:
        news = "" if first or violation.status is Status.OPEN else f" {violation.status.value}"
        table.add_row(
            Text(violation.severity.value, SEVERITY_STYLE[violation.severity]),
            Text(one_line(violation.rule_id)),
            Text.assemble(
                (f"{one_line(violation.path)}:{violation.line}", "dim"),
                news,
                "\n",
                one_line(violation.message),
                (f"\n{known}" if (known := origin(violation.flow)) else "", "dim"),
            ),
        )
    return table


def _gate(gate: Gate, fix_of: Callable[[Violation], str]) -> Iterator[RenderableType]:
    """The verdict, each condition that failed with how far it is off, and what to fix first."""
    failed = [condition for condition in gate.conditions if not condition.passed]
    verdict = Text("\nGate: failed" if failed else "\nGate: passed", "bold red" if failed else "bold green")
    if gate.basis:
        verdict.append(f" (new is what was not there {one_line(gate.basis)})", "not bold default")
    yield verdict
    for condition in failed:
        yield Text(f"  {one_line(condition_text(condition))}")
    if failed and gate.first:
        yield Text("Fix first:")
        for number, violation in enumerate(gate.first, start=1):
            place = f"{one_line(violation.path)}:{violation.line}"
            yield Text.assemble(
                f"  {number}. ", (place, "dim"), f" {one_line(violation.rule_id)} {one_line(violation.message)}"
            )
            if fix := fix_of(violation) or violation.suggestion:
                yield Text(f"     {one_line(fix)}", "dim")


def _duplicates(parts: Summary) -> Table:
    table = _table("similarity", last="functions")
    for pair in parts.duplicates[:SHOWN_DUPLICATES]:
        table.add_row(f"{pair.score:.2f}", Text("\n").join((_place(pair.first), _place(pair.second))))
    return table


def _place(function: FunctionRef) -> Text:
    return Text.assemble(function.qualified_name, (f"  {function.path}:{function.start_line}", "dim"))


def _next_steps(report: Report) -> Iterator[Text]:
    """What to run next, where there is a database to ask."""
    if report.analysis.id is None:
        return
    if report.analysis.model is None:
        yield _command("agentforge embed")
    elif report.summary.duplicates:
        function = report.summary.duplicates[0].first
        yield _command(f"agentforge similar {function.path}:{function.start_line} --show-code")
    elif report.summary.worst_functions:
        function = report.summary.worst_functions[0]
        yield _command(f"agentforge similar {function.path}:{function.start_line}")


def _command(text: str) -> Text:
    """What to run, on one line however narrow the terminal is, so that it can be copied."""
    return Text(f"Next: {text}", "bold", no_wrap=True, overflow="ignore")


def _closing_lines(report: Report) -> Iterator[Text]:
    analysis = report.analysis
    counts = [f"{count(analysis.files_analyzed, 'file')} analysed", f"{analysis.files_unchanged:,} unchanged"]
    if analysis.files_removed:
        counts.append(f"{analysis.files_removed:,} removed")
    if report.summary.waived:
        counts.append(f"{count(report.summary.waived, 'violation')} waived")
    if analysis.skipped:
        counts.append(f"{len(analysis.skipped):,} skipped (--show-files says why)")
    yield Text("\n" + ", ".join(counts))
    if report.summary.parse_errors:
        yield Text(f"{count(report.summary.parse_errors, 'file')} did not parse completely (partial figures)", "yellow")
    yield from _next_steps(report)
    spent = [f"{phase.name} {phase.seconds:.1f} s" for phase in analysis.phases if phase.seconds >= 0.05]
    total = sum(phase.seconds for phase in analysis.phases)
    if spent:
        yield Text(f"{total:.1f} s: {', '.join(spent)}", "dim")
