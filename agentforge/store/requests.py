"""The log of commands and of what went wrong in them. Writing it never makes a command fail or wait."""

from __future__ import annotations

import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agentforge.store.lifecycle import storable
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

Scope = Callable[[], AbstractContextManager[None]]
_MESSAGE_LENGTH = 2000


@dataclass(slots=True)
class Request:
    """One command that uses the database.

    Attributes:
        endpoint: name of the command (`analyze`, `db maintain`).
        status: exit status, to be set before it ends.
        id: shown to the user with an unexpected error.
        started: `time.perf_counter` at its beginning.
    """

    endpoint: str
    status: int = 0
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    started: float = field(default_factory=time.perf_counter)


def record(connection: Connection, request: Request, user_agent: str, scope: Scope = nullcontext) -> None:
    """Log that a command was run, what became of it and how long it took; never its arguments.

    Args:
        connection: outside a transaction; may be dead.
        request: that ends now.
        user_agent: name and version of the program.
        scope: in which the application's work belongs.
    """
    milliseconds = (time.perf_counter() - request.started) * 1000
    _write(
        connection,
        "record",
        {
            "endpoint": request.endpoint,
            "request_id": request.id,
            "status": request.status,
            "milliseconds": milliseconds,
            "user_agent": user_agent,
        },
        scope,
    )


def record_error(connection: Connection, request: Request, error: BaseException, scope: Scope = nullcontext) -> bool:
    """Log an unexpected exception with where it came from; says whether that could be done."""
    from psycopg.types.json import Jsonb

    stack = "".join(traceback.format_exception(error))
    return _write(
        connection,
        "record_error",
        {
            "error_type": type(error).__name__,
            "error_message": storable(str(error)[:_MESSAGE_LENGTH]),
            "stack_trace": storable(stack[-10 * _MESSAGE_LENGTH :]),
            "request_id": request.id,
            "context": Jsonb({"endpoint": request.endpoint}),
        },
        scope,
    )


def _write(connection: Connection, query: str, parameters: Mapping[str, Any], scope: Scope) -> bool:
    import psycopg

    queries = load("requests")
    with suppress(psycopg.Error, KeyboardInterrupt):
        if not connection.closed:
            with scope(), connection.transaction():
                connection.execute(queries["limits"])
                connection.execute(queries[query], parameters)
            return True
    return False
