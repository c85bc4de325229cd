"""The mean vectors of languages, which are taken away from vectors before they are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Stands for all languages that have no mean.
OTHERS = ""


@dataclass(frozen=True, slots=True, eq=False)
class Centres:
    """The mean vectors of languages.

    Attributes:
        means: by language; `text` is the language of sentences, and `OTHERS` is always there.
        pieces: of how many pieces each is the mean; `OTHERS` is that of the other means, and counts languages.
    """

    means: Mapping[str, NDArray[np.float16]]
    pieces: Mapping[str, int]

    def of(self, language: str | None) -> NDArray[Any]:
        """What is taken from the vector of a piece of code; None for a language that is not known."""
        return self.means.get(language or OTHERS, self.means[OTHERS])
