"""A server that runs on while its files were removed under it."""

from __future__ import annotations

from pathlib import Path

from agentforge.errors import EmbeddedServerError
from agentforge.store.embedded.keeper import READY_LINE
from agentforge.store.embedded.paths import SOCKET_NAME, ServerPaths


def data_removed(paths: ServerPaths) -> bool:
    """Whether there is no data where it should be."""
    return not (paths.data / "PG_VERSION").exists()


def programs_removed(paths: ServerPaths) -> bool:
    """Whether the program that the server was started from is gone, as with the environment that it came in.

    Such a server runs on, and can load no library any more: not even PL/pgSQL, in a new connection.
    """
    try:
        program = (paths.data / "postmaster.opts").read_text().split(' "', 1)[0]
    except (OSError, ValueError):
        return False
    return not Path(program.strip()).exists()


def check_running(paths: ServerPaths) -> None:
    """Refuse a server that runs, or whose keeper does, and whose files are gone: nobody could ever connect.

    Args:
        paths: of the server; the caller holds its lock, so nobody is about to make the files.

    Raises:
        EmbeddedServerError: somebody removed its data, and its keeper did not end it; or somebody removed its socket.
    """
    if data_removed(paths):
        raise EmbeddedServerError(
            f"the data of the embedded database was removed from {paths.data} while its server was running.",
            "The server ends by itself within a minute. Run again then, and it is made anew; or put the data back.",
        )
    socket = paths.sockets / SOCKET_NAME
    if not socket.exists() and _ready(paths):
        raise EmbeddedServerError(
            f"the socket of the embedded database, {socket}, was removed while its server was running.",
            "Stop the server by `agentforge db stop`, by which nothing is lost, and run again.",
        )


def _ready(paths: ServerPaths) -> bool:
    """Whether a server says that it can be connected to. What a killed one left says so, too: it works in no folder."""
    try:
        lines = (paths.data / "postmaster.pid").read_text().split("\n")
        folder = Path(f"/proc/{int(lines[0])}/cwd").readlink()
        return lines[READY_LINE].strip() == "ready" and folder == paths.data.resolve()
    except (OSError, ValueError, IndexError):
        return False
