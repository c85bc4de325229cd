"""Starting, using, lingering, stopping, and every kind of sudden death."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from fix_embedded import LINGER, is_alive, run_client, start_client, wait_for_line, wait_until

from agentforge.errors import DatabaseError, EmbeddedServerError
from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.embedded import control
from agentforge.store.embedded.locks import FileLock
from agentforge.store.embedded.paths import SOCKET_NAME
from agentforge.store.embedded.server import Server


@pytest.fixture
def settings(ready_folder: Path) -> DatabaseSettings:
    return DatabaseSettings(data_dir=str(ready_folder), linger_seconds=LINGER)


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def stopped(settings: DatabaseSettings) -> bool:
    return control.status(settings).state == "stopped"


def test_connection_is_ready_to_use(settings):
    with connect(settings) as connection:
        assert connection.autocommit
        show = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]
            for name in (
                "search_path",
                "application_name",
                "fsync",
                "listen_addresses",
                "hnsw.ef_search",
                "hnsw.iterative_scan",
                "shared_preload_libraries",
                "timezone",
                "lc_messages",
                "password_encryption",
            )
        }
        provider = connection.execute(
            "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding) FROM pg_database "
            "WHERE datname = current_database()"
        ).fetchone()
    assert show == {
        "search_path": "agentforge, pg_catalog",
        "application_name": "agentforge",
        "fsync": "on",
        "listen_addresses": "",
        "hnsw.ef_search": "100",
        "hnsw.iterative_scan": "relaxed_order",
        "shared_preload_libraries": "pg_stat_statements",
        "timezone": "UTC",
        "lc_messages": "C",
        "password_encryption": "scram-sha-256",
    }
    assert provider == ("b", "C.UTF-8", "UTF8")


def test_extensions_that_the_schema_needs_are_there(settings):
    with connect(settings) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM pg_available_extensions")}
    assert {"vector", "pg_stat_statements", "pg_trgm"} <= names


def test_stops_after_the_linger_and_not_before(settings):
    with connect(settings):
        pass
    assert control.status(settings).state == "running"
    assert wait_until(lambda: stopped(settings))


def test_lingers_again_after_another_client(settings):
    with connect(settings):
        first = control.status(settings).pid
    time.sleep(LINGER * 0.7)
    with connect(settings):
        pass
    time.sleep(LINGER * 0.7)
    assert control.status(settings).pid == first and control.status(settings).state == "running"


def test_does_not_stop_under_a_client(settings):
    with connect(settings) as connection:
        time.sleep(LINGER * 3)
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_killed_client_counts_no_longer(settings, ready_folder):
    with start_client(ready_folder, seconds=600) as client:
        wait_for_line(client, "pid")
        time.sleep(LINGER * 2)
        assert control.status(settings).state == "running"
        client.kill()
    assert wait_until(lambda: stopped(settings))


def test_forked_worker_does_not_keep_the_server(settings):
    context = multiprocessing.get_context("fork")
    holding = context.Event()
    with connect(settings):
        worker = context.Process(target=holding.wait)
        worker.start()
    try:
        assert wait_until(lambda: stopped(settings))
        assert worker.is_alive()
    finally:
        holding.set()
        worker.join()


def test_killed_postmaster_is_replaced_and_nothing_committed_is_lost(settings):
    with connect(settings) as connection:
        connection.execute("CREATE TABLE public.kept AS SELECT generate_series(1, 1000) AS n")
        killed = control.status(settings).pid
        os.kill(killed, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            for _ in range(100):
                connection.execute("SELECT 1")
                time.sleep(0.05)
    with connect(settings) as connection:
        assert connection.execute("SELECT sum(n) FROM public.kept").fetchone() == (500500,)
        connection.execute("DROP TABLE public.kept")
        assert control.status(settings).pid != killed


@pytest.mark.parametrize("removed", ["home", "data"])
def test_data_removed_under_the_server_is_made_anew_and_the_server_is_ended(open_folder, removed):
    """Its next checkpoint would go into the new data. Beside a long path the socket is elsewhere, and still there."""
    settings = DatabaseSettings(data_dir=str(open_folder / ("x" * 100)), linger_seconds=60)
    server = Server(settings.data_dir)
    with connect(settings) as connection:
        connection.execute("CREATE TABLE public.old ()")
        pid = control.status(settings).pid
    try:
        shutil.rmtree(getattr(server.paths, removed))
        with connect(settings) as connection:
            assert connection.execute("SELECT to_regclass('public.old')").fetchone() == (None,)
            assert not is_alive(pid)
            control.stop(settings)
        with connect(settings) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        control.stop(settings)
        shutil.rmtree(server.paths.sockets, ignore_errors=True)


def test_socket_removed_under_the_server_is_said_at_once(settings):
    with connect(settings):
        server = Server(settings.data_dir)
    control.start(settings)
    (server.paths.sockets / SOCKET_NAME).unlink()
    with pytest.raises(EmbeddedServerError, match=r"socket of .* was removed") as refused, connect(settings):
        pass
    assert "agentforge db stop" in refused.value.hint
    assert control.stop(settings)
    with connect(settings) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_server_whose_programs_were_removed_is_replaced(settings):
    """As where the environment that it came in is made anew within its linger."""
    with connect(settings) as connection:
        connection.execute("CREATE TABLE public.kept ()")
    server = Server(settings.data_dir, LINGER)
    old, options = server.pid, server.paths.data / "postmaster.opts"
    options.write_text('/no/such/environment/bin/postgres "-D" "data"\n')
    with connect(settings) as connection:
        connection.execute("DROP TABLE public.kept")
    assert server.pid != old
    assert "/no/such" not in options.read_text()


def test_server_gone_in_the_middle_says_what_to_do(settings):
    with pytest.raises(DatabaseError, match="run again when it is back"), connect(settings) as connection:
        control.stop(settings)
        connection.execute("SELECT 1")


def test_everything_killed_at_once(settings):
    with connect(settings):
        server = control.status(settings).pid
        keeper = parent_of(server)
        for pid in (keeper, server, *children_of(server)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    with connect(settings) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_killed_keeper_is_replaced_and_the_server_stops(settings):
    with connect(settings):
        server = control.status(settings).pid
        os.kill(parent_of(server), signal.SIGKILL)
    time.sleep(LINGER * 2)
    assert is_alive(server)
    with connect(settings):
        assert control.status(settings).pid == server
    assert wait_until(lambda: stopped(settings))
    assert wait_until(lambda: not is_alive(server))


@pytest.mark.parametrize("pid", ["1", "{self}", "999999999", "nonsense"])
def test_stale_pid_file(settings, pid):
    paths = Server(settings.data_dir).paths
    text = f"{pid.format(self=os.getpid())}\n{paths.data}\n1700000000\n5432\n{paths.sockets}\n\n 1 1\nready\n"
    (paths.data / "postmaster.pid").write_text(text)
    with connect(settings) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_start_stays_until_stop(settings):
    status = control.start(settings)
    assert (status.state, status.pinned) == ("running", True)
    time.sleep(LINGER * 3)
    again = control.status(settings)
    assert (again.state, again.pid, again.clients) == ("running", status.pid, 0)
    assert again.version.startswith("18.") and again.size > 30_000_000 and again.socket.is_socket()
    assert control.stop(settings)
    assert control.stop(settings) is False
    after = control.status(settings)
    assert (after.state, after.pinned, after.pid) == ("stopped", False, None)


def test_status_counts_clients_and_starts_nothing(settings):
    assert control.status(settings).state == "stopped"
    with connect(settings), connect(settings):
        assert control.status(settings).clients == 2


def test_status_of_nothing(folder):
    status = control.status(DatabaseSettings(data_dir=str(folder)))
    assert (status.state, status.size, status.version) == ("absent", 0, "")
    assert control.stop(DatabaseSettings(data_dir=str(folder))) is False
    assert not folder.exists()


def test_many_at_once_start_one_server(ready_folder):
    clients = [start_client(ready_folder, seconds=1.0) for _ in range(4)]
    outputs = [client.communicate(timeout=60)[0] for client in clients]
    assert all("pid" in output for output in outputs)
    log = Server(str(ready_folder)).paths.log.read_text()
    last = log[log.rindex("starting PostgreSQL") :]
    assert "not properly shut down" not in last and "shutdown request" not in last.split("ready to accept")[0]


def test_commands_in_a_row_while_it_stops(settings, ready_folder):
    """Clients that come just when the linger ends are served, whichever side of the stop they fall on."""
    for round_number in range(6):
        output = run_client(ready_folder)
        assert "pid" in output, output
        time.sleep(LINGER + round_number * 0.05)


def test_pool_of_workers_leaves_the_parents_lock_alone(settings):
    with connect(settings) as connection:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
            assert pool.submit(abs, -1).result() == 1
        with FileLock(Server(settings.data_dir).paths.lock("clients")) as probe:
            assert not probe.try_take()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_log_is_private_and_holds_no_password(settings):
    server = Server(settings.data_dir)
    with connect(settings) as connection:
        password = server.parameters()["password"]
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT 'a secret in a statement' FROM nowhere")
    assert server.paths.log.stat().st_mode & 0o077 == 0
    text = server.paths.log.read_text()
    assert password not in text and "a secret" not in text
