"""Reading many rows of one size as arrays: no object is made for a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.store.connection import Connection

_HEADER = 19  # signature, flags and the length of what may follow, which is 0
_END = b"\xff\xff"
_BYTES_AT_ONCE = 1 << 24


def read(
    connection: Connection, statement: bytes, parameters: dict[str, Any], columns: dict[str, Any]
) -> Iterator[NDArray[Any]]:
    """The rows that a statement copies out, some at a time.

    Args:
        connection: to read from.
        statement: `COPY (...) TO STDOUT (FORMAT binary)`.
        parameters: of the statement.
        columns: for each column the type (as numpy.dtype takes it) of what PostgreSQL sends, which must be of one
            length in all rows; NULL is not.

    Yields:
        Structured arrays with a field for each column.

    Raises:
        ValueError: a row is of another length.
    """
    types = {name: np.dtype(kind) for name, kind in columns.items()}
    fields: list[Any] = [("columns", ">i2")]
    for name, kind in types.items():
        fields += [(f"length of {name}", ">i4"), (name, kind)]
    row = np.dtype(fields)
    waiting, count = [], -_HEADER
    with connection.cursor() as cursor, cursor.copy(statement, parameters) as copy:
        for part in copy:
            waiting.append(bytes(part))
            count += len(part)
            if count > _BYTES_AT_ONCE:
                data = b"".join(waiting)
                data = data[len(data) - count :]
                whole = len(data) // row.itemsize * row.itemsize
                yield _checked(np.frombuffer(data[:whole], row), types)
                waiting, count = [data[whole:]], len(data) - whole
    data = b"".join(waiting)
    data = data[len(data) - count :]
    if not data.endswith(_END) or (len(data) - len(_END)) % row.itemsize:
        raise ValueError("the rows are not of the length that was expected")
    yield _checked(np.frombuffer(data[: -len(_END)], row), types)


def _checked(rows: NDArray[Any], types: dict[str, np.dtype[Any]]) -> NDArray[Any]:
    for name, kind in types.items():
        if (rows[f"length of {name}"] != kind.itemsize).any():
            raise ValueError(f"the column {name} is not of the length that was expected")
    return rows
