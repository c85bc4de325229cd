"""Groups of functions that are nearly the same code, from the pairs of them."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agentforge.model import Candidate

Pair = tuple[int, int, float]


@dataclass(frozen=True, slots=True)
class Star:
    """A function and others that are each nearly the same as it.

    Attributes:
        members: indexes; the first is the one that all others resemble, they follow from the most to the least alike.
        scores: of each member with the first; 1 for itself.
        lines: lines of code that go if one of them, the longest, is kept.
    """

    members: tuple[int, ...]
    scores: tuple[float, ...]
    lines: int


def stars(pairs: Iterable[Pair], candidates: Sequence[Candidate]) -> list[Star]:
    """Cut the graph of pairs into stars, the one that saves most lines first, until no pair is left whole.

    Every member of a star is near its centre, so any two are at most twice as far apart as a pair may be. Connected
    components would chain: a like b, b like c, until the ends of a group have nothing in common. Complete linkage would
    split a group of ten where one of its 45 pairs misses the threshold by a hair. A star needs no other pairs than
    those that were found, and can be shown: this one, and those like it.

    Functions of equal code are one point of the graph, with the lines of all. A star whose members all lie inside
    members of an earlier one is left out: it is what was shown already.

    Args:
        pairs: (i, j, score) of near-duplicates; of functions with equal code each with the first of them.
        candidates: the functions.
    """
    points = _Points(candidates)
    for one, other, score in pairs:
        points.join(one, other, score)
    queue = [(-points.saving(point), points.first(point), point) for point in points.near]
    heapq.heapify(queue)
    shown: dict[tuple[int, str], list[Candidate]] = defaultdict(list)
    found = []
    while queue:
        saving, first, point = heapq.heappop(queue)
        if point in points.taken:
            continue
        now = points.saving(point)
        if now != -saving:
            if now:
                heapq.heappush(queue, (-now, first, point))
            continue
        star = points.take(point)
        members = [candidates[index] for index in star.members]
        if len(members) > 1 and not all(_inside(member, shown) for member in members):
            found.append(star)
            for member in members:
                shown[member.project, member.path].append(member)
    return found


def _inside(member: Candidate, shown: Mapping[tuple[int, str], list[Candidate]]) -> bool:
    return any(other.holds(member) for other in shown.get((member.project, member.path), ()))


class _Points:
    """The graph: a point for each code hash that is in a pair."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._candidates = candidates
        self._members: dict[str, set[int]] = defaultdict(set)
        self.near: dict[str, dict[str, float]] = defaultdict(dict)
        self.taken: set[str] = set()

    def join(self, one: int, other: int, score: float) -> None:
        first, second = self._candidates[one].code_hash, self._candidates[other].code_hash
        self._members[first].add(one)
        self._members[second].add(other)
        if first != second:
            self.near[second][first] = self.near[first][second] = max(score, self.near[first].get(second, score))
        else:
            self.near.setdefault(first, {})

    def first(self, point: str) -> int:
        """The first function of a point."""
        return min(self._members[point])

    def saving(self, point: str) -> int:
        """Lines that go if all that is left of the star of a point becomes one function."""
        lines = [self._candidates[index].lines_of_code for index in self._left(point)]
        return sum(lines) - max(lines)

    def take(self, point: str) -> Star:
        """The star of a point, which is then no longer there for others."""
        scores = {index: self.near[point].get(self._candidates[index].code_hash, 1.0) for index in self._left(point)}
        centre = self.first(point)
        members = sorted(scores, key=lambda index: (index != centre, -scores[index], index))
        saving = self.saving(point)
        self.taken.update((point, *self.near[point]))
        return Star(tuple(members), tuple(scores[index] for index in members), saving)

    def _left(self, point: str) -> list[int]:
        others = [other for other in self.near[point] if other not in self.taken]
        return [index for name in (point, *others) for index in self._members[name]]
