"""A real PgBouncer in front of the test's server."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fix_people import World
from psycopg.conninfo import conninfo_to_dict, make_conninfo


@pytest.fixture
def bouncer(world: World, open_folder: Path) -> Iterator[str]:
    """Connection string through a PgBouncer in transaction mode with one server connection."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    server = conninfo_to_dict(world.app_url)
    folder = open_folder  # PgBouncer does not run as root, and must come through
    (folder / "users.txt").write_text(f'"{server["user"]}" "{server["password"]}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={server['host']} port={server.get('port', 5432)} user={server['user']}"
        f" password={server['password']}\n[pgbouncer]\nlisten_addr =\nlisten_port = 6543\nunix_socket_dir = {folder}\n"
        f"auth_type = trust\nauth_file = {folder}/users.txt\npool_mode = transaction\ndefault_pool_size = 1\n"
    )
    command = [program, "-q", str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:
        folder.chmod(0o777)
        command[1:1] = ["-u", "nobody"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        socket = folder / ".s.PGSQL.6543"
        deadline = time.monotonic() + 10
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PgBouncer does not start: {process.stderr.read() if process.stderr else ''}")
            time.sleep(0.02)
        yield make_conninfo("", host=str(folder), port=6543, user=server["user"], dbname=server["dbname"])
    finally:
        process.terminate()
        process.communicate(timeout=10)
