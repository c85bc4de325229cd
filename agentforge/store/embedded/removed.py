"""A server that runs on while its files were removed under it."""

from __future__ import annotations

from agentforge.errors import EmbeddedServerError
from agentforge.store.embedded.paths import SOCKET_NAME, ServerPaths

READY_LINE = 7  # of postmaster.pid


def check_running(paths: ServerPaths) -> None:
    """Refuse a server that runs, or whose keeper does, and whose files are gone: nobody could ever connect.

    Args:
        paths: of the server; the caller holds its lock, so nobody is about to make the files.

    Raises:
        EmbeddedServerError: somebody removed its data, or its socket.
    """
    if not (paths.data / "PG_VERSION").exists():
        raise EmbeddedServerError(
            f"the data of the embedded database was removed from {paths.data} while its server was running.",
            "The server ends by itself within a minute. Run again then, and it is made anew; or put the data back.",
        )
    socket = paths.sockets / SOCKET_NAME
    if not socket.exists() and _postmaster_state(paths) == "ready":
        raise EmbeddedServerError(
            f"the socket of the embedded database, {socket}, was removed while its server was running.",
            "Stop the server by `agentforge db stop`, by which nothing is lost, and run again.",
        )


def _postmaster_state(paths: ServerPaths) -> str:
    """What the server says of itself: `starting`, `ready` or `stopping`; empty where it says nothing."""
    try:
        return (paths.data / "postmaster.pid").read_text().split("\n")[READY_LINE].strip()
    except (OSError, IndexError):
        return ""
