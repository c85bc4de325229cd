"""The server's configuration file: our settings, and those that depend on the machine's memory."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

MEBI = 1024 * 1024
GIBI = 1024 * MEBI
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
SHARED_MEMORY = Path("/dev/shm")  # nosec B108  # noqa: S108 - asked for its size only


def read_data(name: str) -> str:
    """The text of a data file under sql/, from the installed package or from the checkout.

    Args:
        name: path below sql/, such as `embedded/agentforge.conf`.
    """
    installed = resources.files("agentforge").joinpath("_sql").joinpath(name)
    if installed.is_file():
        return installed.read_text(encoding="utf-8")
    return (Path(__file__).parents[3] / "sql" / name).read_text(encoding="utf-8")


def configuration(sockets: Path) -> str:
    """The whole file: what is fixed, the socket's folder, and shares of the memory that this process may use."""
    escaped = '"' + str(sockets).replace('"', '""') + '"'
    lines = [f"unix_socket_directories = '{escaped.replace(chr(39), chr(39) * 2)}'"]
    lines += [
        f"{name} = {value // MEBI}MB" for name, value in memory_settings(machine_memory(), parallel_memory()).items()
    ]
    return read_data("embedded/agentforge.conf") + "\n" + "\n".join(lines) + "\n"


def memory_settings(total: int, parallel: int) -> dict[str, int]:
    """Sizes in bytes for a machine on which the database is a guest beside the analysis itself.

    Args:
        total: memory of the machine or of its container, in bytes.
        parallel: shared memory that parallel workers can have, in bytes; an HNSW index is built in it, and in a
            container it is often 64 MB, beyond which the build fails.
    """
    return {
        "shared_buffers": _between(64 * MEBI, total // 32, 512 * MEBI),
        "effective_cache_size": _between(128 * MEBI, total // 2, 64 * GIBI),
        "maintenance_work_mem": _between(32 * MEBI, min(total // 16, parallel // 2), GIBI),
        "work_mem": _between(8 * MEBI, total // 512, 32 * MEBI),
    }


def machine_memory() -> int:
    """Bytes of memory of this machine, or of the container where that has a lower limit."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in CGROUP_LIMITS:
        try:
            total = min(total, int(path.read_text()))
        except (OSError, ValueError):  # no such control group, or no limit ("max")
            continue
    return total


def parallel_memory() -> int:
    """Bytes that fit into POSIX shared memory; 1 GiB is assumed where no file system tells (macOS)."""
    try:
        found = os.statvfs(SHARED_MEMORY)
    except OSError:
        return GIBI
    return found.f_bsize * found.f_bavail


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))
