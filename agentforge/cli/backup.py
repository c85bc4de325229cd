"""`agentforge db backup|restore`."""

from __future__ import annotations

import sys
from pathlib import Path

from agentforge.cli.database import open_as_owner
from agentforge.cli.output import say
from agentforge.errors import EXIT_CLEAN
from agentforge.store import backup
from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.migrate import migrate
from agentforge.store.requests import Request


def run_backup(settings: DatabaseSettings, file: str) -> int:
    """Write a backup and say how large it is."""
    with open_as_owner(settings, say, Request("db backup")) as connection:
        size = backup.backup(connection, Path(file))
    sys.stdout.write(f"{file}: {size / 1e6:,.1f} MB\n")
    return EXIT_CLEAN


def run_restore(settings: DatabaseSettings, file: str) -> int:
    """Bring a backup back, and its schema up to date. It is not logged there: what is restored is what was saved."""
    with connect(settings, say) as connection:
        backup.restore(connection, Path(file))
        migrate(connection)
    sys.stdout.write(f"{file} is restored.\n")
    return EXIT_CLEAN
