"""The database that the command line and the environment name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agentforge.store.connection import DatabaseSettings, connect

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

_LIBPQ_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE")


def database_settings(url: str | None, data_dir: str | None) -> DatabaseSettings:
    """What the options say (they have read `AGENTFORGE_*` already), else libpq's own variables."""
    libpq = any(os.environ.get(name) for name in _LIBPQ_VARIABLES)
    return DatabaseSettings(url=url, use_libpq_env=libpq, data_dir=data_dir)


@contextmanager
def open_database(settings: DatabaseSettings, on_event: Callable[[str], None]) -> Iterator[Connection]:
    """A connection to the database, whose schema is brought up to date first."""
    from agentforge.store.migrate import migrate

    with connect(settings, on_event) as connection:
        migrate(connection)
        yield connection
