"""Real databases for tests.

`database_url` is the connection string of a fresh, empty database, dropped after the test; `migrated_url` of one that
has the schema. `new_database` makes more, and `new_copy` copies of one that nobody is connected to: that takes a tenth
of a second, whatever it took to fill it. `shared_database` and `shared_migrated_url` last for a module. The server that
holds them is, in this order,

1. the one that `AGENTFORGE_TEST_DATABASE_URL` names (a role that may create databases and extensions);
2. one embedded server for the whole run, shared by all xdist workers;
3. a `pgvector/pgvector:pg17` container, where the embedded server cannot run and a Docker engine answers.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from agentforge.errors import EmbeddedServerError
from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.embedded.server import Server
from agentforge.store.migrate import migrate
from agentforge.store.roles import prepare

CONTAINER_IMAGE = "pgvector/pgvector:pg17"
# Settings of a server whose data nobody will miss.
THROWN_AWAY = ("fsync = off", "full_page_writes = off", "autovacuum_naptime = '1h'")
SERVER_FOLDER = pytest.StashKey[Path]()
WORKER_INPUT = "agentforge_server_folder"


class NewDatabase(Protocol):
    """Creates a database and returns its connection string."""

    def __call__(self, template: str = "template0") -> str: ...


class NewCopy(Protocol):
    """Copies the database of a connection string, and returns the connection string of the copy."""

    def __call__(self, url: str) -> str: ...


def pytest_configure(config: pytest.Config) -> None:
    """Agree on one folder for the run; nothing is created before a test asks for a database."""
    handed_down = getattr(config, "workerinput", {}).get(WORKER_INPUT)
    name = f"agentforge-test-{os.geteuid()}-{secrets.token_hex(6)}"
    config.stash[SERVER_FOLDER] = Path(handed_down or Path(tempfile.gettempdir()) / name)


class XdistHooks:
    """Registered only where xdist is, which alone knows this hook."""

    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput[WORKER_INPUT] = str(node.config.stash[SERVER_FOLDER])


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    if manager.hasplugin("xdist") and not manager.hasplugin("agentforge-xdist"):
        manager.register(XdistHooks(), "agentforge-xdist")


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that began the run stops the server and removes its folder."""
    folder = config.stash.get(SERVER_FOLDER, None)
    if folder is None or hasattr(config, "workerinput"):
        return
    with suppress(EmbeddedServerError):
        server = Server(str(folder))
        server.stop()
        shutil.rmtree(server.paths.sockets, ignore_errors=True)
        shutil.rmtree(server.paths.home, ignore_errors=True)


@pytest.fixture(scope="session")
def server_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """Connection string of a server on which databases can be made."""
    given = os.environ.get("AGENTFORGE_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with ExitStack() as stack:
        try:
            url = stack.enter_context(_embedded(pytestconfig.stash[SERVER_FOLDER]))
        except EmbeddedServerError as error:
            url = stack.enter_context(_container(error))
        yield url


@pytest.fixture
def new_database(server_url: str) -> Iterator[NewDatabase]:
    """A function that creates databases, which are dropped after the test."""
    with ExitStack() as stack:
        yield lambda template="template0": stack.enter_context(_database(server_url, template))


@pytest.fixture
def new_copy(server_url: str) -> Iterator[NewCopy]:
    """A function that copies databases with the schema; the copies are dropped after the test."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(copy_of(url, server_url))


@contextmanager
def copy_of(url: str, server_url: str) -> Iterator[str]:
    """The connection string of a copy of a database with the schema, which is dropped afterwards."""
    with _database(server_url, _name(url)) as copy:
        yield _prepared(copy)


@pytest.fixture(scope="module")
def shared_database(server_url: str) -> Iterator[str]:
    """Connection string of an empty database for all tests of a module."""
    with _database(server_url) as url:
        yield url


@pytest.fixture
def database_url(new_database: NewDatabase) -> str:
    """Connection string of a fresh, empty database."""
    return new_database()


@pytest.fixture(scope="session")
def migrated_template(server_url: str) -> Iterator[str]:
    """Connection string of a database with the schema. It is copied, not used: a fifth of the work of migrating."""
    with _database(server_url) as url:
        with connect(DatabaseSettings(url=url)) as connection:
            migrate(connection)
        yield url


@pytest.fixture(scope="module")
def shared_migrated_url(server_url: str, migrated_template: str) -> Iterator[str]:
    """Connection string of a database with the schema for all tests of a module."""
    with copy_of(migrated_template, server_url) as url:
        yield url


@pytest.fixture
def migrated_url(new_copy: NewCopy, migrated_template: str) -> str:
    """Connection string of a database with the schema and nothing else."""
    return new_copy(migrated_template)


@contextmanager
def _database(server_url: str, template: str = "template0") -> Iterator[str]:
    """The connection string of a new database, which is dropped afterwards."""
    name = f"agentforge_test_{secrets.token_hex(8)}"
    _administer(server_url, "CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
    try:
        yield make_conninfo("", **{**conninfo_to_dict(server_url), "dbname": name})
    finally:
        _administer(server_url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _name(url: str) -> str:
    return str(conninfo_to_dict(url)["dbname"])


def _prepared(url: str) -> str:
    """The same database, with the grants on it: they are not copied with what is in it."""
    with connect(DatabaseSettings(url=url)) as connection:
        prepare(connection)
    return url


def _administer(url: str, statement: str, *names: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def _embedded(folder: Path) -> Iterator[str]:
    server = Server(str(folder), linger_seconds=20)
    with server.client():
        url = server.ensure_running()
        for setting in THROWN_AWAY:
            _administer(url, f"ALTER SYSTEM SET {setting}")
        _administer(url, "SELECT pg_reload_conf()")
        yield url


@contextmanager
def _container(reason: EmbeddedServerError) -> Iterator[str]:
    try:
        from testcontainers.postgres import PostgresContainer

        container = PostgresContainer(CONTAINER_IMAGE, driver=None).start()
    except Exception as error:
        pytest.fail(
            f"no database for the tests: {reason} No container either: {error!r}. Set AGENTFORGE_TEST_DATABASE_URL."
        )
    try:
        yield container.get_connection_url()
    finally:
        container.stop()
