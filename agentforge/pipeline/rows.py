"""What a run without a database finds, file by file: the summary at once, the rows only where somebody shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TypeVar

from agentforge.model import FileAnalysis, Violation
from agentforge.pipeline.spool import Spool
from agentforge.pipeline.summary import Totals, order

# Fewer rows than this are handed out as they are: they are read faster.
FEW = 1_000

Row = TypeVar("Row")


class Rows:
    """Files as they come, in any order.

    Args:
        project: name shown with every function.
        keep: whether files and violations are kept, or only counted.
    """

    def __init__(self, project: str, *, keep: bool) -> None:
        self.totals = Totals(project)
        self._keep = keep
        self._files: Spool[FileAnalysis] = Spool(lambda file: file.path)
        self._violations: Spool[tuple[bool, Violation]] = Spool(order)

    def add(self, file: FileAnalysis) -> None:
        """Take a file."""
        self.totals.add(file)
        if self._keep:
            self._files.add(file)
            for violation in file.violations:
                self._violations.add((file.is_test, violation))

    @property
    def files(self) -> Collection[FileAnalysis]:
        """In the order of paths; none where they are not kept."""
        return _unspooled(self._files)

    @property
    def violations(self) -> Collection[Violation]:
        """In the order of `summary.order`; none where they are not kept."""
        return _unspooled(_Violations(self._violations))


class _Violations(Collection[Violation]):
    """Spooled violations without what they are sorted by."""

    def __init__(self, rows: Spool[tuple[bool, Violation]]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, violation: object) -> bool:
        return any(violation == other for other in self)

    def __iter__(self) -> Iterator[Violation]:
        return (violation for _, violation in self._rows)


def _unspooled(rows: Collection[Row]) -> Collection[Row]:
    return tuple(rows) if len(rows) < FEW else rows
