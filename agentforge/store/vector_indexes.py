"""The approximate indexes over vectors: made where a scan no longer pays, and built anew when they are bloated."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

INDEX_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do about an index: the statement that does it, quoted by the server.

    Attributes:
        verb: in the past tense: `dropped`, `made`, `built anew`.
        name: of the index or of its table.
        statement: to be run outside a transaction.
        changes: to the table's rows ever, to be remembered when it is done; None for nothing to remember.
    """

    verb: str
    name: str
    statement: str
    changes: int | None = None


def leftovers(connection: Connection) -> list[Task]:
    """Indexes that an interrupted statement left half-built."""
    return [Task("dropped", *row) for row in connection.execute(load("vector_indexes")["leftovers"])]


def wanted(connection: Connection, rows: int = INDEX_ROWS) -> list[Task]:
    """Models that have at least so many functions and no index, or one that a tenth of them is younger than."""
    parameters = {"rows": rows}
    return [Task("made", *row) for row in connection.execute(load("vector_indexes")["wanted"], parameters)]


def superseded(connection: Connection) -> list[Task]:
    """Indexes that another one has taken the place of."""
    return [Task("dropped", *row) for row in connection.execute(load("vector_indexes")["superseded"])]


def bloated(connection: Connection) -> list[Task]:
    """Indexes that are much larger than their rows ask for, or half of whose rows have changed since they were made."""
    return [Task("built anew", *row) for row in connection.execute(load("vector_indexes")["bloated"])]


def do(connection: Connection, task: Task) -> None:
    """Do it; writers and readers go on meanwhile.

    Raises:
        psycopg.Error: it failed, and left at most what `leftovers` finds.
    """
    connection.execute(task.statement.encode())
    if task.changes is not None:
        parameters = {"changes": task.changes, "name": task.name}
        connection.execute(load("vector_indexes")["record_reindex"], parameters)


def spare(connection: Connection, made: Collection[str]) -> None:
    """Keep autovacuum from mending indexes of vectors, which costs more than making them; clean the tables of new ones.

    Args:
        connection: as the owner, outside a transaction.
        made: names of tasks that were done: of indexes that were built anew, of tables that were given one.

    Raises:
        psycopg.Error: a table is locked; the next time will do.
    """
    queries = load("vector_indexes")
    statements = connection.execute(queries["unmended"]).fetchall()
    statements += connection.execute(queries["clean"], {"names": list(made)}).fetchall()
    for (statement,) in statements:
        connection.execute(statement.encode())  # made and quoted by the server's own format()


@contextmanager
def resources(connection: Connection) -> Iterator[None]:
    """Within, the session may use the memory that building an index takes."""
    queries = load("vector_indexes")
    connection.execute(queries["resources"])
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(queries["usual_resources"])
            connection.execute(load("maintenance")["patience"])
