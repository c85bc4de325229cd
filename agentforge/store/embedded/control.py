"""What `agentforge db start|stop|status` does with the embedded server."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import Ping

from agentforge.store.connection import DatabaseSettings
from agentforge.store.embedded import cluster
from agentforge.store.embedded.paths import SOCKET_NAME
from agentforge.store.embedded.server import Server
from agentforge.store.embedded.settings import read_data
from agentforge.store.health import DatabaseStatus, database_status


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What there is to know about an embedded server.

    Attributes:
        state: `absent` (no data yet), `stopped`, `starting` (or stopping) or `running`.
        data_dir: the folder that holds everything of this server.
        socket: path of its Unix socket.
        account: name or number of the operating-system account that it runs under.
        version: of the server, such as `18.6`, or of its data folder, such as `18`, while it does not run; else empty.
        pid: of the server while it is running, else None.
        size: bytes on disk.
        clients: sessions other than the one that asked, None while it is not running.
        pinned: it keeps running without clients, until it is told to stop.
        log: path of its log.
    """

    state: str
    data_dir: Path
    socket: Path
    account: str
    version: str
    pid: int | None
    size: int
    clients: int | None
    pinned: bool
    log: Path


def _ignore(_: str) -> None:
    """Nobody wants to hear it."""


def start(settings: DatabaseSettings, on_event: Callable[[str], None] = _ignore) -> ServerStatus:
    """Start the embedded server and let it run until `stop`, with or without clients.

    Raises:
        EmbeddedServerError: it cannot be made to run.
    """
    server = _server(settings, on_event)
    server.start()
    return _status(server)


def stop(settings: DatabaseSettings, on_event: Callable[[str], None] = _ignore) -> bool:
    """End the embedded server and its clients' connections; says whether there was one to end.

    Raises:
        EmbeddedServerError: it does not end.
    """
    return _server(settings, on_event).stop()


def status(settings: DatabaseSettings) -> ServerStatus:
    """What the embedded server is doing; never starts it.

    Raises:
        EmbeddedServerError: its folder holds something else.
    """
    return _status(_server(settings, _ignore))


def database(settings: DatabaseSettings) -> DatabaseStatus | None:
    """The embedded database in short; None while its server does not run."""
    server = _server(settings, _ignore)
    if server.ping() != Ping.OK:
        return None
    parameters: dict[str, Any] = {**server.parameters(), "connect_timeout": 5}
    try:
        with psycopg.connect("", autocommit=True, **parameters) as connection:
            return database_status(connection)
    except psycopg.Error:  # it has just stopped
        return None


def _server(settings: DatabaseSettings, on_event: Callable[[str], None]) -> Server:
    return Server(settings.data_dir, settings.linger_seconds, on_event)


def _status(server: Server) -> ServerStatus:
    ping = server.ping()
    version, clients = _ask(server) if ping == Ping.OK else (None, None)
    major = cluster.existing_major(server.paths)
    if version is not None:
        state = "running"
    elif ping in (Ping.OK, Ping.REJECT):
        state = "starting"
    else:
        state = "absent" if major is None else "stopped"
    return ServerStatus(
        state=state,
        data_dir=server.paths.home,
        socket=server.paths.sockets / SOCKET_NAME,
        account=server.account.name,
        version=version or ("" if major is None else str(major)),
        pid=server.pid if state in ("running", "starting") else None,
        size=_size(server.paths.home),
        clients=clients,
        pinned=server.paths.pinned.exists(),
        log=server.paths.log,
    )


def _ask(server: Server) -> tuple[str | None, int | None]:
    """Version and number of other sessions, from a running server."""
    parameters: dict[str, Any] = {**server.parameters(), "connect_timeout": 5}
    try:
        with psycopg.connect("", autocommit=True, **parameters) as connection:
            row = connection.execute(read_data("embedded/sessions.sql").encode()).fetchone()
            return connection.info.parameter_status("server_version"), row[0] if row else None
    except psycopg.Error:
        return None, None


def _size(folder: Path) -> int:
    """Bytes that the files below `folder` take on disk; files that vanish meanwhile count nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512  # noqa: PTH118 - thousands of files
            except OSError:
                continue
    return total
