"""The process that starts the embedded PostgreSQL, watches it, and stops it when nobody needs it any more.

It is run as a script (`python -I -S keeper.py '<json>'`), imports the standard library alone, and is the parent of the
server: it sees at once when the server ends. What it knows about others it knows from `flock`, which the kernel drops
however a process ends:

- `keeper`  held exclusively by the keeper: at most one, and everyone can see whether there is one;
- `alive`   held by the server's own processes, which inherit it: free means that nothing of the server is left;
- `clients` held shared by every client for as long as it is connected;
- `lock`    held by whoever creates, starts or stops the server.
"""

from __future__ import annotations

# ruff: noqa: PTH108, PTH110, PTH112, PTH115, PTH116, PTH118, PTH123
# pathlib is left alone: importing it would be a third of the start-up time.
import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from typing import Any

START_PATIENCE = 600.0  # seconds; crash recovery may have gigabytes of WAL to replay
OLD_SERVER_PATIENCE = 60.0  # seconds for the processes of a killed server to go away
STOP_PATIENCE = 120.0  # seconds until a fast shutdown becomes an immediate one
TICK = 0.5  # seconds between two looks at the clients
MAX_LOG_BYTES = 8 * 1024 * 1024  # one older generation of this size is kept besides
TAIL_BYTES = 4096
SOCKET_LOCK = ".s.PGSQL.5432.lock"
READY_LINE = 7  # of postmaster.pid: "starting", "ready", "stopping"


def try_lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Take a lock without waiting; says whether it was taken."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class StartError(Exception):
    """The server does not start; the text is for the process that waits for it."""


class Keeper:
    """One keeper, with the paths and limits that it was started with."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.home: str = config["home"]
        self.data: str = config["data"]
        self.sockets: str = config["sockets"]
        self.command: list[str] = config["command"]
        self.identity: dict[str, Any] = config["identity"]
        self.linger: float = config["linger"]
        self.report_to: int | None = config["report"]
        self.log_path = os.path.join(self.home, "server.log")
        self.clients = self._open("clients")
        self.lock = self._open("lock")
        self.child: subprocess.Popen[bytes] | None = None
        self.wake, wake_up = os.pipe()
        os.set_blocking(wake_up, False)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._asked_to_end)
        signal.set_wakeup_fd(wake_up)
        self.asked = False

    def _asked_to_end(self, *_: object) -> None:
        self.asked = True

    def _open(self, name: str) -> int:
        return os.open(os.path.join(self.home, name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def report(self, state: str, detail: str = "") -> None:
        """Tell the process that waits, once, how the start went; it may be gone by now."""
        if self.report_to is None:
            return
        try:
            os.write(self.report_to, json.dumps({"state": state, "detail": detail}).encode())
        except OSError:
            pass
        finally:
            os.close(self.report_to)
            self.report_to = None

    # -- starting ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the server and wait until it accepts connections.

        Raises:
            StartError: it ended instead, or processes of an earlier server do not.
        """
        deadline = time.monotonic() + START_PATIENCE
        while True:
            alive = self._claim()
            position = self._log_size()
            self._remove_stale_lock_files()
            self._spawn(alive)
            if self._becomes_ready(deadline):
                return
            tail = self._log_tail(position)
            if "shared memory block" not in tail or time.monotonic() > deadline:
                raise StartError(json.dumps({"status": self.child.returncode if self.child else None, "log": tail}))
            time.sleep(0.2)  # the last process of a killed server still holds its memory

    def _claim(self) -> int:
        """Take the lock that the server will inherit, when everything of an earlier server has ended."""
        alive = self._open("alive")
        deadline = time.monotonic() + OLD_SERVER_PATIENCE
        while not try_lock(alive):
            if time.monotonic() > deadline:
                raise StartError(json.dumps({"status": None, "log": "processes of an earlier server do not end"}))
            time.sleep(0.01)
        return alive

    def _spawn(self, alive: int) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        log = os.open(self.log_path, flags, 0o600)
        try:
            self.child = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(alive,),
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
                umask=0o077,
                **self.identity,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise StartError(json.dumps({"status": None, "log": str(error)})) from error
        finally:
            os.close(log)
            os.close(alive)

    def _becomes_ready(self, deadline: float) -> bool:
        assert self.child is not None  # nosec B101  # noqa: S101 - set by _spawn
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                return False
            lines = self._pid_file()
            if len(lines) > READY_LINE and lines[0] == str(self.child.pid) and lines[READY_LINE].startswith("ready"):
                return True
            if self.asked:
                self._stop_server()
                return False
            time.sleep(0.005)
        raise StartError(json.dumps({"status": None, "log": f"not ready after {START_PATIENCE:.0f} s"}))

    def _pid_file(self) -> list[str]:
        try:
            with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8", errors="replace") as file:
                return file.read().splitlines()
        except OSError:
            return []

    def _remove_stale_lock_files(self) -> None:
        """Remove what a killed server left, since its process number may by now belong to somebody else.

        Where nobody reaps it, the dead process keeps it for ever, and PostgreSQL takes that for a server that runs.
        The lock `alive` proves that no server of ours lives. A server that a person started by hand does not hold it,
        so its files stay where its process works in the data folder; PostgreSQL then refuses with a clear message.
        """
        if not os.path.isdir("/proc/self"):
            return
        for path in (os.path.join(self.data, "postmaster.pid"), os.path.join(self.sockets, SOCKET_LOCK)):
            with contextlib.suppress(FileNotFoundError):
                with open(path, encoding="utf-8", errors="replace") as file:
                    pid = file.readline().strip()
                if not self._works_here(pid):
                    os.unlink(path)

    def _works_here(self, pid: str) -> bool:
        """Whether a process lives and works in the data folder."""
        try:
            return os.readlink(f"/proc/{int(pid)}/cwd") == os.path.realpath(self.data)
        except (OSError, ValueError):
            return False

    # -- watching ----------------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Return when the server has ended, or when it was stopped because nobody used it for `linger` seconds."""
        idle_since: float | None = None
        last_use = 0.0
        place, pid = self._place(), self._server_pid()
        while not self._moved(place) and self._server_lives():
            self._bound_log()
            if self.asked and self._stop_server():
                return
            used = os.fstat(self.clients).st_mtime
            if self._in_use() or self._pinned():
                idle_since = None
            elif idle_since is None or used != last_use:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since >= self.linger and self._stop_if_unused():
                return
            last_use = used
            self._sleep()
        if self._moved(place):
            self._kill_server(pid, place)

    def _sleep(self) -> None:
        readable, _, _ = select.select([self.wake], [], [], min(TICK, max(self.linger / 4, 0.02)))
        if readable:
            os.read(self.wake, 512)

    def _server_lives(self) -> bool:
        if self.child is not None:
            return self.child.poll() is None
        alive = self._open("alive")
        try:
            return not try_lock(alive, fcntl.LOCK_SH)
        finally:
            os.close(alive)

    def _place(self) -> tuple[int, int]:
        """Which folder the data is in, whatever its path."""
        found = os.stat(self.data)
        return found.st_dev, found.st_ino

    def _moved(self, place: tuple[int, int]) -> bool:
        """Whether the data is not where it was: moved, removed, or another one is there."""
        try:
            return self._place() != place
        except FileNotFoundError:
            return True
        except OSError:
            return False  # who knows

    def _server_pid(self) -> int | None:
        if self.child is not None:
            return self.child.pid
        try:
            return int(self._pid_file()[0])  # of a server that holds the lock `alive`, so the number is its own
        except (IndexError, ValueError):
            return None

    def _kill_server(self, pid: int | None, place: tuple[int, int]) -> None:
        """End a server whose data is not where it was, before its next checkpoint.

        PostgreSQL writes that to the path, where the data of another server may be by now, and destroys it.
        """
        with contextlib.suppress(OSError):
            if self.child is not None:
                self.child.send_signal(signal.SIGQUIT)
                self.child.wait()
            elif pid is not None:
                found = os.stat(f"/proc/{pid}/cwd")
                if (found.st_dev, found.st_ino) == place:
                    os.kill(pid, signal.SIGQUIT)

    def _pinned(self) -> bool:
        return os.path.exists(os.path.join(self.home, "pinned"))

    def _in_use(self) -> bool:
        if try_lock(self.clients):
            fcntl.flock(self.clients, fcntl.LOCK_UN)
            return False
        return True

    def _stop_if_unused(self) -> bool:
        """Stop the server unless somebody has just come; nobody can come while it is being stopped."""
        if not try_lock(self.lock):
            return False
        try:
            return not self._pinned() and try_lock(self.clients) and self._stop_server()
        finally:
            fcntl.flock(self.clients, fcntl.LOCK_UN)
            fcntl.flock(self.lock, fcntl.LOCK_UN)

    def _stop_server(self) -> bool:
        """Fast shutdown, and an immediate one (which costs a crash recovery) when that takes too long."""
        for signal_number, patience in ((signal.SIGINT, STOP_PATIENCE), (signal.SIGQUIT, 15.0)):
            self._signal(signal_number)
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                if not self._server_lives():
                    return True
                time.sleep(0.01)
        return False

    def _signal(self, signal_number: int) -> None:
        if self.child is not None:
            self.child.send_signal(signal_number)
            return
        pid = self._server_pid()
        with contextlib.suppress(ProcessLookupError):
            if pid is not None:
                os.kill(pid, signal_number)

    # -- log ---------------------------------------------------------------------------------------------------------

    def _log_size(self) -> int:
        try:
            return os.stat(self.log_path).st_size
        except OSError:
            return 0

    def _log_tail(self, position: int) -> str:
        try:
            with open(self.log_path, "rb") as file:
                file.seek(max(position, self._log_size() - TAIL_BYTES))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def _bound_log(self) -> None:
        """Keep the newest part as `server.log.1` and begin again; the server appends, so it needs no telling."""
        if self._log_size() <= MAX_LOG_BYTES:
            return
        with open(self.log_path, "rb") as file:
            file.seek(self._log_size() - MAX_LOG_BYTES)
            newest = file.read(MAX_LOG_BYTES)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(f"{self.log_path}.1", flags, 0o600), "wb") as older:
            older.write(newest)
        os.truncate(self.log_path, 0)


def main(arguments: list[str]) -> None:
    """Detach, start or adopt the server that the JSON document in `arguments[0]` describes, and watch it."""
    if os.fork():
        os._exit(0)  # the keeper must not be a child of the command that needed a database first
    config = json.loads(arguments[0])
    keeper = Keeper(config)
    if not config["adopt"]:
        try:
            keeper.start()
        except StartError as failure:
            keeper.report("failed", str(failure))
            return
        except OSError as error:
            keeper.report("failed", json.dumps({"status": None, "log": str(error)}))
            return
    keeper.report("ready")
    keeper.watch()


if __name__ == "__main__":
    main(sys.argv[1:])
