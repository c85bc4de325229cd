"""What a report shows, read back from the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from agentforge.model import (
    Category,
    Confidence,
    DuplicatePair,
    FileAnalysis,
    FileMetrics,
    Function,
    FunctionRef,
    Halstead,
    IdiomCount,
    LanguageSummary,
    LineCounts,
    Scores,
    Severity,
    SeverityCount,
    Status,
    Summary,
    Violation,
    Waiver,
)
from agentforge.store import flows
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

_SHOWN = 10


class Reader:
    """Reads one branch of a project as of one analysis of it, which must be the last."""

    def __init__(self, connection: Connection, project: str, project_id: int, branch: str, analysis_id: int) -> None:
        """Read nothing yet. `project` is the name shown with every function."""
        self._connection = connection
        self._project = project
        self._parameters = {"project_id": project_id, "branch": branch, "analysis_id": analysis_id}
        self._queries = load("report")

    def summary(self) -> Summary:
        """What `pipeline.summary.Totals` makes of the same files, and the near-duplicates."""
        languages = self._rows("languages")
        counts: dict[str, tuple[int, ...]] = {row[0]: row[1:] for row in self._rows("severities")}
        duplicates, duplicate_count = self._duplicates()
        return Summary(
            languages=tuple(LanguageSummary(row[0], row[1], row[2], row[3], Scores(*row[4:7])) for row in languages),
            severities=tuple(SeverityCount(s, *counts.get(s.value, (0, 0, 0))[:3]) for s in Severity),
            worst_functions=tuple(
                FunctionRef(self._project, *row) for row in self._rows("worst_functions", limit=_SHOWN)
            ),
            top_violations=tuple(self.worst_violations(_SHOWN)),
            parse_errors=sum(row[7] for row in languages),
            duplicates=duplicates,
            duplicate_count=duplicate_count,
            waived=sum(row[3] for row in counts.values()),
            idioms=tuple(IdiomCount(*row) for row in self._rows("idiom_counts")),
        )

    def violations(self) -> Iterator[Violation]:
        """All violations, worst first: those that are there, waived or not, and those that this analysis fixed."""
        yield from map(_violation, self._rows("violations"))

    def worst_violations(self, limit: int) -> list[Violation]:
        """So many of the worst violations at most, that are neither fixed nor waived."""
        return [_violation(row) for row in self._rows("worst_violations", limit=limit)]

    def files(self) -> Iterator[FileAnalysis]:
        """All files in the order of paths, with their functions (without code) and without their violations."""
        idioms = defaultdict(list)
        for function_id, name in self._rows("idioms"):
            idioms[function_id].append(name)
        functions = defaultdict(list)
        for row in self._rows("functions"):
            functions[row[0]].append(_function(row[1:], idioms.get(row[-1], ())))
        for row in self._rows("files"):
            yield _file(row, tuple(functions.get(row[0], ())))

    def _duplicates(self) -> tuple[tuple[DuplicatePair, ...], int]:
        rows = self._rows("duplicates", limit=_SHOWN)
        ids = {function for row in rows for function in row[1:3]}
        found = self._rows("functions_by_id", ids=sorted(ids))
        functions = {row[0]: FunctionRef(self._project, *row[1:]) for row in found}
        pairs = tuple(DuplicatePair(row[0], functions[row[1]], functions[row[2]]) for row in rows)
        return pairs, rows[0][3] if rows else 0

    def _rows(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(self._queries[query], self._parameters | parameters).fetchall()


def _waiver(row: Sequence[Any]) -> Waiver:
    reason, kind, username, until = row
    return Waiver(reason, kind, username or "", until.isoformat() if until else None)


def _violation(row: Sequence[Any]) -> Violation:
    kinds = Category(row[2]), Severity(row[3]), Confidence(row[4])
    status = Status(row[16])
    waiver = _waiver(row[17:21]) if status is Status.WAIVED else None
    values: list[Any] = [row[0], row[1], *kinds, *row[5:16], status, waiver, row[21], flows.from_rows(row[22])]
    return Violation(*values)


def _function(row: Sequence[Any], idioms: Sequence[str]) -> Function:
    return Function(
        name=row[0],
        qualified_name=row[1],
        signature=row[2],
        start_line=row[3],
        end_line=row[4],
        start_byte=0,
        end_byte=0,
        lines_of_code=row[5],
        parameters=row[6],
        cyclomatic=row[7],
        cognitive=row[8],
        nesting=row[9],
        halstead=Halstead.of(*row[10:14]),
        maintainability_index=row[14],
        idioms=tuple(idioms),
    )


def _file(row: Sequence[Any], functions: tuple[Function, ...]) -> FileAnalysis:
    return FileAnalysis(
        path=row[1],
        language=row[2],
        size=row[3],
        content_hash=row[4],
        metrics=FileMetrics(
            lines=LineCounts(*row[5:9]),
            functions=functions,
            classes=row[9],
            maintainability_index=row[10],
            parse_error=row[11],
            error_share=row[12],
        ),
        scores=Scores(*row[13:16]),
        is_test=row[16],
    )
