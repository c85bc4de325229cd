"""The database that the command line and the environment name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import agentforge
from agentforge.errors import EXIT_INTERNAL, AgentForgeError
from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.requests import Request, record, record_error

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

_LIBPQ_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE")


def database_settings(url: str | None, data_dir: str | None) -> DatabaseSettings:
    """What the options say (they have read `AGENTFORGE_*` already), else libpq's own variables."""
    libpq = any(os.environ.get(name) for name in _LIBPQ_VARIABLES)
    return DatabaseSettings(url=url, use_libpq_env=libpq, data_dir=data_dir)


@contextmanager
def open_database(
    settings: DatabaseSettings, on_event: Callable[[str], None], request: Request | None = None
) -> Iterator[Connection]:
    """A connection to the database, whose schema is brought up to date first.

    Args:
        settings: which database.
        on_event: told of what takes time and of warnings.
        request: the command, to be logged with what becomes of it; None for what is no command.
    """
    from agentforge.store.migrate import migrate

    with connect(settings, on_event) as connection:
        migrate(connection)
        with nullcontext() if request is None else _logged(connection, request):
            yield connection


@contextmanager
def _logged(connection: Connection, request: Request) -> Iterator[None]:
    try:
        yield
    except AgentForgeError as error:
        request.status = error.exit_code
        raise
    except Exception as error:
        request.status = EXIT_INTERNAL
        record_error(connection, request, error)
        error.add_note(f"Request {request.id} in error_logs has the details.")
        raise
    finally:
        record(connection, request, f"agentforge {agentforge.__version__}")
