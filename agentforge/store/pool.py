"""Connections for a process that serves many people at once: each transaction says by itself who asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from agentforge.errors import DatabaseError
from agentforge.store import migrate
from agentforge.store.connection import DEFAULTS, DatabaseSettings, search_path
from agentforge.store.faults import parse_url, wrap_errors
from agentforge.store.queries import load
from agentforge.store.retry import again
from agentforge.store.roles import standing
from agentforge.store.session import NotLoggedIn

if TYPE_CHECKING:
    from types import TracebackType

    from agentforge.store.connection import Connection

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Setting:
    """What every transaction on a connection sets: found out once, when the connection is opened.

    Attributes:
        search_path: of names without a schema.
        role: to work as.
        far: whether another machine may lie in between, so that a round trip costs more than a pipeline does.
    """

    search_path: str
    role: str
    far: bool


class Pool:
    """Connections that are shared by transactions of many users; a context manager, open inside its block.

    Works on any server, the embedded one too, and behind PgBouncer in transaction mode, which it notices by itself. The
    schema must be up to date: nothing is migrated here.
    """

    def __init__(self, settings: DatabaseSettings, *, size: int = 8, timeout: float = 30.0) -> None:
        """Connect to nothing yet.

        Args:
            settings: which database.
            size: connections at most; as many as the server has cores, or twice that, serve hundreds of clients.
            timeout: seconds for which a transaction waits for a connection.
        """
        self._settings = settings
        self._stack = ExitStack()
        self._settings_of: WeakKeyDictionary[Connection, _Setting] = WeakKeyDictionary()
        self._queries = load("pool")
        self._size = size
        self._timeout = timeout
        self._pool: ConnectionPool[Connection] | None = None

    def __enter__(self) -> Self:
        """Open one connection, so that what is wrong shows now.

        Raises:
            DatabaseError: the database cannot be reached or used.
        """
        with self._stack as stack:
            parameters = self._parameters(stack)
            with wrap_errors(), psycopg.connect(autocommit=True, **parameters) as connection:
                migrate.check_current(connection)
            self._pool = stack.enter_context(
                ConnectionPool(
                    kwargs=parameters,
                    min_size=1,
                    max_size=self._size,
                    timeout=self._timeout,
                    configure=self._configure,
                    name="agentforge",
                    open=False,
                )
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        self._stack.close()
        self._pool = None

    @contextmanager
    def transaction(self, token: str, request_id: UUID | None = None) -> Iterator[Connection]:
        """A connection inside a transaction in which a user works as agentforge_app; committed at the end of the block.

        Args:
            token: of the user's session; empty for the local user, on an operator's connection.
            request_id: for the audit trail.

        Raises:
            NotLoggedIn: the token's session has ended.
            DatabaseError: whatever the database refuses; the transaction is rolled back then, as for any error.
        """
        with wrap_errors(), self._transaction(token, request_id) as connection:
            yield connection

    def run(self, token: str, work: Callable[[Connection], T], request_id: UUID | None = None) -> T:
        """What `work` returns, called inside a transaction as of `transaction`.

        Where another session stood in the way (a serialization failure or a deadlock), it is called again in a new
        transaction, `ATTEMPTS` times in all; so it should do nothing beyond the database.
        """

        def attempt() -> T:
            with self._transaction(token, request_id) as connection:
                return work(connection)

        with wrap_errors():
            return again(attempt)

    @contextmanager
    def _transaction(self, token: str, request_id: UUID | None) -> Iterator[Connection]:
        if self._pool is None:
            raise DatabaseError("The pool is not open.", "Use it as a context manager.")
        connection = self._begin(self._pool, token, str(request_id or ""))
        try:
            yield connection
        except BaseException:
            with suppress(psycopg.Error):
                connection.rollback()
            raise
        else:
            connection.commit()
        finally:
            self._pool.putconn(connection)

    def _begin(self, pool: ConnectionPool[Connection], token: str, request_id: str) -> Connection:
        """A connection in a new transaction of a user. One that the server has ended meanwhile is replaced."""
        for attempt in range(self._size + 1):
            connection = self._take(pool)
            setting = self._settings_of[connection]
            values = {"search_path": setting.search_path, "role": setting.role, "token": token}
            try:
                with connection.pipeline() if setting.far else nullcontext():  # BEGIN and this in one round trip
                    begun = connection.execute(self._queries["begin"], values | {"request_id": request_id})
                found = begun.fetchone()
                if found is None or found[-1] is None:
                    raise NotLoggedIn("Your session has ended.", "Run `agentforge login`.")
            except BaseException as error:
                lost = isinstance(error, psycopg.OperationalError) and connection.broken
                with suppress(psycopg.Error):
                    connection.rollback()
                pool.putconn(connection)
                if not lost or attempt == self._size:
                    raise
            else:
                return connection
        raise AssertionError("unreachable")

    def _take(self, pool: ConnectionPool[Connection]) -> Connection:
        try:
            return pool.getconn()
        except PoolTimeout as error:
            raise DatabaseError(
                f"No connection to the database became free in {self._timeout:.0f} seconds.",
                "Run again, or give the pool more connections.",
            ) from error

    def _parameters(self, stack: ExitStack) -> dict[str, Any]:
        settings = self._settings
        if not settings.embedded:
            return {**DEFAULTS, **parse_url(settings.url or "")}
        from agentforge.store.embedded.server import Server

        server = Server(settings.data_dir, settings.linger_seconds)
        stack.enter_context(server.client())
        server.ensure_running()
        return {**DEFAULTS, **server.parameters()}

    def _configure(self, connection: Connection) -> None:
        """Find out what transactions on a new connection must set."""
        connection.autocommit = True
        found = standing(connection)
        if found.pooled:
            connection.prepare_threshold = None  # the next statement may reach another server process
        role = "agentforge_app" if found.operator else "none"
        far = not connection.info.host.startswith(("/", "@"))
        self._settings_of[connection] = _Setting(search_path(connection), role, far)
        connection.autocommit = False
