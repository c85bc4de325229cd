"""Lists of the nearest functions of each function, so that a search for a stored one need not search.

A list is exact: it holds the 64 (`LENGTH`) nearest of all functions with a complete vector of the same model, up to an
id. Younger functions, and those whose vector has changed or was completed since, are compared one by one by the search
(`agentforge.listed_neighbours`), until the next `update`; copies of their vectors lie together in `unlisted_vectors`.
Functions that lack meaning are in no list: where some are among those that are wanted, no list is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agentforge.store.binary_rows import read
from agentforge.store.neighbour_lists import LENGTH, Lists
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

ROWS = 10_000  # as many are scanned in 5 ms
_LARGEST_ID = 2**31 - 1
_STORED_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Model:
    """A model whose functions have lists, or should have."""

    id: int
    dimension: int


def due(connection: Connection, rows: int = ROWS) -> list[Model]:
    """The models that have lists, or at least so many vectors, where these are not what the lists were made of."""
    parameters = {"rows": rows, "largest_id": _LARGEST_ID}
    return [Model(*row) for row in connection.execute(load("neighbours")["due"], parameters).fetchall()]


def update(connection: Connection, model: Model) -> int:
    """Make the lists of a model's functions, or bring them up to date; returns how many were written.

    Time grows with the number of functions times that of those which are new, memory with the number of functions:
    1.3 kB for each, where vectors have 256 components.

    Args:
        connection: as the owner, outside a transaction.
        model: of the functions.

    Raises:
        psycopg.errors.LockNotAvailable: functions are being written all the time; nothing was done.
    """
    queries = load("neighbours")
    up_to = _settled(connection, model)
    lists = _read(connection, model, up_to) if _has_new_vectors(connection, model) else _no_lists(model)
    changed = lists.refresh()
    parameters = {"model_id": model.id, "up_to": up_to, "length": LENGTH}
    with connection.transaction():
        for start in range(0, len(changed), _STORED_AT_ONCE):
            rows = changed[start : start + _STORED_AT_ONCE]
            values = {"ids": lists.ids[rows].tolist(), "neighbours": lists.named(rows)}
            connection.execute(queries["store"], {**parameters, **values})
        connection.execute(queries["delete_gone"], parameters)
        connection.execute(queries["delete_listed"], parameters)
        connection.execute(queries["note"], parameters)
    return len(changed)


def _settled(connection: Connection, model: Model) -> int:
    """The last id of a function, when whoever has made an id up to it has committed or given up.

    From then on each vector of these functions that is written is marked.
    """
    queries = load("neighbours")
    with connection.transaction():
        connection.execute(queries["wait_for_writers"])
        row = connection.execute(queries["last_id"], {"model_id": model.id}).fetchone()
        up_to = row[0] if row and row[0] else 0
        connection.execute(queries["begin"], {"model_id": model.id, "up_to": up_to})
    return up_to


def _has_new_vectors(connection: Connection, model: Model) -> bool:
    row = connection.execute(load("neighbours")["new_vectors"], {"model_id": model.id}).fetchone()
    return bool(row and row[0])


def _no_lists(model: Model) -> Lists:
    return Lists.empty(np.empty(0, np.int64), np.empty((0, model.dimension), np.float16))


def _read(connection: Connection, model: Model, up_to: int) -> Lists:
    queries, parameters = load("neighbours"), {"model_id": model.id, "up_to": up_to}
    vector = [("dimension", ">i2"), ("unused", ">i2"), ("values", ">f2", (model.dimension,))]
    ids, vectors = [np.empty(0, np.int64)], [np.empty((0, model.dimension), np.float16)]
    for rows in read(connection, queries["vectors"], parameters, {"id": ">i8", "vector": vector}):
        ids.append(rows["id"].astype(np.int64))
        vectors.append(rows["vector"]["values"].astype(np.float16))
    lists = Lists.empty(np.concatenate(ids), np.concatenate(vectors))
    # An array begins with its dimensions, and each element with its length.
    array = [("header", ">i4", (5,)), ("elements", [("length", ">i4"), ("value", ">i4")], (LENGTH,))]
    for rows in read(connection, queries["lists"], parameters, {"id": ">i8", "list": array}):
        lists.know(rows["id"].astype(np.int64), rows["list"]["elements"]["value"].astype(np.int64))
    return lists
