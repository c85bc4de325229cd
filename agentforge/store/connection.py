"""Connect to the database that the user means, and turn what can go wrong into sentences that say what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentforge.errors import DatabaseError

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

    Connection = psycopg.Connection[TupleRow]

MINIMUM_SERVER = 170000
MINIMUM_VECTOR = (0, 7)
ADVISED_VECTOR = (0, 8, 4)
LINGER_SECONDS = 30.0

DEFAULTS = {
    "application_name": "agentforge",
    "connect_timeout": "10",
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
    "client_encoding": "utf8",
}


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Which database to use, in this order.

    Attributes:
        url: a connection URL or string of libpq, None or empty when the user gave none.
        use_libpq_env: `PG*` variables name the server.
        data_dir: folder of the embedded server, None for the one in the user's data folder.
        linger_seconds: how long the embedded server runs on without clients.
    """

    url: str | None = None
    use_libpq_env: bool = False
    data_dir: str | None = None
    linger_seconds: float = LINGER_SECONDS

    @property
    def embedded(self) -> bool:
        """No other database was named."""
        return not self.url and not self.use_libpq_env


def _ignore(_: str) -> None:
    """Nobody wants to hear it."""


@contextmanager
def connect(settings: DatabaseSettings, on_event: Callable[[str], None] = _ignore) -> Iterator[Connection]:
    """A connection, closed at the end; the embedded server is created and started where necessary.

    It commits every statement by itself (open a transaction by `connection.transaction()`), and looks names up in
    schema `agentforge`, in the catalogue and, last, in the schema of pgvector. Errors of the driver that leave the
    block are wrapped as by `wrap_errors`.

    Args:
        settings: which database.
        on_event: told of what takes time (creating the embedded database), a sentence each.

    Raises:
        DatabaseError: it cannot be reached or used; the message never holds a password.
    """
    from agentforge.store.faults import wrap_errors

    if not settings.embedded:
        with wrap_errors(), _open(settings.url or "", {}) as connection:
            _set_up(connection)
            yield connection
        return
    from agentforge.store.embedded.server import Server

    server = Server(settings.data_dir, settings.linger_seconds, on_event)
    with server.client(), wrap_errors(), server.reach(lambda: _open("", server.parameters())) as connection:
        _set_up(connection)
        yield connection


def _open(url: str, parameters: dict[str, str]) -> Connection:
    import psycopg

    from agentforge.store.faults import parse_url

    given: dict[str, Any] = {**DEFAULTS, **parse_url(url), **parameters}
    return psycopg.connect(autocommit=True, **given)


def _set_up(connection: Connection) -> None:
    """Check the versions and set the search path, in one round trip.

    Raises:
        DatabaseError: PostgreSQL or pgvector is missing or too old.
    """
    from agentforge.store.embedded.settings import read_data

    version = connection.info.server_version
    if version < MINIMUM_SERVER:
        raise DatabaseError(
            f"the server is PostgreSQL {version // 10000}, and agentforge needs 17 or later.",
            "Upgrade it, or leave --database-url out to use the embedded database.",
        )
    installed = look_up_names(connection)
    if installed is None:
        found = connection.execute(read_data("connection/vector_available.sql").encode()).fetchone()
        installed = found[0] if found else None
    check_vector(installed)


def look_up_names(connection: Connection) -> str | None:
    """Set the search path, for the session or, behind a pooler, for the transaction.

    Returns:
        The version of pgvector that is installed in the database.
    """
    return _names(connection)[1]


def search_path(connection: Connection) -> str:
    """What `look_up_names` sets, for whoever sets it in each transaction."""
    return _names(connection)[0] or ""


def _names(connection: Connection) -> tuple[str | None, str | None]:
    from agentforge.store.embedded.settings import read_data

    parameters = {"backend_pid": connection.info.backend_pid}
    row = connection.execute(read_data("connection/open.sql").encode(), parameters).fetchone()
    return (row[0], row[1]) if row else (None, None)


def check_vector(version: str | None) -> None:
    """Refuse a server without pgvector or with one that is too old. `agentforge db doctor` warns of known faults.

    Args:
        version: such as `0.8.6`, None where the server does not have it.

    Raises:
        DatabaseError: it is missing or older than 0.7.
    """
    if version is None:
        raise DatabaseError(
            "the server does not have the extension pgvector.",
            "Install it on the server (package postgresql-17-pgvector, image pgvector/pgvector:pg17), "
            "or leave --database-url out to use the embedded database.",
        )
    numbers = tuple(int(part) for part in version.split(".") if part.isdigit())
    if numbers < MINIMUM_VECTOR:
        raise DatabaseError(
            f"pgvector {version} is too old: agentforge needs 0.7 or later.",
            "Install a newer pgvector on the server, then run ALTER EXTENSION vector UPDATE in this database.",
        )
