"""Bring an embedded database to a newer major version of PostgreSQL: a dump of the old, read into a new one beside it.

Both versions' programs must be there. The old data folder is kept, as `data-17`; the new one takes its place when it is
whole. Of a run that was killed, nothing is left but a folder that the next one removes, or the next start finishes the
exchange.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from agentforge.errors import EmbeddedServerError
from agentforge.store import backup
from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.embedded import cluster
from agentforge.store.embedded.binaries import find_binaries
from agentforge.store.embedded.exchange import kept_folder, mark, work_folder
from agentforge.store.embedded.locks import FileLock
from agentforge.store.embedded.paths import prepare
from agentforge.store.embedded.server import Server
from agentforge.store.faults import wrap_errors
from agentforge.store.migrate import migrate

_CLIENTS_PATIENCE = 10.0  # seconds for other commands to end
_ALONE_LINGER = 1.0


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What was done: major versions, and the folder in which the old data lies now."""

    old: int
    new: int
    kept: Path


def upgrade(settings: DatabaseSettings, on_event: Callable[[str], None]) -> Upgrade | None:
    """Upgrade the embedded database to the newest PostgreSQL that is installed.

    Args:
        settings: of the embedded server.
        on_event: told of each step.

    Returns:
        What was done; None where the database is not there yet, or is of that version already.

    Raises:
        EmbeddedServerError: the old programs are missing, or somebody uses the database. Nothing has changed then.
        DatabaseError: the old database could not be read, or the new one not be written. Nothing has changed then.
    """
    server = Server(settings.data_dir, settings.linger_seconds, on_event)
    major = cluster.existing_major(server.paths)
    newest = find_binaries(None)
    if major is None or major >= newest.major:
        return None
    prepare(server.paths, server.account)
    with FileLock(server.paths.lock("clients")) as clients:
        if not clients.take(timeout=_CLIENTS_PATIENCE):
            raise EmbeddedServerError(
                "the embedded database is in use.", "Run it again when the other commands have ended."
            )
        pinned = server.paths.pinned.exists()
        work = work_folder(server.paths)
        _remove(work)
        try:
            _copy(server, work, on_event)
            server.stop()
            mark(server.paths, major)
        finally:
            _stop(work)
        on_event(f"putting PostgreSQL {newest.major} in its place")
        server.ensure_running()  # finishes the exchange
        if pinned:
            server.paths.pinned.touch(mode=0o600)
    return Upgrade(major, newest.major, kept_folder(server.paths, major))


def _copy(server: Server, work: Path, on_event: Callable[[str], None]) -> None:
    """Make a cluster in `work` with the same rows and the same password."""
    on_event("reading the old database")
    server.ensure_running()
    file = server.paths.home / "upgrade.dump"
    try:
        parameters: dict[str, Any] = {**server.parameters()}
        with wrap_errors(), psycopg.connect("", autocommit=True, **parameters) as old:
            backup.backup(old, file)
        on_event("writing the new one")
        with connect(DatabaseSettings(data_dir=str(work), linger_seconds=_ALONE_LINGER), on_event) as new:
            backup.restore(new, file)
            migrate(new)
            new.pgconn.change_password(cluster.OWNER.encode(), server.parameters()["password"].encode())
    finally:
        file.unlink(missing_ok=True)


def _remove(work: Path) -> None:
    """Remove what a killed run left."""
    if work.exists():
        _stop(work)
        shutil.rmtree(work)


def _stop(work: Path) -> None:
    new = Server(str(work))
    new.stop()
    shutil.rmtree(new.paths.sockets, ignore_errors=True)  # which may lie elsewhere, where the path is long
