"""What a misspelt name may have been meant to be."""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Iterable

_SUGGESTED_NAMES, _COMPARED = 5, 50
_LEAST_ALIKE, _LEAST_RATIO = 0.15, 0.6


def likely_names(wanted: str, names: Iterable[str]) -> list[str]:
    """The names most like a misspelt one, best first.

    A name is as near as the most similar of its endings: `Model.save` of `django.Model.save` to `Modl.save`, `Model` to
    `Modle`. Shared pairs of letters choose the likely ones, difflib's ratio orders them.

    Args:
        wanted: as the user wrote it.
        names: qualified names.
    """
    grams = _bigrams(wanted)
    depth = wanted.count(".") + 1
    scored = []
    for name in names:
        parts = name.split(".")
        for end in range(len(parts), max(0, len(parts) - 2), -1):
            ending = ".".join(parts[max(0, end - depth) : end])
            other = _bigrams(ending)
            scored.append((len(grams & other) / len(grams | other), ".".join(parts[-depth - 1 :]), ending))
    likely = heapq.nlargest(_COMPARED, {item for item in scored if item[0] >= _LEAST_ALIKE})
    ranked = sorted(
        ((difflib.SequenceMatcher(None, wanted.lower(), part.lower()).ratio(), shown) for _, shown, part in likely),
        key=lambda item: -item[0],
    )
    return list(dict.fromkeys(shown for ratio, shown in ranked if ratio >= _LEAST_RATIO))[:_SUGGESTED_NAMES]


def _bigrams(name: str) -> set[str]:
    padded = f" {name.lower()} "
    return {padded[index : index + 2] for index in range(len(padded) - 1)}
