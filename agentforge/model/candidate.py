"""A function as the search for duplicates sees it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A function that may be a duplicate of another one.

    Attributes:
        project: id of its project, 0 where there is one only.
        path: of its file.
        qualified_name: with its classes and enclosing functions.
        start_line, end_line: of its file.
        lines_of_code: that it has.
        code_hash: equal for equal code.
    """

    project: int
    path: str
    qualified_name: str
    start_line: int
    end_line: int
    lines_of_code: int
    code_hash: str

    def holds(self, other: Candidate) -> bool:
        """Whether the other one lies inside this one, or is this one."""
        same_file = (self.project, self.path) == (other.project, other.path)
        return same_file and self.start_line <= other.start_line and other.end_line <= self.end_line

    def nested_with(self, other: Candidate) -> bool:
        """Whether one of two lies inside the other."""
        return self.holds(other) or other.holds(self)
