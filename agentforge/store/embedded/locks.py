"""File locks that the kernel drops when their holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from agentforge.errors import EmbeddedServerError

_held: weakref.WeakSet[FileLock] = weakref.WeakSet()


def _close_in_child() -> None:
    """A forked worker shares its parent's lock for as long as it lives; closing its copy leaves the parent's alone."""
    for lock in list(_held):
        lock.close()


os.register_at_fork(after_in_child=_close_in_child)


class FileLock:
    """An open file on which a lock can be taken; closing it, or the end of the process, gives the lock up.

    Args:
        path: the file, created with mode 0600 where it is missing; its folder must exist.

    Raises:
        EmbeddedServerError: the file cannot be opened for writing, or is a symbolic link.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise EmbeddedServerError(
                f"cannot open {path}: {error.strerror}.",
                "The embedded database needs a folder that you may write to. Or name another database by "
                "--database-url.",
            ) from error
        _held.add(self)

    def try_take(self, *, shared: bool = False) -> bool:
        """Take the lock when nobody stands against it; says whether it was taken."""
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise self._unsupported(error) from error
        return True

    # agentforge: ignore[pattern-polling-loop] flock cannot wait with a deadline
    def take(self, *, shared: bool = False, timeout: float, on_wait: Callable[[], None] | None = None) -> bool:
        """Wait for the lock, at most `timeout` seconds; `on_wait` is called once when it is not free at once."""
        deadline = time.monotonic() + timeout
        told = False
        while not self.try_take(shared=shared):
            if time.monotonic() > deadline:
                return False
            if on_wait is not None and not told:
                on_wait()
                told = True
            time.sleep(0.005)
        return True

    def touch(self) -> None:
        """Set the file's time of change to now: the keeper counts its linger from there."""
        os.utime(self._descriptor)

    def fileno(self) -> int:
        """The descriptor, to be inherited by a process that shall hold the lock too."""
        return self._descriptor

    def close(self) -> None:
        """Give the lock up, unless an inherited copy of the descriptor still holds it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _unsupported(self, error: OSError) -> EmbeddedServerError:
        return EmbeddedServerError(
            f"the file system of {self._path} has no file locks ({error.strerror}), which the embedded database needs.",
            "Choose a data folder on a local disk, or name another database by --database-url.",
        )
