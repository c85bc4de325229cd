"""Start, reach and stop the embedded server."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from agentforge.errors import EmbeddedServerError
from agentforge.store.embedded import cluster, exchange
from agentforge.store.embedded.account import Account, server_account
from agentforge.store.embedded.binaries import Binaries, find_binaries, usable_by
from agentforge.store.embedded.locks import FileLock
from agentforge.store.embedded.paths import ServerPaths, locate, prepare
from agentforge.store.embedded.removed import check_running, data_removed, programs_removed
from agentforge.store.embedded.settings import configuration

PATIENCE = 600.0  # seconds to wait for a start, a crash recovery or a stop
KEEPER_PATIENCE = 5.0  # seconds in which a keeper notices that the data of its server is gone
FAST_SHUTDOWN_SECONDS = 60.0  # then an immediate one, which costs a crash recovery at the next start
LINGER_SECONDS = 30.0
KEEPER = Path(__file__).with_name("keeper.py")

T = TypeVar("T")


def _ignore(_: str) -> None:
    """Nobody wants to hear it."""


def _loader_environment() -> dict[str, str]:
    """Where this Python's own shared library is found; some (GitHub's setup-python) cannot start without it."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}


class Server:
    """The embedded server that belongs to one data folder; making this object touches nothing.

    Args:
        data_dir: the folder, None for the one in the user's data folder.
        linger_seconds: how long the server runs on when its last client has gone.
        on_event: told, in a few words, what takes longer than usual.

    Raises:
        EmbeddedServerError: there is no place for it.
    """

    def __init__(
        self,
        data_dir: str | None = None,
        linger_seconds: float = LINGER_SECONDS,
        on_event: Callable[[str], None] = _ignore,
    ) -> None:
        self.account: Account = server_account()
        self.paths: ServerPaths = locate(data_dir, self.account)
        self._linger = linger_seconds
        self._on_event = on_event

    # -- reaching it -------------------------------------------------------------------------------------------------

    def ensure_running(self) -> str:
        """Create and start the server where necessary; returns the connection string, which holds no password.

        The server may stop again after its linger unless `client()` is held or it is pinned.

        Raises:
            EmbeddedServerError: it cannot be made to run.
        """
        prepare(self.paths, self.account)
        with FileLock(self.paths.lock("lock")) as lock:
            if not lock.take(timeout=PATIENCE, on_wait=self._tell_waiting):
                raise self._gave_up("another process has been creating, starting or stopping it")
            if programs_removed(self.paths):
                self._end()
            if self._keeper_present() and self.ping() == Ping.OK and not data_removed(self.paths):
                check_running(self.paths)
            else:
                self._start(lock)
        return self.conninfo

    def reach(self, attempt: Callable[[], T]) -> T:
        """What `attempt`, a connection with `parameters()`, returns; starts the server first when that fails.

        A running server thus costs the connection and nothing else. Call it while `client()` is held.

        Raises:
            EmbeddedServerError: the server cannot be made to run.
            psycopg.OperationalError: it runs and refuses the connection.
        """
        if self.paths.password.exists() and not programs_removed(self.paths):
            try:
                result = attempt()
            except psycopg.OperationalError:
                pass
            else:
                self._revive_keeper()
                return result
        self.ensure_running()
        return attempt()

    @contextmanager
    def client(self) -> Iterator[None]:
        """Count as a client: the server is not stopped for want of use before this ends, or the process does."""
        prepare(self.paths, self.account)
        with FileLock(self.paths.lock("clients")) as clients:
            if not clients.take(shared=True, timeout=PATIENCE):  # only while the keeper is stopping the server
                raise self._gave_up("it has been stopping")
            clients.touch()
            yield

    @property
    def conninfo(self) -> str:
        """The connection string; the password stands in the file that it names."""
        return make_conninfo("", **self._where(), passfile=str(self.paths.password))

    def parameters(self) -> dict[str, str]:
        """Keyword arguments of `psycopg.connect`, the password among them, so that no `PGPASSWORD` gets in the way."""
        return {**self._where(), "password": cluster.read_password(self.paths)}

    def _where(self) -> dict[str, str]:
        """Everything that libpq would otherwise take from the environment."""
        return {
            "host": str(self.paths.sockets),
            "hostaddr": "",
            "port": "5432",
            "user": cluster.OWNER,
            "dbname": cluster.OWNER,
            "sslmode": "disable",
            "gssencmode": "disable",
            "channel_binding": "disable",
            "require_auth": "scram-sha-256",
            "target_session_attrs": "any",
            "options": "",
        }

    # -- starting ----------------------------------------------------------------------------------------------------

    def _start(self, lock: FileLock) -> None:
        """Bring the server to the point where it answers, whatever state it is in; the lock is held."""
        binaries: Binaries | None = None
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            state = self.ping()
            keeper = None if state in (Ping.OK, Ping.REJECT) else self._claim_keeper()
            if keeper is None:
                if not data_removed(self.paths) or time.monotonic() > deadline - PATIENCE + KEEPER_PATIENCE:
                    check_running(self.paths)
                    if state == Ping.OK:
                        self._revive_keeper()
                        return
                time.sleep(0.01)  # it starts, recovers or stops, or its keeper is about to notice that it is gone
                continue
            with keeper:
                binaries = binaries or self._prepare_cluster(lock)
                self._launch(keeper, binaries)
        raise self._gave_up("it has been starting")

    def _prepare_cluster(self, lock: FileLock) -> Binaries:
        exchange.finish(self.paths)
        major = cluster.existing_major(self.paths)
        binaries = find_binaries(major)
        if major is not None:
            cluster.check_existing(self.paths, binaries, major, self.account)
        binaries = usable_by(binaries, self.account)
        if major is None:
            self._on_event(f"creating the embedded database in {self.paths.home} (first run)")
            cluster.create(self.paths, binaries, self.account, lock)
        self._write_configuration()
        return binaries

    def _write_configuration(self) -> None:
        work = self.paths.configuration.with_suffix(".new")
        try:
            work.write_text(configuration(self.paths.sockets), encoding="utf-8")
            work.chmod(0o644)  # the server's account reads it; the folder around it is private
            work.rename(self.paths.configuration)
        except OSError as error:
            raise cluster.explain_failure(str(error), 0, self.paths.home) from error

    def _launch(self, keeper: FileLock, binaries: Binaries) -> None:
        """Start a keeper that starts the server, and wait for its word."""
        reader, writer = os.pipe()
        try:
            command = [binaries.program("postgres"), "-D", str(self.paths.data)]
            self._spawn_keeper(keeper, command, writer)
        finally:
            os.close(writer)
        with os.fdopen(reader, "rb") as reports:
            report = self._await_report(reports.fileno())
        if report.get("state") == "ready":
            return
        detail = json.loads(report.get("detail") or "{}")
        raise cluster.explain_failure(str(detail.get("log", "")), detail.get("status"), self.paths.home)

    def _await_report(self, descriptor: int) -> dict[str, str]:
        ready, _, _ = select.select([descriptor], [], [], 3.0)
        if not ready:
            self._on_event("waiting for the embedded database, which may be recovering from a crash")
            ready, _, _ = select.select([descriptor], [], [], PATIENCE)
        text = os.read(descriptor, 65536) if ready else b""
        return dict(json.loads(text)) if text else {}

    def _spawn_keeper(self, keeper: FileLock, command: list[str], report: int | None) -> None:
        """Run keeper.py apart from this process; it inherits the lock that says that there is a keeper.

        Args:
            keeper: the lock, held.
            command: starts the server; empty when it runs already.
            report: descriptor on which the keeper says how the start went.
        """
        config = {
            "home": str(self.paths.home),
            "data": str(self.paths.data),
            "sockets": str(self.paths.sockets),
            "command": command,
            "identity": self.account.identity(),
            "linger": self._linger,
            "report": report,
            "adopt": not command,
        }
        try:
            subprocess.run(
                [sys.executable, "-I", "-S", str(KEEPER), json.dumps(config)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[keeper.fileno()] + ([] if report is None else [report]),
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **_loader_environment()},
                umask=0o077,
                start_new_session=True,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise EmbeddedServerError(
                f"cannot run {sys.executable} to look after the embedded database.",
                "Name another database by --database-url.",
            ) from error

    def _claim_keeper(self) -> FileLock | None:
        """The lock of the keeper, None while there is one."""
        keeper = FileLock(self.paths.lock("keeper"))
        if keeper.try_take():
            return keeper
        keeper.close()
        return None

    def _keeper_present(self) -> bool:
        keeper = self._claim_keeper()
        if keeper is None:
            return True
        keeper.close()
        return False

    def _revive_keeper(self) -> None:
        """Give a running server whose keeper was killed a new one."""
        keeper = self._claim_keeper()
        if keeper is not None:
            with keeper:
                self._spawn_keeper(keeper, [], None)

    def ping(self) -> Ping:
        """What `pg_isready` says, which is this very function."""
        return Ping(PGconn.ping(make_conninfo("", **self._where(), connect_timeout=5).encode()))

    # -- stopping ----------------------------------------------------------------------------------------------------

    def start(self) -> str:
        """Let the server run until `stop()`, with or without clients; returns the connection string."""
        with self.client():
            conninfo = self.ensure_running()
            self.paths.pinned.touch(mode=0o600)
        return conninfo

    def stop(self) -> bool:
        """End the server, and its clients' connections with it; says whether there was one to end.

        Raises:
            EmbeddedServerError: it does not end.
        """
        if not self.paths.lock("lock").exists():
            return False
        prepare(self.paths, self.account)
        with FileLock(self.paths.lock("lock")) as lock:
            if not lock.take(timeout=PATIENCE, on_wait=self._tell_waiting):
                raise self._gave_up("another process has been creating, starting or stopping it")
            self.paths.pinned.unlink(missing_ok=True)
            return self._end()

    def _end(self) -> bool:
        """End the server, if there is one, and say whether there was; the lock is held."""
        with FileLock(self.paths.lock("alive")) as alive:
            if alive.try_take():
                return False
            self._signal_postmaster(signal.SIGINT)  # fast shutdown: clients are disconnected, nothing is lost
            if not alive.take(timeout=FAST_SHUTDOWN_SECONDS):
                # PostgreSQL 18 waits for ever when it is asked in the middle of a restart after a crash.
                self._signal_postmaster(signal.SIGQUIT)
                if not alive.take(timeout=PATIENCE):
                    raise self._gave_up("it has been stopping")
        return True

    def _signal_postmaster(self, number: signal.Signals) -> None:
        pid = self.pid
        try:
            if pid is not None:
                os.kill(pid, number)
        except ProcessLookupError:
            pass
        except PermissionError as error:
            raise EmbeddedServerError(
                f"process {pid} belongs to another account.", "Stop the server as the user who started it."
            ) from error

    @property
    def pid(self) -> int | None:
        """The process number in postmaster.pid, None without such a file; means nothing unless the server runs."""
        try:
            return int((self.paths.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def _tell_waiting(self) -> None:
        self._on_event("waiting for another process that starts or stops the embedded database")

    def _gave_up(self, what: str) -> EmbeddedServerError:
        return EmbeddedServerError(
            f"the embedded database did not become available: {what} for {PATIENCE:.0f} seconds.",
            f"See its log {self.paths.log}, or name another database by --database-url.",
        )
