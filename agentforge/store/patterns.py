"""Patterns of a team, and the idioms that functions are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agentforge.errors import UsageError
from agentforge.model import FileAnalysis, FunctionRef
from agentforge.store.lifecycle import storable
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection
    from agentforge.store.similar import SearchedProject

IdiomRow = tuple[str, int, str, str]


@dataclass(frozen=True, slots=True)
class StoredPattern:
    """A row of `pattern_embeddings`, without its vector.

    Attributes:
        configuration, examples: as they were given to `add`.
        created_by: name of the user, None where he is gone or may not be looked up.
        model: name and version of what made the vector.
    """

    name: str
    type: str
    title: str
    message: str
    severity: str
    cwe: int | None
    configuration: dict[str, Any]
    examples: list[Any]
    created_at: datetime
    created_by: str | None
    model: str


@dataclass(frozen=True, slots=True)
class NewPattern:
    """What is to be stored.

    Attributes:
        configuration: JSON values that the caller reads back.
        examples: JSON values, one for each.
        embedding: the centroid.
        least: cosine from which on a function falls within it.
    """

    name: str
    type: str
    title: str
    message: str
    severity: str
    cwe: int | None
    configuration: dict[str, Any]
    examples: list[dict[str, Any]]
    embedding: Sequence[float]
    least: float


def team_patterns(connection: Connection) -> list[StoredPattern]:
    """All patterns of the team, by name."""
    return [StoredPattern(*row) for row in connection.execute(load("patterns")["team"]).fetchall()]


def require_admin(connection: Connection) -> None:
    """Do nothing for an admin.

    Raises:
        UsageError: the user is none.
    """
    row = connection.execute(load("patterns")["may_write"]).fetchone()
    if row is None or not row[0]:
        raise UsageError(
            "Only admins add and remove patterns: they are compared in all projects.",
            'Ask one, or switch a pattern off for your project: disable = ["pattern-NAME"] in its configuration.',
        )


def add(connection: Connection, pattern: NewPattern, model_id: int) -> None:
    """Store a pattern.

    Raises:
        UsageError: the name is taken.
    """
    queries = load("patterns")
    with connection.transaction():
        connection.execute(queries["lock"], {"name": pattern.name})
        added = connection.execute(
            queries["insert"],
            {
                "model_id": model_id,
                "type": pattern.type,
                "name": pattern.name,
                "title": storable(pattern.title),
                "message": storable(pattern.message),
                "severity": pattern.severity,
                "cwe": pattern.cwe,
                "configuration": _json(pattern.configuration),
                "examples": _json(pattern.examples),
                "embedding": f"[{','.join(map(str, pattern.embedding))}]",
                "least": pattern.least,
            },
        ).rowcount
    if not added:
        raise UsageError(
            f"There is a pattern {pattern.name} already.",
            f"Take another name, or remove it first: agentforge patterns remove {pattern.name}",
        )


def remove(connection: Connection, name: str) -> bool:
    """Remove a pattern of the team; whether there was one."""
    return connection.execute(load("patterns")["delete"], {"name": name}).rowcount > 0


def idiom_rows(files: Iterable[FileAnalysis]) -> list[IdiomRow]:
    """The idioms that functions of some files are: path, first line, qualified name, name of the pattern."""
    return [
        (file.path, function.start_line, storable(function.qualified_name), storable(name))
        for file in files
        for function in file.metrics.functions
        for name in function.idioms
    ]


def store_idioms(connection: Connection, project_id: int, branch: str, rows: Sequence[IdiomRow]) -> None:
    """Store the idioms of functions, which must be stored; in their transaction."""
    if not rows:
        return
    queries = load("patterns")
    connection.execute(queries["create_incoming"])
    with connection.cursor() as cursor, cursor.copy(queries["copy_idioms"]) as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute(queries["insert_idioms"], {"project_id": project_id, "branch": branch})


def functions_of(
    connection: Connection, projects: Sequence[SearchedProject]
) -> Iterator[tuple[FunctionRef, str, bool]]:
    """The functions of the searched branches of some projects, as they come: each with its short name, and whether its
    file holds tests.
    """
    parameters = {
        "project_ids": [project.id for project in projects],
        "branches": [project.branch for project in projects],
    }
    with connection.cursor() as cursor:
        for row in cursor.stream(load("patterns")["functions"], parameters):
            values: list[Any] = [*row[1:12], row[0]]
            yield FunctionRef(*values), row[12], row[13]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True)
