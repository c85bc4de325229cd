"""Pairs of functions that are nearly the same code, from their vectors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING

import numpy as np

from agentforge.embed.fast import WORDS_WEIGHT
from agentforge.model import Candidate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.embed.calibration import Calibration
    from agentforge.embed.interface import Vectors

    Pair = tuple[int, int, float]
    Copies = dict[int, list[int]]

MIN_LINES = 6
# Cosines of the two channels of what is a copy with other names (docs/embedding.md).
_EQUAL_STRUCTURE, _LIKE_WORDS = 0.999, 0.5
# Half a megabyte and four: tiles of scores that stay in the cache of a core.
_ROWS, _COLUMNS = 512, 2048
_HEAD_SHARE = 4
_ROUNDING = 1e-4
_CHECKED_AT_ONCE = 65_536
_MOST_PARTNERS = 50
_MOST_CHOICES = 100


@dataclass(frozen=True, slots=True)
class Channels:
    """What is known of vectors that `hybrid.comparable` made of words and structure.

    Attributes:
        words: how many of the first components are those of words.
        near: cosine from which on two functions are nearly the same. Those of equal structure with like words have at
            least this score: a short function under another name has lost a large share of its words.
    """

    words: int
    near: float

    @classmethod
    def of(cls, layout: Sequence[int], curve: Calibration) -> Channels | None:
        """Those of a model by its `layout`; None where it has one channel."""
        return cls(layout[1], curve.near_duplicate) if layout else None


def scores_of(one: Vectors, other: Vectors, channels: Channels | None) -> NDArray[np.float32]:
    """The score of each pair of rows: their cosine, or more where they are copies with other names."""
    scores: NDArray[np.float32] = np.einsum("ij,ij->i", one, other)
    if channels is None:
        return scores
    words = np.einsum("ij,ij->i", one[:, : channels.words], other[:, : channels.words])
    copied = (scores - words >= _EQUAL_STRUCTURE * (1 - WORDS_WEIGHT)) & (words >= _LIKE_WORDS * WORDS_WEIGHT)
    raised: NDArray[np.float32] = np.where(copied, np.maximum(scores, np.float32(channels.near)), scores)
    return raised


def near_duplicates(
    vectors: Vectors,
    candidates: Sequence[Candidate],
    *,
    changed: Collection[int] | None = None,
    min_score: float,
    channels: Channels | None = None,
    min_lines: int = MIN_LINES,
    identical_only: bool = False,
) -> list[Pair]:
    """Find near-duplicates among n functions; time grows with n squared, memory with n.

    Functions with equal code are one to the search: each is paired with the first of them (score 1), and only one of
    them with what else is near, so a hundred copies give 99 pairs and not 4,950. Left out are functions of which one
    lies in the other, and methods of one name in different classes of a project: they implement one interface, and are
    alike because of it. Such methods are paired where their code is equal, as that can move into a common base.

    Args:
        vectors: shape (n, d), rows of length 1, all of one model.
        candidates: the functions; those with fewer than `min_lines` lines of code are left out.
        changed: indexes of the functions that were not compared before; at least one of them is in a pair, or else
            it is a copy of one that was. None for all.
        min_score: least score; what is nearly the same by a model, `embed.calibration` knows.
        channels: of the vectors; None where these have but one, and the score of a pair is its cosine.
        min_lines: least lines of code.
        identical_only: pair functions with equal code only, which costs next to nothing.

    Returns:
        (i, j, score) with i < j, best first, then by index.
    """
    allowed = {index for index, candidate in enumerate(candidates) if candidate.lines_of_code >= min_lines}
    fresh = allowed if changed is None else allowed.intersection(changed)
    if not fresh:
        return []
    groups: dict[str, list[int]] = defaultdict(list)
    for index in sorted(allowed):
        groups[candidates[index].code_hash].append(index)
    copies = {group[0]: group for group in groups.values()}
    pairs = [
        (first, other, 1.0)
        for first, group in copies.items()
        for other in group[1:]
        if fresh & {first, other} and not candidates[first].nested_with(candidates[other])
    ]
    if not identical_only:
        # A copy of code that was compared before brings nothing new.
        compare = np.array([fresh.issuperset(group) for group in copies.values()])
        found = _near(vectors, np.array(list(copies)), compare, min_score, channels)
        pairs.extend(_mergeable(found, candidates, copies))
    return sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))


def _mergeable(found: Iterator[Pair], candidates: Sequence[Candidate], copies: Copies) -> Iterator[Pair]:
    """The pairs without overlaps and overrides; any copy of a function may stand for it."""
    functions = {(item.project, item.path, item.qualified_name) for item in candidates}
    owners = [_owner(item, functions) for item in candidates]

    def is_override(one: int, other: int) -> bool:
        first, second = owners[one], owners[other]
        return bool(first and second) and first != second and first[::2] == second[::2]

    for one, other, score in found:
        for i, j in islice(product(copies[one], copies[other]), _MOST_CHOICES):
            if not is_override(i, j) and not candidates[i].nested_with(candidates[j]):
                yield min(i, j), max(i, j), score
                break


def _owner(item: Candidate, functions: set[tuple[int, str, str]]) -> tuple[int, tuple[str, str], str] | tuple[()]:
    """Project, class and name of a method, nothing for a function.

    What encloses a function has at least its lines, so an enclosing function is among those that are compared.
    """
    outer, _, name = item.qualified_name.rpartition(".")
    if not outer or (item.project, item.path, outer) in functions:
        return ()
    return item.project, (item.path, outer), name


def _near(
    vectors: Vectors,
    indexes: NDArray[np.int64],
    fresh: NDArray[np.bool_],
    min_score: float,
    channels: Channels | None,
) -> Iterator[Pair]:
    """Pairs among some rows, at least one of each fresh: fresh rows first, each against all that come after it.

    Most pairs are far apart, which the head of a vector tells: with x = (head, rest), x * y is at most
    head(x) * head(y) + |rest(x)| |rest(y)| (Cauchy and Schwarz), which is the product of the heads with |rest| as one
    more component. Rotated to its principal axes a quarter of a vector holds half of its length; only what passes is
    multiplied in full. Nothing is missed.

    A row has at most fifty partners before it, so n rows have at most 50 n pairs, however alike they are.
    """
    order = np.concatenate([indexes[fresh], indexes[~fresh]])
    ordered = np.ascontiguousarray(vectors[order], dtype=np.float32)
    heads = _heads(ordered)
    partners = np.zeros(len(order), dtype=np.int64)
    wanted = int(fresh.sum())
    least = _least_cosine(min_score, channels) - _ROUNDING
    for start in range(0, wanted, _ROWS):
        block = heads[start : min(start + _ROWS, wanted)]
        for left in range(start, len(order), _COLUMNS):
            bounds = block @ heads[left : left + _COLUMNS].T
            hits = np.flatnonzero(bounds.ravel() >= least)
            rows, columns = start + hits // bounds.shape[1], left + hits % bounds.shape[1]
            likely = (columns > rows) & (partners[columns] < _MOST_PARTNERS)
            for row, column, score in _scored(ordered, rows[likely], columns[likely], min_score, channels, partners):
                one, other = int(order[row]), int(order[column])
                yield min(one, other), max(one, other), min(1.0, score)


def _least_cosine(min_score: float, channels: Channels | None) -> float:
    """The least cosine of a pair that has this score."""
    if channels is None or channels.near < min_score:
        return min_score
    return min(min_score, _LIKE_WORDS * WORDS_WEIGHT + _EQUAL_STRUCTURE * (1 - WORDS_WEIGHT))


def _heads(vectors: Vectors) -> Vectors:
    """The first quarter of each vector along the principal axes, and the length of the rest."""
    _, axes = np.linalg.eigh((vectors.T @ vectors).astype(np.float64))
    rotated = vectors @ axes[:, ::-1].astype(np.float32)
    size = max(1, vectors.shape[1] // _HEAD_SHARE)
    rest = np.linalg.norm(rotated[:, size:], axis=1, keepdims=True)
    heads: Vectors = np.ascontiguousarray(np.hstack([rotated[:, :size], rest]))
    return heads


def _scored(
    vectors: Vectors,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    min_score: float,
    channels: Channels | None,
    partners: NDArray[np.int64],
) -> Iterator[tuple[int, int, float]]:
    """Those of some pairs, in the order of rows, that are near; counts the partners of each column."""
    for start in range(0, len(rows), _CHECKED_AT_ONCE):
        part = slice(start, start + _CHECKED_AT_ONCE)
        scores = scores_of(vectors[rows[part]], vectors[columns[part]], channels)
        near = np.flatnonzero(scores >= min_score)
        near = near[np.argsort(columns[part][near], kind="stable")]
        column = columns[part][near]
        rank = np.arange(len(column)) - np.searchsorted(column, column) + partners[column]
        np.add.at(partners, column, 1)
        near, column = near[rank < _MOST_PARTNERS], column[rank < _MOST_PARTNERS]
        yield from zip(rows[part][near].tolist(), column.tolist(), scores[near].tolist(), strict=True)
