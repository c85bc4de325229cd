"""Where the embedded server keeps its things, and whether what is there can be trusted."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from agentforge.errors import EmbeddedServerError
from agentforge.store.embedded.account import Account

SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 107 if sys.platform == "linux" else 103  # bytes in sockaddr_un.sun_path without the final NUL
DATA_PATH_LIMIT = 900  # bytes; PostgreSQL builds its file names in buffers of 1024
SHORT_FOLDERS = (Path("/tmp"), Path("/var/tmp"))  # nosec B108  # noqa: S108 - a folder in there is checked for owner and mode
ROOT_FOLDERS = (Path("/var/lib/agentforge"), Path("/var/tmp/agentforge-root"))  # nosec B108  # noqa: S108 - checked in the same way
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+@ -]+")  # no comma: libpq and the server read a list of folders there

_USE_DSN = "Or name another database by --database-url."


@dataclass(frozen=True, slots=True)
class ServerPaths:
    """Files and folders of one server.

    Attributes:
        home: the folder that holds all of it, private to the caller.
        sockets: the folder of the Unix socket, private to the server's account.
        named: the folder that was asked for; for root, `home` may stand in its place.
    """

    home: Path
    sockets: Path
    named: Path

    @property
    def data(self) -> Path:
        """The cluster; exists only when it is complete."""
        return self.home / "data"

    @property
    def password(self) -> Path:
        """A libpq password file, mode 0600."""
        return self.home / "password"

    @property
    def configuration(self) -> Path:
        """The settings that postgresql.conf includes."""
        return self.home / "agentforge.conf"

    @property
    def log(self) -> Path:
        """What the server has to say; one older generation is kept as `server.log.1`."""
        return self.home / "server.log"

    @property
    def pinned(self) -> Path:
        """Present while the server shall run without clients."""
        return self.home / "pinned"

    def lock(self, name: str) -> Path:
        """The lock file `lock`, `clients`, `keeper` or `alive`: see keeper.py for what each means."""
        return self.home / name


def default_folder() -> Path:
    """The folder for the server's home when none was named: in the user's data folder."""
    from platformdirs import user_data_path

    return user_data_path("agentforge", appauthor=False) / "postgresql"


def locate(data_dir: str | None, account: Account) -> ServerPaths:
    """The paths of the server that belongs to `data_dir`; touches nothing.

    Root's own folders are usually closed to the account that the server then runs under. Their modes are not ours to
    change, so the server lives in `ROOT_FOLDERS`, under a key made of the folder's path.

    Raises:
        EmbeddedServerError: the path is longer than PostgreSQL can handle.
    """
    named = Path(os.path.abspath(data_dir)) if data_dir else default_folder()  # noqa: PTH100 - keeps symbolic links
    inside = account.changed and not (data_dir and account.can_enter(named))
    home = root_folder() / _key(named) if inside else named
    if len(os.fsencode(home)) > DATA_PATH_LIMIT:
        raise EmbeddedServerError(
            f"the path of the database folder has {len(os.fsencode(home))} bytes, "
            f"and PostgreSQL handles {DATA_PATH_LIMIT}.",
            f"Choose a data folder with a shorter path. {_USE_DSN}",
        )
    return ServerPaths(home, _socket_folder(home, account), named)


def root_folder() -> Path:
    """The folder that holds the servers and binaries that root uses: the first that exists as root's or can be made.

    Raises:
        EmbeddedServerError: none can.
    """
    for folder in ROOT_FOLDERS:
        try:
            found = folder.lstat()
        except FileNotFoundError:
            if os.access(folder.parent, os.W_OK):
                return folder
        else:
            if stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and os.access(folder, os.W_OK):
                return folder
    raise EmbeddedServerError(
        f"none of {', '.join(map(str, ROOT_FOLDERS))} is root's and writable, so there is no place for the database.",
        f"Choose a data folder that the account the server runs under may enter. {_USE_DSN}",
    )


def prepare(paths: ServerPaths, account: Account) -> None:
    """Create the folders that are missing, all private, and check those that exist.

    Raises:
        EmbeddedServerError: a folder is somebody else's, is not a folder, or cannot be made.
    """
    shared = 0o711 if account.changed else 0o700
    try:
        if account.changed and paths.home.parent in ROOT_FOLDERS:
            private_folder(paths.home.parent, os.geteuid(), 0o711)
        paths.home.parent.mkdir(parents=True, exist_ok=True)
        _home_folder(paths.home, shared)
        if paths.named != paths.home:
            _note_name(paths)
        if not paths.sockets.exists():
            paths.sockets.mkdir(mode=0o700, exist_ok=True)
            account.give(paths.sockets)
        private_folder(paths.sockets, account.uid, 0o700)
    except OSError as error:
        raise EmbeddedServerError(
            f"cannot create the database folder {error.filename or paths.home}: {error.strerror}.",
            f"Choose a data folder that you may write to. {_USE_DSN}",
        ) from error


def private_folder(path: Path, uid: int, mode: int) -> None:
    """Make sure that `path` is a real folder of `uid` with permissions `mode`; creates it where it is missing.

    A folder of ours that has become too open (a backup put back, `chmod -R`) is closed again: only its owner could
    have opened it. One that belongs to another account is never used.

    Raises:
        EmbeddedServerError: it belongs to another account, or is a link or a file.
        OSError: it cannot be made.
    """
    path.mkdir(mode=mode, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise EmbeddedServerError(
            f"{path} is not a folder.", f"Move it away, or choose another data folder. {_USE_DSN}"
        )
    if found.st_uid != uid:
        raise EmbeddedServerError(
            f"{path} belongs to account number {found.st_uid} and not to {uid}, so it is not used.",
            f"Run agentforge as its owner, move it away, or choose another data folder. {_USE_DSN}",
        )
    if stat.S_IMODE(found.st_mode) != mode:
        path.chmod(mode)


def _home_folder(home: Path, mode: int) -> None:
    """Like `private_folder`, for a folder that a person may have named: its mode is left as it is, or refused."""
    if not home.exists():
        home.mkdir(mode=mode, exist_ok=True)
        home.chmod(mode)  # the umask may have taken the search permission that the server's account needs
    found = home.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        private_folder(home, os.geteuid(), mode)
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise EmbeddedServerError(
            f"others may write to {home}, so it is not used for the database.",
            f"Run `chmod go-w` on it, or choose another data folder. {_USE_DSN}",
        )
    marker = home / "lock"  # the first file that is made in there, so whoever sees another one sees it too
    if any(home.iterdir()) and not marker.exists():
        raise EmbeddedServerError(
            f"{home} holds files and is not a folder of an embedded database.",
            f"Choose an empty folder, or one that does not exist yet. {_USE_DSN}",
        )
    marker.touch(mode=0o600)


def _note_name(paths: ServerPaths) -> None:
    """Let a person tell which folder this one stands for, who would remove it with that."""
    note = paths.home / "named"
    if not note.exists():
        note.touch(mode=0o600)
        note.write_bytes(os.fsencode(paths.named) + b"\n")


def _socket_folder(home: Path, account: Account) -> Path:
    """In the home where the socket's path fits there; else a short private folder named after account and home."""
    beside = home / "run"
    if len(os.fsencode(beside / SOCKET_NAME)) <= SOCKET_PATH_LIMIT and PLAIN_PATH.fullmatch(str(beside)):
        return beside
    candidates = [folder / f"agentforge-{account.uid}-{_key(home)}" for folder in SHORT_FOLDERS]
    return next((path for path in candidates if _is_free_or_ours(path, account.uid)), candidates[0])


def _is_free_or_ours(path: Path, uid: int) -> bool:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return True
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid


def _key(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
