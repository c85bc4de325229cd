"""Embedded servers of their own for tests that kill, stop and damage them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agentforge.errors import EmbeddedServerError
from agentforge.store.embedded.server import Server

LINGER = 0.6
CLIENT = """
import sys, time
from agentforge.errors import AgentForgeError
from agentforge.store.connection import DatabaseSettings, connect
try:
    settings = DatabaseSettings(data_dir=sys.argv[1] or None, linger_seconds=float(sys.argv[2]))
    with connect(settings, print) as connection:
        print("pid", connection.execute("SELECT pg_backend_pid()").fetchone()[0], flush=True)
        time.sleep(float(sys.argv[3]))
except AgentForgeError as error:
    print(type(error).__name__, error, flush=True)
"""


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def is_alive(pid: int | None) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def start_client(
    folder: Path | str, seconds: float = 0.0, home: Path | None = None, user: int | None = None
) -> subprocess.Popen[str]:
    """A process that connects, says so, stays for some seconds and goes."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PG", "XDG_", "AGENTFORGE_"))
    }
    if home is not None:
        environment["HOME"] = str(home)
    identity = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(folder), str(LINGER), str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=Path(__file__).parents[1],
        **identity,
    )


def run_client(folder: Path | str, home: Path | None = None, user: int | None = None) -> str:
    """What such a process says when it goes at once."""
    with start_client(folder, 0.0, home, user) as process:
        return process.communicate(timeout=60)[0]


def wait_for_line(process: subprocess.Popen[str], start: str) -> str:
    """The first line of its output that begins so."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        if line.startswith(start):
            return line
        seen += line
    raise AssertionError(f"no line with {start!r} in: {seen}")


def clean_up(server: Server) -> None:
    """Stop it and leave nothing of it."""
    with suppress(EmbeddedServerError):
        server.stop()
    shutil.rmtree(server.paths.sockets, ignore_errors=True)
    shutil.rmtree(server.paths.home, ignore_errors=True)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A new folder that every account may enter."""
    folder = Path(tempfile.mkdtemp(prefix="af-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder(open_folder: Path) -> Iterator[Path]:
    """Where a server of the test's own can be; stopped and removed afterwards."""
    path = open_folder / "server"
    yield path
    clean_up(Server(str(path)))


@pytest.fixture(scope="module")
def shared_folder() -> Iterator[Path]:
    """The same for several tests that leave it usable."""
    parent = Path(tempfile.mkdtemp(prefix="af-", dir="/tmp"))
    parent.chmod(0o711)
    yield parent / "server"
    clean_up(Server(str(parent / "server")))
    shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture
def ready_folder(shared_folder: Path) -> Path:
    """A folder with a stopped server, without a pin and with nothing running."""
    server = Server(str(shared_folder))
    server.stop()
    if not server.paths.data.exists():
        server.ensure_running()
        server.stop()
    return shared_folder
