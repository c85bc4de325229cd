"""Projects and the runs over them: who may write, which run was the last, how a run ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agentforge.errors import DatabaseError
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.model import Phase, Project
    from agentforge.store.connection import Connection

_LOCK_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Run:
    """A row of `project_analyses` that has begun."""

    id: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Previous:
    """The last completed run over the same branch."""

    id: int
    commit: str | None


@dataclass(frozen=True, slots=True)
class Version:
    """What tells whether a stored file is up to date; `model_id` is None where its functions were not embedded."""

    content_hash: str
    engine_version: str
    model_id: int | None


def ensure_project(connection: Connection, project: Project) -> int:
    """The id of a project, which is created when its key is new.

    Raises:
        DatabaseError: the user may not write it, or may not create one.
    """
    import psycopg

    queries = load("analyses")
    parameters: dict[str, Any] = {
        "key": project.key,
        "name": project.name,
        "repository_url": project.repository_url,
        "local_path": storable(project.root),
    }
    if connection.execute(queries["find_project"], parameters).fetchone() is None:
        try:
            connection.execute(queries["create_project"], parameters)
        except psycopg.errors.InsufficientPrivilege:
            raise DatabaseError("You may not create projects.", "Ask an admin for the role developer.") from None
    project_id = writable_project(connection, project)
    connection.execute(queries["update_project"], {**parameters, "project_id": project_id})
    return project_id


def writable_project(connection: Connection, project: Project) -> int:
    """The id of a project that is there.

    Raises:
        DatabaseError: the user may not write it.
    """
    found = connection.execute(load("analyses")["find_project"], {"key": project.key}).fetchone()
    if found is None or not found[1]:
        raise DatabaseError(
            f"The project {project.name} is there already, and you may not write to it.",
            f"Ask one of its admins to run: agentforge grant <you> write --project {project.name}",
        )
    return int(found[0])


def set_default_branch(connection: Connection, project_id: int, name: str, *, certain: bool) -> None:
    """Keep which branch of a project is the default one; one that is not certain only where none is known."""
    parameters = {"project_id": project_id, "name": storable(name), "certain": certain}
    connection.execute(load("analyses")["set_default_branch"], parameters)


def ensure_model(connection: Connection, name: str, version: str, dimension: int, layout: tuple[int, ...]) -> int:
    """The id of an embedding model, which is registered, with its partitions, when it is new.

    Args:
        connection: as who may use a new model, if it is one.
        name: of the model.
        version: of it.
        dimension: of its vectors.
        layout: as `Embedder.layout`: what searches without meaning compare is a part of it.
    """
    parameters = {"name": name, "version": version, "dimension": dimension, "channels": list(layout)}
    return int(one(connection, load("analyses")["ensure_model"], parameters))


@contextmanager
def project_lock(connection: Connection, project_id: int, on_wait: Callable[[], None]) -> Iterator[None]:
    """Be the only one who analyses a project; wait for another to finish.

    Runs that are marked as running when the lock is had are dead: they are marked as failed.

    Args:
        connection: holds the lock; its end, however it comes, frees it.
        project_id: of the project.
        on_wait: called once, before waiting.
    """
    queries = load("analyses")
    parameters = {"project_id": project_id}
    waiting = False
    while not one(connection, queries["try_lock"], parameters):
        if not waiting:
            waiting = True
            on_wait()
        time.sleep(_LOCK_POLL_SECONDS)
    try:
        connection.execute(queries["fail_stale"], parameters)
        yield
    finally:
        _unlock(connection, project_id)


def _unlock(connection: Connection, project_id: int) -> None:
    """Free the lock of a project; a connection that is lost, now or earlier, has freed it."""
    import psycopg

    if connection.closed:
        return
    try:
        connection.execute(load("analyses")["unlock"], {"project_id": project_id})
    except psycopg.OperationalError:
        if not connection.closed:
            raise


def begin(
    connection: Connection,
    project: Project,
    project_id: int,
    engine_version: str,
    model_id: int,
    scopes: tuple[str, ...],
    *,
    partial: bool,
) -> Run:
    """Record that a run has begun."""
    row = connection.execute(
        load("analyses")["begin"],
        {
            "project_id": project_id,
            "analysis_type": "partial" if partial else "full",
            "branch": project.branch,
            "commit": project.commit,
            "engine_version": engine_version,
            "model_id": model_id,
            "scopes": [storable(scope) for scope in scopes],
        },
    ).fetchone()
    if row is None:
        raise DatabaseError("The run could not be recorded.", "Look at the server's log.")
    return Run(row[0], row[1])


def previous(connection: Connection, project_id: int, branch: str) -> Previous | None:
    """The last completed run over a branch."""
    row = connection.execute(load("analyses")["previous"], {"project_id": project_id, "branch": branch}).fetchone()
    return Previous(row[0], row[1]) if row else None


def current_files(connection: Connection, project_id: int, branch: str) -> dict[str, Version]:
    """The files of a branch as of its last completed run, by path."""
    rows = connection.execute(load("analyses")["current_files"], {"project_id": project_id, "branch": branch})
    return {path: Version(*rest) for path, *rest in rows}


def finish(
    connection: Connection,
    run: Run,
    status: str,
    *,
    error_message: str | None = None,
    results: Mapping[str, Any] | None = None,
) -> datetime | None:
    """Record how a run ended.

    Args:
        connection: may be inside the transaction that stores the run's results.
        run: that has begun.
        status: `completed`, `failed` or `cancelled`.
        error_message: why it failed.
        results: totals, as plain JSON values.

    Returns:
        When; None when somebody else had ended it already.
    """
    from psycopg.types.json import Jsonb

    row = connection.execute(
        load("analyses")["finish"],
        {
            "analysis_id": run.id,
            "status": status,
            "error_message": error_message,
            "results": Jsonb(results) if results is not None else None,
        },
    ).fetchone()
    return row[0] if row else None


def abandon(connection: Connection, run: Run, status: str, error_message: str | None) -> None:
    """Record that a run came to no end, as far as the connection still lets us: the next run records it otherwise."""
    import psycopg

    with suppress(psycopg.Error, KeyboardInterrupt):
        if not connection.closed:
            finish(connection, run, status, error_message=storable(error_message) if error_message else None)


def record_phases(connection: Connection, project_id: int, run: Run, phases: Iterable[Phase]) -> None:
    """Store seconds and rows of each phase of a run as measurements."""
    from psycopg.types.json import Jsonb

    rows = []
    for phase in phases:
        shared = {"project_id": project_id, "tags": Jsonb({"analysis_id": run.id, "phase": phase.name})}
        rows.append({"name": "analysis.phase.seconds", "value": phase.seconds, "unit": "s", **shared})
        rows.append({"name": "analysis.phase.rows", "value": phase.rows, "unit": "rows", **shared})
    with connection.cursor() as cursor:
        cursor.executemany(load("analyses")["record_phase"], rows)
    connection.execute(load("analyses")["touch_project"], {"project_id": project_id})


def one(connection: Connection, query: bytes, parameters: Mapping[str, Any]) -> Any:
    """The first value of the first row of a query that has one.

    Raises:
        DatabaseError: it has none.
    """
    row = connection.execute(query, parameters).fetchone()
    if row is None:
        raise DatabaseError("The database gave no answer where one must be.", "Look at the server's log.")
    return row[0]


def storable(text: str) -> str:
    """Text as PostgreSQL can hold it: no NUL, and no half of a surrogate pair."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
