"""A full disk under the embedded server: it says so, half-writes nothing, and goes on with more space."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from fix_faults import AFTER, BEFORE, ends, run, stored, write_tree

from agentforge.store.embedded.server import Server

BALLAST = "ballast"


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 140 MB of its own."""
    folder = Path("/tmp") / f"af-disk-{os.getpid()}"
    folder.mkdir(mode=0o711)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=140m,mode=0711", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    folder.rmdir()


@pytest.fixture
def server(small_disk: Path) -> Iterator[Server]:
    """One that keeps its data on the small disk; it is stopped in the end."""
    server = Server(str(small_disk / "data"))
    if not server.paths.data.is_relative_to(small_disk):
        pytest.skip("the embedded server keeps its data elsewhere for this user")
    yield server
    (small_disk / BALLAST).unlink(missing_ok=True)
    server.stop()


def fill(disk: Path, bytes_left: int) -> None:
    """Leave so much of a disk, and no more."""
    left = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    try:
        (disk / BALLAST).write_bytes(b"\0" * max(0, left - bytes_left))
    except OSError as error:  # the server took some of it meanwhile
        if error.errno != errno.ENOSPC:
            raise


def command(server: Server, *arguments: str) -> int:
    return run([*arguments, "--data-dir", str(server.paths.home)])


def said(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err
    assert "Traceback" not in error and "Internal error" not in error, error
    return error


def big_tree(root: Path) -> None:
    """Some 1.2 MB of code in functions that are all different."""
    for number in range(10):
        functions = (f"def f{number}_{index}(a):\n    return [{index}, '{'x' * 3000}{index}']\n" for index in range(40))
        (root / f"m{number}.py").write_text("".join(functions))


def test_a_disk_that_fills_up_in_mid_run(
    small_disk: Path, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = tmp_path / "project"
    write_tree(tree, BEFORE)
    assert command(server, "analyze", str(tree)) == 1
    with server.client():
        url = server.ensure_running()
        before = stored(url)
        write_tree(tree, AFTER)
        big_tree(tree)
        fill(small_disk, 600_000)
        capsys.readouterr()
        assert command(server, "analyze", str(tree)) == 3
        assert "free some space" in said(capsys)
        assert command(server, "similar", "total") == 0, "reading goes on"
        (small_disk / BALLAST).unlink()
        assert stored(server.ensure_running()) == before
        assert command(server, "analyze", str(tree), "--quiet") == 1
        assert "12 files analysed, 1 unchanged, 1 removed" in capsys.readouterr().out
        assert stored(url) != before
        assert ends(url) == ["completed", "failed", "completed"]


def test_a_server_that_dies_of_a_full_disk_comes_back(
    small_disk: Path, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No room for the write-ahead log is the one shortage that PostgreSQL does not survive."""
    tree = tmp_path / "project"
    write_tree(tree, BEFORE)
    assert command(server, "analyze", str(tree)) == 1
    with server.client():
        url = server.ensure_running()
        before = stored(url)
        fill(small_disk, 0)
        with pytest.raises(psycopg.OperationalError), psycopg.connect(url, autocommit=True) as connection:
            for number in range(100):
                connection.execute("SELECT pg_logical_emit_message(true, 'fill', %s), pg_switch_wal()", (str(number),))
        write_tree(tree, AFTER)
        capsys.readouterr()
        assert command(server, "analyze", str(tree)) == 3
        assert "Free some space" in said(capsys)
        (small_disk / BALLAST).unlink()
        assert stored(server.ensure_running()) == before
        assert command(server, "analyze", str(tree)) == 1
        assert stored(server.ensure_running()) != before


def test_a_disk_without_room_for_the_database(
    small_disk: Path, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tree(tmp_path / "project", BEFORE)
    for bytes_left in (0, 20_000_000, 50_000_000):
        fill(small_disk, bytes_left)
        assert command(server, "analyze", str(tmp_path / "project")) == 3
        error = said(capsys)
        assert "is full" in error, (bytes_left, error)
        assert "Free some space" in error
        (small_disk / BALLAST).unlink()
    assert command(server, "analyze", str(tmp_path / "project")) == 1
