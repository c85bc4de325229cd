"""What is new in a run, compared with how things were before: violations, and functions that were added or grew.

A violation is new where nothing of before is the same. Where the files of before are known (a git ref, the index), the
same is: the same rule on a line that was not touched, on a line that says the same wherever it stands now, or in code
that a formatter may have broken into other lines. Code that was changed and still breaks the rule is new: whoever
changed it had it in sight. A measure's violation (long function, high complexity) is new only where the function did
not break that rule before, or broke it less severely.
Where only a report of before is known, the passes of `detect.track` decide.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agentforge.detect.track import PASSES, SAME_LINE, Key, track
from agentforge.model import Function, Severity, Violation
from agentforge.pipeline.gate import NewFunction
from agentforge.pipeline.texts import Texts

_RANK = {severity: rank for rank, severity in enumerate(Severity)}
_SAME_PLACE: Key = lambda item, path: (path, item.rule_id, item.line)  # noqa: E731 - as the other keys


@dataclass(frozen=True, slots=True)
class KnownViolation:
    """A violation that was there before; `id` tells it from the others. What is not known is empty, or None."""

    id: int
    path: str
    rule_id: str
    line: int
    message: str
    line_hash: str = ""
    fingerprint: str = ""
    function: str = ""
    severity: Severity | None = None
    column: int = 1
    end_line: int = 0
    end_column: int = 0


@dataclass(frozen=True, slots=True)
class KnownFunction:
    """A function that was there before."""

    path: str
    qualified_name: str
    cyclomatic: int
    cognitive: int
    code_hash: str = ""


@dataclass(frozen=True, slots=True)
class Before:
    """How things were.

    Attributes:
        violations: that were there.
        functions: that were there; None where nothing is known of them.
        renames: old to new path of files that moved since.
        touched: paths of which something may be new, None for all.
        texts: path to what the file says and said; None where only a report is known.
    """

    violations: Sequence[KnownViolation]
    functions: Sequence[KnownFunction] | None = None
    renames: Mapping[str, str] = field(default_factory=dict)
    touched: Collection[str] | None = None
    texts: Mapping[str, Texts] | None = None


def new_violations(before: Before, found: Sequence[Violation], measures: Collection[str]) -> list[Violation]:
    """Those of `found` that are new, in its order.

    Args:
        before: how things were.
        found: now.
        measures: ids of rules that compare a measure with levels.
    """
    candidates = [item for item in found if before.touched is None or item.path in before.touched]
    left = {item.id: item for item in before.violations}
    matched: dict[int, KnownViolation] = {}
    if before.texts is not None:
        _match_places(before, candidates, left, matched)
    _match_passes(before, candidates, left, matched)
    if before.texts is not None:
        _match_code(before.texts, candidates, left, matched)
    _match_measures(before, candidates, left, matched, measures)
    return [
        item
        for index, item in enumerate(candidates)
        if index not in matched or (item.rule_id in measures and _worse(item, matched[index]))
    ]


def _match_places(
    before: Before,
    candidates: Sequence[Violation],
    left: dict[int, KnownViolation],
    matched: dict[int, KnownViolation],
) -> None:
    """A line that was not touched has what it had: of many equal lines, those that were added are the new ones."""
    places: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for item in left.values():
        places[(item.path, item.rule_id, item.line)].append(item.id)
    for index, violation in enumerate(candidates):
        texts = before.texts.get(violation.path) if before.texts else None
        old_line = texts.old_line(violation.line) if texts else None
        if old_line is not None and (ids := places.get((violation.path, violation.rule_id, old_line))):
            matched[index] = left.pop(ids.pop(0))


def _match_passes(
    before: Before,
    candidates: Sequence[Violation],
    left: dict[int, KnownViolation],
    matched: dict[int, KnownViolation],
) -> None:
    rest = [index for index in range(len(candidates)) if index not in matched]
    passes = SAME_LINE if before.texts is not None else (*PASSES, _SAME_PLACE)
    tracked = track(left.values(), [candidates[index] for index in rest], before.renames, passes)
    for index, (_, known) in zip(rest, tracked.found, strict=True):
        if known is not None:
            matched[index] = left.pop(known)


def _match_code(
    texts: Mapping[str, Texts],
    candidates: Sequence[Violation],
    left: dict[int, KnownViolation],
    matched: dict[int, KnownViolation],
) -> None:
    """The same code in other lines."""
    waiting: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for known in left.values():
        if known.path in texts:
            waiting[(known.path, known.rule_id, known.message, texts[known.path].old_code(known))].append(known.id)
    for index, item in enumerate(candidates):
        if index not in matched and item.path in texts:
            same = waiting.get((item.path, item.rule_id, item.message, texts[item.path].new_code(item)))
            if same:
                matched[index] = left.pop(same.pop(0))


def _match_measures(
    before: Before,
    candidates: Sequence[Violation],
    left: Mapping[int, KnownViolation],
    matched: dict[int, KnownViolation],
    measures: Collection[str],
) -> None:
    """A function whose header changed is the same function, a file whose first line changed the same file."""
    waiting: dict[tuple[str, str, str], list[KnownViolation]] = defaultdict(list)
    for known in left.values():
        path = before.renames.get(known.path, known.path)
        waiting[(path, known.rule_id, known.function)].append(known)
    for index, item in enumerate(candidates):
        if index not in matched and item.rule_id in measures:
            same = waiting.get((item.path, item.rule_id, item.function))
            if same:
                matched[index] = same.pop(0)


def _worse(item: Violation, known: KnownViolation) -> bool:
    return known.severity is not None and _RANK[item.severity] < _RANK[known.severity]


def new_functions(before: Before, found: Iterable[tuple[str, Function]]) -> list[NewFunction]:
    """The functions that were added or became more complex, in order.

    Args:
        before: how things were. Where it knows nothing of functions, all are new.
        found: path and function, now.

    Functions of one name in one file (overloads) are paired by their complexity, the highest first. One that was only
    moved, so that there are no more copies of its code than before, is not new.
    """
    rows = [(path, item) for path, item in found if before.touched is None or path in before.touched]
    if before.functions is None:
        return [NewFunction(path, item) for path, item in rows]
    copies = Counter(item.code_hash for _, item in rows)
    copies.subtract(item.code_hash for item in before.functions)
    known: dict[tuple[str, str], list[KnownFunction]] = defaultdict(list)
    for old in before.functions:
        known[(before.renames.get(old.path, old.path), old.qualified_name)].append(old)
    now: dict[tuple[str, str], dict[int, Function]] = defaultdict(dict)
    for index, (path, item) in enumerate(rows):
        now[(path, item.qualified_name)][index] = item
    result: dict[int, NewFunction] = {}
    for key, functions in now.items():
        result |= _of_one_name(key[0], functions, known.get(key, ()))
    moved = {code_hash for code_hash, more in copies.items() if code_hash and more <= 0}
    return [result[index] for index in sorted(result) if rows[index][1].code_hash not in moved]


def _of_one_name(
    path: str, functions: Mapping[int, Function], known: Sequence[KnownFunction]
) -> dict[int, NewFunction]:
    """Those that were added or became more complex, of the functions of one name in one file."""
    cyclomatic = {index: item.cyclomatic for index, item in functions.items()}
    cognitive = {index: item.cognitive for index, item in functions.items()}
    added = set(_highest_first(cyclomatic)[len(known) :])
    grew = added | _grown(cyclomatic, [old.cyclomatic for old in known])
    tangled = added | _grown(cognitive, [old.cognitive for old in known])
    return {
        index: NewFunction(path, functions[index], index in added, index in grew, index in tangled)
        for index in grew | tangled
    }


def _grown(values: Mapping[int, int], known: Collection[int]) -> set[int]:
    """The keys of values that are higher than the known one of their rank, or have none."""
    ranked, old = _highest_first(values), sorted(known, reverse=True)
    return {index for rank, index in enumerate(ranked) if rank >= len(old) or values[index] > old[rank]}


def _highest_first(values: Mapping[int, int]) -> list[int]:
    return sorted(values, key=lambda index: -values[index])
