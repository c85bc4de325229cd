"""Pairs of functions that are nearly the same code, from their vectors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.embed.interface import Vectors

    Location = tuple[str, int, int]

MIN_SCORE = 0.88
MIN_LINES = 6
_ROWS_AT_ONCE = 512


def near_duplicates(
    vectors: Vectors,
    code_hashes: Sequence[str],
    lines_of_code: Sequence[int],
    *,
    changed: Collection[int] | None = None,
    min_score: float = MIN_SCORE,
    min_lines: int = MIN_LINES,
    identical_only: bool = False,
    locations: Sequence[Location] | None = None,
) -> list[tuple[int, int, float]]:
    """Find near-duplicates among n functions; time grows with n squared, memory with n.

    Functions with equal code are one to the search: each is paired with the first of them (score 1), and only one of
    them with what else is near, so a hundred copies give 99 pairs and not 4,950.

    Args:
        vectors: shape (n, d), rows of length 1, all of one model.
        code_hashes: of each function's code; equal means the same code.
        lines_of_code: of each function; those with fewer than `min_lines` are left out.
        changed: indexes of the functions that were not compared before; at least one of them is in a pair, or else
            it is a copy of one that was. None for all.
        min_score: least cosine similarity; the default is calibrated for the `hashed` model (docs/embedding.md).
        identical_only: pair functions with equal code only, which costs next to nothing.
        locations: (path, start line, end line) of each function; one that lies inside another is no duplicate of it.

    Returns:
        (i, j, score) with i < j, best first, then by index.
    """
    allowed = {index for index, lines in enumerate(lines_of_code) if lines >= min_lines}
    fresh = allowed if changed is None else allowed.intersection(changed)
    if not fresh:
        return []
    copies: dict[str, list[int]] = defaultdict(list)
    for index in sorted(allowed):
        copies[code_hashes[index]].append(index)
    pairs = [(group[0], other, 1.0) for group in copies.values() for other in group[1:] if fresh & {group[0], other}]
    if not identical_only:
        # A copy of code that was compared before brings nothing new.
        single = sorted((group[0], fresh.issuperset(group)) for group in copies.values())
        first, compare = zip(*single, strict=True)
        pairs.extend(_near(vectors, np.array(first), np.array(compare), min_score))
    if locations is not None:
        pairs = [pair for pair in pairs if not _nested(locations[pair[0]], locations[pair[1]])]
    return sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))


def _near(
    vectors: Vectors, indexes: NDArray[np.int64], fresh: NDArray[np.bool_], min_score: float
) -> Iterator[tuple[int, int, float]]:
    """Pairs among some rows, at least one of each fresh: fresh rows first, each against all that come after it."""
    order = np.concatenate([indexes[fresh], indexes[~fresh]])
    ordered = np.ascontiguousarray(vectors[order], dtype=np.float32)
    for start in range(0, int(fresh.sum()), _ROWS_AT_ONCE):
        end = min(start + _ROWS_AT_ONCE, int(fresh.sum()))
        scores = ordered[start:end] @ ordered[start:].T
        rows, columns = np.nonzero(scores >= min_score)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if column > row:
                one, other = int(order[start + row]), int(order[start + column])
                yield min(one, other), max(one, other), min(1.0, float(scores[row, column]))


def _nested(one: Location, other: Location) -> bool:
    if one[0] != other[0]:
        return False
    return (one[1] <= other[1] and other[2] <= one[2]) or (other[1] <= one[1] and one[2] <= other[2])
