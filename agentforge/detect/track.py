"""Which of the violations found now is which of those known before.

Matched in passes, each by another key, as SonarQube's issue tracking does (sonar-core, `Tracker`). Its search for moved
blocks, which needs the old text, is left out: what moves keeps its function or its line. The passes within a function
are ours: code that a formatter broke into other lines keeps its function and what is said of it, and twins of one
function are not taken for those of another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from agentforge.model import Violation


class Known(Protocol):
    """What identifies a violation that was found before; `id` is the store's."""

    @property
    def id(self) -> int: ...  # noqa: D102
    @property
    def path(self) -> str: ...  # noqa: D102
    @property
    def rule_id(self) -> str: ...  # noqa: D102
    @property
    def line(self) -> int: ...  # noqa: D102
    @property
    def line_hash(self) -> str: ...  # noqa: D102
    @property
    def message(self) -> str: ...  # noqa: D102
    @property
    def fingerprint(self) -> str: ...  # noqa: D102
    @property
    def function(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Tracked:
    """The outcome: each violation found now with the id of the known one that it is, None for what was not there;
    and the ids of known ones that are gone.
    """

    found: tuple[tuple[Violation, int | None], ...]
    gone: tuple[int, ...]


Key: TypeAlias = Callable[[Known | Violation, str], tuple[object, ...]]

# `path` is where the violation's file is now. By those that are marked, only a line that says the same is the same,
# wherever it stands.
_PASSES: tuple[tuple[bool, Key], ...] = (
    (True, lambda item, path: (item.fingerprint,)),
    (True, lambda item, path: (path, item.rule_id, item.function, item.line_hash, item.message)),
    (False, lambda item, path: (path, item.rule_id, item.function, item.line, item.message)),
    (False, lambda item, path: (path, item.rule_id, item.function, item.message)),
    (True, lambda item, path: (path, item.rule_id, item.line, item.line_hash, item.message)),
    (True, lambda item, path: (path, item.rule_id, item.line, item.line_hash)),
    (True, lambda item, path: (path, item.rule_id, item.line_hash, item.message)),
    (False, lambda item, path: (path, item.rule_id, item.line, item.message)),
    (True, lambda item, path: (path, item.rule_id, item.line_hash)),
)
PASSES = tuple(key for _, key in _PASSES)
SAME_LINE = tuple(key for same, key in _PASSES if same)


def track(
    known: Iterable[Known], found: Sequence[Violation], renames: Mapping[str, str], passes: Sequence[Key] = PASSES
) -> Tracked:
    """Match the violations found in some files with all unresolved ones known of these files.

    Args:
        known: in the order in which they were first found.
        found: now, in the order of places.
        renames: old to new path of files that moved since.
        passes: keys by which to match, the strongest first.
    """
    open_known = {item.id: item for item in known}
    matched: dict[int, int] = {}
    for key in passes:
        waiting: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for item in open_known.values():
            waiting[key(item, renames.get(item.path, item.path))].append(item.id)
        for index, violation in enumerate(found):
            if index not in matched and (candidates := waiting.get(key(violation, violation.path))):
                matched[index] = candidates.pop(0)
                del open_known[matched[index]]
        if not open_known:
            break
    pairs = tuple((violation, matched.get(index)) for index, violation in enumerate(found))
    return Tracked(pairs, tuple(open_known))
