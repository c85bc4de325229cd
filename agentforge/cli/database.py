"""The database that the command line and the environment name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

import agentforge
from agentforge.cli import credentials
from agentforge.errors import EXIT_INTERNAL, AgentForgeError
from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.requests import Request, record, record_error

if TYPE_CHECKING:
    from agentforge.store.connection import Connection
    from agentforge.store.session import Application

_LIBPQ_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE")


def database_settings(url: str | None, data_dir: str | None) -> DatabaseSettings:
    """What the options say (they have read `AGENTFORGE_*` already), else libpq's own variables."""
    libpq = any(os.environ.get(name) for name in _LIBPQ_VARIABLES)
    return DatabaseSettings(url=url, use_libpq_env=libpq, data_dir=data_dir)


@contextmanager
def open_database(
    settings: DatabaseSettings,
    on_event: Callable[[str], None],
    request: Request | None = None,
    *,
    needs_user: bool = True,
    needs_session: bool = True,
) -> Iterator[Connection]:
    """A connection that works as agentforge_app for the user who is logged in. The schema is up to date.

    Args:
        settings: which database.
        on_event: told of what takes time and of warnings.
        request: the command, to be logged with what becomes of it; None for what is no command.
        needs_user: False for what somebody does who is not logged in.
        needs_session: False for what works within one transaction, and so behind a pooler.

    Raises:
        NotLoggedIn: the database asks for a user.
        DatabaseError: it cannot be reached, or the role may not work in it.
    """
    from agentforge.store.session import work_as_application

    token = "" if settings.embedded else credentials.token(settings)
    request_id = str(request.id) if request else ""
    with connect(settings, on_event) as connection:
        application = work_as_application(connection, token, request_id, needs_session=needs_session)
        with _logged(connection, request, application.scope):
            if needs_user:
                _require_user(application)
            with application.scope():
                yield connection


def _require_user(application: Application) -> None:
    """Refuse to go on for nobody. A token in the variable goes before what `login` keeps, so that is no help then."""
    from agentforge.store.session import NotLoggedIn

    try:
        application.require_user()
    except NotLoggedIn as error:
        if application.token and os.environ.get(credentials.VARIABLE, "").strip():
            error.hint = f"It is {credentials.VARIABLE}: unset it, or set it to what `login --print-token` prints."
        raise


@contextmanager
def open_as_owner(
    settings: DatabaseSettings, on_event: Callable[[str], None], request: Request | None = None
) -> Iterator[Connection]:
    """A connection that works as agentforge_owner, for what only the owner of the schema does.

    Raises:
        DatabaseError: it cannot be reached, or the role is no member of agentforge_owner.
    """
    from agentforge.store.session import work_as_owner

    with connect(settings, on_event) as connection:
        work_as_owner(connection, str(request.id) if request else "")
        with _logged(connection, request, nullcontext):
            yield connection


@contextmanager
def open_as_it_is(
    settings: DatabaseSettings, on_event: Callable[[str], None], request: Request
) -> Iterator[Connection]:
    """A connection as whoever is named in the settings, to a database whose schema is left as it is.

    Raises:
        DatabaseError: it cannot be reached, or a pooler is in between.
    """
    from agentforge.store.session import look_on

    token = "" if settings.embedded else credentials.token(settings)
    with connect(settings, on_event) as connection:
        look_on(connection, token, str(request.id))
        with _logged(connection, request, nullcontext):
            yield connection


@contextmanager
def _logged(
    connection: Connection, request: Request | None, scope: Callable[[], AbstractContextManager[None]]
) -> Iterator[None]:
    if request is None:
        yield
        return
    try:
        yield
    except AgentForgeError as error:
        request.status = error.exit_code
        raise
    except Exception as error:
        request.status = EXIT_INTERNAL
        if record_error(connection, request, error, scope):
            error.add_note(f"Request {request.id} in error_logs has the details.")
        raise
    finally:
        record(connection, request, f"agentforge {agentforge.__version__}", scope)
