"""The functions of a project among which near-duplicates are looked for, with their vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentforge.model import Candidate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agentforge.store.connection import Connection


@dataclass(frozen=True, slots=True)
class EmbeddedFunctions:
    """The functions of a branch that may be duplicates: n rows in the order of ids.

    Attributes:
        ids: of the functions.
        candidates: the functions.
        vectors: shape (n, dimension), float32.
        fresh: indexes of those that must be compared.
    """

    ids: list[int]
    candidates: list[Candidate]
    vectors: NDArray[np.float32]
    fresh: list[int]


def embedded_functions(connection: Connection, query: bytes, parameters: Mapping[str, Any]) -> EmbeddedFunctions:
    """Read them.

    Args:
        connection: that knows vectors.
        query: gives id, path, qualified name, first and last line, lines of code, hash of the code, vector, and
            whether the function must be compared; in the order of ids.
        parameters: of the query, `project_id` among them.
    """
    import numpy as np

    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(query, parameters).fetchall()
    return EmbeddedFunctions(
        ids=[row[0] for row in rows],
        candidates=[Candidate(parameters["project_id"], *row[1:7]) for row in rows],
        vectors=np.array([row[7].to_numpy() for row in rows], dtype=np.float32),
        fresh=[index for index, row in enumerate(rows) if row[8]],
    )
