"""The rule `duplicate-function`: of the functions that an analysis suspects, those that are there already."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from agentforge.detect.duplicates import RULE, named
from agentforge.detect.track import Tracked, track
from agentforge.model import Violation

if TYPE_CHECKING:
    from agentforge.store.load import Duplicate, Load, StoredViolation

# Surer than what is listed as nearly the same: of twenty such pairs nineteen were judged the same.
REPORTED_SCORE = 0.95


def without_duplicates(known: Iterable[StoredViolation]) -> list[StoredViolation]:
    """Stored violations without those of this rule: whether one is gone, its file alone does not say."""
    return [item for item in known if item.rule_id != RULE]


def settle_duplicates(
    load: Load,
    suspects: Sequence[Violation],
    looked_at: Collection[str],
    renames: Mapping[str, str],
    min_score: float,
) -> Tracked | None:
    """Match what is there twice now with the violations of the rule that are stored.

    Of two functions the younger one breaks the rule, so its file was looked at by the run that met it, and its suspect
    has the fingerprint and the waiver. In a file that was not looked at the violation stays, is gone, or says another
    function, where the older one went or moved.

    Args:
        load: after its functions and their pairs were stored, in the same transaction.
        suspects: functions that were looked at and may break the rule.
        looked_at: paths of all files that were looked at, or are gone.
        renames: old to new path of files that moved.
        min_score: least cosine of two functions.

    Returns:
        None where the rule is off and was off.
    """
    known = load.unresolved_of_rule(RULE)
    if not known and not suspects:
        return None
    found = {(item.path, item.line, item.name): item for item in load.duplicate_functions(min_score)}
    broken = [_filled(item, found[key]) for item in suspects if (key := _key(item)) in found]
    mine = [item for item in known if item.path in looked_at]
    others = [item for item in known if item.path not in looked_at]
    tracked = track(mine, broken, renames)
    gone = [item.id for item in others if _key(item) not in found]
    load.say({item.id: _said(item, found[key]) for item in others if (key := _key(item)) in found})
    return Tracked(tracked.found, (*tracked.gone, *gone))


def _key(item: Violation | StoredViolation) -> tuple[str, int, str]:
    return item.path, item.line, item.function


def _filled(item: Violation, duplicate: Duplicate) -> Violation:
    message = named(item.message, duplicate.other_name, duplicate.other_path, duplicate.other_line)
    return dataclasses.replace(item, message=message)


def _said(item: StoredViolation, duplicate: Duplicate) -> str:
    """The message of a stored violation with the other function as it is now."""
    head, _, _ = item.message.rpartition(" nearly the same as ")
    return f"{head} nearly the same as {duplicate.other_name}, {duplicate.other_path}:{duplicate.other_line}"
