"""Which functions of a file may be called duplicates of others; whether they are, only the whole project says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agentforge.detect.engine import Places
from agentforge.detect.rule import Rule
from agentforge.model import DUPLICATE_FUNCTION, FileMetrics, Violation
from agentforge.parse import ParsedFile

RULE = DUPLICATE_FUNCTION
MIN_LINES = 10
MIN_PATHS = 2


def candidates(
    parsed: ParsedFile, metrics: FileMetrics, path: str, *, is_test: bool, rules: Iterable[Rule]
) -> Iterator[Violation]:
    """A violation of each function that is long enough and has a branch; its message says no other function yet.

    Args:
        parsed: the file.
        metrics: its measures.
        path: as it appears in the violations.
        is_test: whether the file holds tests.
        rules: those that are on.
    """
    rule = next((rule for rule in rules if rule.id == RULE), None)
    if rule is None or (is_test and not rule.in_tests):
        return
    places = Places(parsed, metrics.functions)
    for function in metrics.functions:
        if function.lines_of_code >= MIN_LINES and function.cyclomatic >= MIN_PATHS:
            yield places.head(rule, function, path, rule.message.replace("{name}", function.qualified_name))


def named(candidate: str, other: str, path: str, line: int) -> str:
    """The message of a candidate, with the other function and its place filled in."""
    return candidate.replace("{other}", f"{other}, {path}:{line}")
