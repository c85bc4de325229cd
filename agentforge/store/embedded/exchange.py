"""The last step of an upgrade: the new data folder takes the place of the old one, also when it was cut short."""

from __future__ import annotations

import shutil
from pathlib import Path

from agentforge.errors import EmbeddedServerError
from agentforge.store.embedded.paths import ServerPaths


def work_folder(paths: ServerPaths) -> Path:
    """The home of the new cluster while it is being filled."""
    return paths.home / "upgrading"


def kept_folder(paths: ServerPaths, major: int) -> Path:
    """Where the old data goes."""
    return paths.home / f"data-{major}"


def mark(paths: ServerPaths, major: int) -> None:
    """Say that the new cluster is whole and stopped: from here on, only forward.

    Args:
        paths: of the old cluster, stopped.
        major: its version.

    Raises:
        EmbeddedServerError: an older upgrade's folder is in the way.
    """
    kept = kept_folder(paths, major)
    if kept.exists():
        raise EmbeddedServerError(
            f"{kept} exists already: it is kept from an earlier upgrade.", "Move it away, or remove it; run again then."
        )
    work = _marker(paths).with_suffix(".new")
    work.write_text(str(major))
    work.rename(_marker(paths))


def finish(paths: ServerPaths) -> None:
    """Exchange the folders, if an upgrade is waiting for it. The server's lock is held."""
    marker = _marker(paths)
    if not marker.exists():
        return
    new, kept = work_folder(paths) / "data", kept_folder(paths, int(marker.read_text()))
    if new.exists():
        if not kept.exists():
            paths.data.rename(kept)
        new.rename(paths.data)
    marker.unlink()
    shutil.rmtree(work_folder(paths), ignore_errors=True)


def _marker(paths: ServerPaths) -> Path:
    return paths.home / "upgraded"
