"""What a channel of meaning is: a net that reads the text of code, or of a sentence, and gives one vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Piece = tuple[str, str | None]

TEXT = "text"


class Meaning(Protocol):
    """Makes vectors of what code means. Loading is lazy: `name` and `version` are known without the net.

    Attributes:
        name: of the kind of net, as `hybrid.toml` has it.
        version: changes whenever the vectors would.
        dimension: of each vector.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def dimension(self) -> int: ...  # noqa: D102

    def vectors(self, pieces: Sequence[Piece]) -> NDArray[np.float32]:
        """Vectors of some pieces, the same for the same piece whatever stands beside it.

        Args:
            pieces: (code, name of its language or None where that is not known); language `text` is a sentence.

        Returns:
            Shape (pieces, dimension); rows of length 1, or zero where there is nothing to read.

        Raises:
            AgentForgeError: the net is missing or damaged; says which file and what to do.
        """
        ...
