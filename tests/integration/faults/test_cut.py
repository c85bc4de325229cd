"""A connection that breaks anywhere costs a sentence and exit code 3: the state is the one before or the one after."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count, cycle
from pathlib import Path

import pytest
from fix_faults import AFTER, BEFORE, analyze, ends, stored, wait_until_alone, write_tree
from fix_proxy import Message, Proxy, proxy
from psycopg.conninfo import make_conninfo

from agentforge.cli import run
from agentforge.store.connection import DEFAULTS, DatabaseSettings, connect

# Where a conversation can break so that it makes a difference: what comes before one of these is sent with it.
POINTS = (b"", b"p", b"Q", b"S", b"d", b"c")
LOG = 4  # the last of them, which log the command


@pytest.fixture
def line(migrated_url: str) -> Iterator[Proxy]:
    with proxy(migrated_url) as state:
        yield state


@pytest.fixture
def tree(tmp_path: Path, migrated_url: str) -> Path:
    """Analysed once; it has changed since."""
    write_tree(tmp_path / "project", BEFORE)
    assert analyze(tmp_path / "project", migrated_url) == 1
    write_tree(tmp_path / "project", AFTER)
    return tmp_path / "project"


def nth(line: Proxy, number: int) -> Callable[[Message], bool]:
    """Whether a message is the `number`th, from 1, of those where a cut makes a difference."""
    return lambda message: message.kind in POINTS and sum(item.kind in POINTS for item in line.seen) == number


def commit_of_results(line: Proxy) -> Callable[[Message], bool]:
    """Whether a message is the COMMIT after which the results of a run count."""
    return lambda message: message.raw[5:] == b"COMMIT\0" and any(b"incoming_violations" in i.raw for i in line.seen)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """What went to stderr: what is wrong in a line, with advice or without, and nothing of Python."""
    error = capsys.readouterr().err
    assert "Traceback" not in error and "Internal error" not in error, error
    wrong = [line for line in error.splitlines() if line.startswith("agentforge: ")]
    assert len(wrong) == 1, error
    assert "connection" in wrong[0] or "timed out" in wrong[0]
    return error


def test_a_cut_anywhere_in_an_analysis_leaves_the_state_before_or_after(
    tree: Path, line: Proxy, migrated_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """At every message of the conversation: half of it arrives, or its answer is lost, by turns."""
    before = stored(migrated_url)
    trees = cycle([BEFORE | {"b.py": None}, AFTER])
    lost = done = 0
    for number in count(1):
        line.arm(nth(line, number), "deaf" if number % 2 else "half")
        code = analyze(tree, line.url)
        if not line.broken.is_set():
            break
        state = stored(migrated_url)
        if code == 3:
            said(capsys)
        else:
            assert (code, state != before) == (1, True), "what was reported as done is there"
        if state == before:
            lost += 1
            continue
        done += 1
        assert analyze(tree, migrated_url) == 1
        assert stored(migrated_url) == state, "nothing is left to do"
        write_tree(tree, next(trees))
        before = state
    assert lost > 50
    assert done > 6
    assert ends(migrated_url).count("failed") > 40
    assert "running" not in ends(migrated_url)


def test_a_lost_word_of_the_commit_loses_nothing(
    tree: Path, line: Proxy, migrated_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = stored(migrated_url)
    line.arm(commit_of_results(line), "deaf")
    assert analyze(tree, line.url) == 3
    assert "nothing was half-written" in said(capsys)
    after = stored(migrated_url)
    assert after != before
    assert analyze(tree, migrated_url) == 1
    assert stored(migrated_url) == after
    assert ends(migrated_url) == ["completed", "completed", "completed"]


def test_a_commit_that_never_arrives_writes_nothing(
    tree: Path, line: Proxy, migrated_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = stored(migrated_url)
    line.arm(commit_of_results(line), "half")
    assert analyze(tree, line.url) == 3
    assert "nothing was half-written" in said(capsys)
    assert stored(migrated_url) == before
    assert analyze(tree, migrated_url) == 1
    assert ends(migrated_url) == ["completed", "failed", "completed"]


@pytest.mark.parametrize("table", ["incoming_functions", "incoming_violations"])
def test_a_cut_in_the_middle_of_a_copy_writes_nothing(
    tree: Path, line: Proxy, migrated_url: str, capsys: pytest.CaptureFixture[str], table: str
) -> None:
    before = stored(migrated_url)
    line.arm(lambda message: message.kind == b"d" and f"COPY {table}".encode() in line.seen[-2].raw, "half")
    assert analyze(tree, line.url) == 3
    assert line.broken.is_set()
    said(capsys)
    assert stored(migrated_url) == before
    assert analyze(tree, migrated_url) == 1
    assert ends(migrated_url) == ["completed", "failed", "completed"]


def test_a_dead_network_is_noticed(
    tree: Path, line: Proxy, migrated_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The packets of a connection vanish in the middle of the transaction, and nobody closes it."""
    before = stored(migrated_url)
    line.arm(commit_of_results(line), "frozen")
    began = time.monotonic()
    patience = {"tcp_user_timeout": 500, "keepalives_idle": 1, "keepalives_interval": 1}
    assert analyze(tree, make_conninfo(line.url, **patience)) == 3
    assert time.monotonic() - began < 10
    assert line.broken.is_set()
    assert "timed out" in said(capsys)
    line.thawed.set()
    assert stored(migrated_url) == before
    assert analyze(tree, migrated_url) == 1
    assert ends(migrated_url) == ["completed", "failed", "completed"]


def test_every_connection_watches_the_network(line: Proxy, migrated_url: str) -> None:
    options = {
        "tcp_user_timeout": socket.TCP_USER_TIMEOUT,
        "keepalives_idle": socket.TCP_KEEPIDLE,
        "keepalives_interval": socket.TCP_KEEPINTVL,
        "keepalives_count": socket.TCP_KEEPCNT,
    }
    with connect(DatabaseSettings(url=line.url)) as connection:
        end = socket.socket(fileno=os.dup(connection.fileno()))
        with end:
            assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            found = {name: str(end.getsockopt(socket.IPPROTO_TCP, option)) for name, option in options.items()}
    assert found == {name: DEFAULTS[name] for name in options}


@pytest.mark.parametrize("command", ["similar total", "db maintain", "db partitions", "db init"])
def test_other_commands_say_that_the_database_is_lost(
    tree: Path, line: Proxy, migrated_url: str, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    for _ in range(2):  # the first may have more to do than those that follow
        line.arm(None)
        assert run([*command.split(), "--database-url", line.url]) == 0
    whole = sum(message.kind in POINTS for message in line.seen)
    capsys.readouterr()
    lost = 0
    for number in range(1, whole + 1, 1 + whole // 12):
        line.arm(nth(line, number))
        code = run([*command.split(), "--database-url", line.url])
        assert line.broken.is_set()
        if code == 0:
            assert number > whole - LOG, "no more than the log of the command is lost"
            capsys.readouterr()
            continue
        assert code == 3
        said(capsys)
        lost += 1
        wait_until_alone(migrated_url)
    assert lost > 3
    line.arm(None)
    assert run([*command.split(), "--database-url", line.url]) == 0


def test_what_the_driver_logs_of_a_lost_connection_is_not_printed_beside_the_message() -> None:
    log = "import logging, agentforge.store.faults; logging.getLogger('psycopg').warning('connection lost')"
    done = subprocess.run([sys.executable, "-c", log], capture_output=True, text=True, check=True)
    assert done.stderr == ""
