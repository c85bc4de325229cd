"""The embedded server in places that are awkward: long, foreign, forbidden, full."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fix_embedded import clean_up, run_client, start_client, wait_for_line

from agentforge.store.embedded import paths
from agentforge.store.embedded.account import Account
from agentforge.store.embedded.server import Server

NOBODY = 65534
AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root can become another user or mount a file system")


@pytest.fixture
def nobody() -> int:
    """An account without rights that can run this Python."""
    try:
        subprocess.run([sys.executable, "-c", ""], user=NOBODY, group=NOBODY, extra_groups=[], check=True)
    except (PermissionError, subprocess.SubprocessError):
        pytest.skip(f"{sys.executable} cannot be run by other accounts")
    return NOBODY


@pytest.fixture
def full_folder(open_folder: Path) -> Iterator[Path]:
    """A file system of 24 MB, which a cluster does not fit into."""
    folder = open_folder / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0711", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("this root may not mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("length", [90, 200])
def test_a_long_home(open_folder: Path, length: int) -> None:
    home = open_folder / "h" / ("x" * (length // 2)) / ("y" * (length // 2))
    home.mkdir(parents=True)
    for parent in (home, home.parent, home.parent.parent):
        parent.chmod(0o711)
    folder = home / "data"
    try:
        assert "pid" in run_client(folder)
    finally:
        clean_up(Server(str(folder)))


@needs_root
def test_another_user_without_a_server_of_his_own(open_folder: Path, nobody: int) -> None:
    home = open_folder / "home"
    home.mkdir(mode=0o700)
    os.chown(home, nobody, nobody)
    output = run_client("", home, nobody)
    assert "pid" in output, output
    data = next(home.rglob("postmaster.pid"), None) or next(home.rglob("PG_VERSION"))
    assert data.stat().st_uid == nobody
    assert data.parent.stat().st_mode & 0o077 == 0
    for folder in home.rglob("data"):
        shutil.rmtree(folder, ignore_errors=True)


@needs_root
def test_root_runs_it_as_somebody_else(folder: Path) -> None:
    with start_client(folder, seconds=20) as client:
        wait_for_line(client, "pid")
        pid = Server(str(folder)).pid
        assert Path(f"/proc/{pid}").stat().st_uid != 0
        client.kill()


@needs_root
def test_a_folder_of_root_s_says_in_whose_place_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "ROOT_FOLDERS", (tmp_path / "roots",))
    account = Account("nobody", NOBODY, NOBODY, changed=True)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    found = paths.locate(str(closed / "data"), account)
    for _ in range(2):
        paths.prepare(found, account)
    assert found.home.parent == tmp_path / "roots"
    assert (found.home / "named").read_text() == f"{closed}/data\n"


@needs_root
def test_a_folder_that_is_somebody_else_s(open_folder: Path, nobody: int) -> None:
    output = run_client(open_folder / "server", user=nobody)
    assert "EmbeddedServerError" in output
    assert "--d" in output, "it says which option helps"
    assert "Traceback" not in output


def test_a_file_in_the_place_of_the_folder(open_folder: Path, folder: Path) -> None:
    folder.write_text("mine")
    output = run_client(folder)
    # As root the data lies in a folder of the server's account, so nothing is in the way.
    assert ("pid" if AS_ROOT else "EmbeddedServerError") in output
    assert "Traceback" not in output
    assert folder.read_text() == "mine"


@needs_root
def test_a_full_disk_leaves_nothing_half_made(full_folder: Path) -> None:
    output = run_client(full_folder / "server")
    assert "EmbeddedServerError" in output
    assert "space" in output.lower()
    assert not (full_folder / "server" / "data").exists()
