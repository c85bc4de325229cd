"""The tokens of the user's sessions: `AGENTFORGE_TOKEN`, or a file that nobody else can read."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from agentforge.errors import UsageError
from agentforge.store.connection import DatabaseSettings

VARIABLE = "AGENTFORGE_TOKEN"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def token(settings: DatabaseSettings) -> str:
    """The token for a database; empty for none.

    Raises:
        UsageError: the file is not the user's alone.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given:
        return given
    path = file()
    try:
        held = _read(path)
    except FileNotFoundError:
        return ""
    entry = held.get(_key(settings))
    return str(entry.get("token", "")) if isinstance(entry, dict) else ""


def save(settings: DatabaseSettings, session_token: str, expires_at: datetime) -> None:
    """Keep the token of a session with a database, instead of the one before."""
    entry = {"token": session_token, "expires_at": expires_at.isoformat()}
    _change(lambda held: {**held, _key(settings): entry})


def forget(settings: DatabaseSettings) -> None:
    """Keep no token for a database."""
    key = _key(settings)
    if file().exists():
        _change(lambda held: {name: entry for name, entry in held.items() if name != key})


def file() -> Path:
    """Where the tokens are: `agentforge/credentials.json` in the user's configuration folder."""
    from platformdirs import user_config_path

    return user_config_path("agentforge", appauthor=False) / "credentials.json"


def _key(settings: DatabaseSettings) -> str:
    from agentforge.store import target

    return target.name(settings)


def _read(path: Path) -> dict[str, Any]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:  # a link, too
        raise UsageError(f"{path} is not used: {error.strerror}.", "Remove it, then run `agentforge login`.") from error
    with os.fdopen(descriptor, "rb") as opened:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise UsageError(
                f"{path} is not a file of yours, so it is not used.", "Remove it, then run `agentforge login`."
            )
        if found.st_mode & _OTHERS:
            raise UsageError(
                f"Others may read {path}, so it is not used.",
                f"Run `chmod 600 {path}`; if somebody may have read it, `agentforge logout --all`, too.",
            )
        try:
            held = json.load(opened)["databases"]
        except (ValueError, KeyError, TypeError):
            held = None
    if not isinstance(held, dict):
        raise UsageError(f"{path} cannot be understood.", "Remove it, then run `agentforge login`.")
    return held


def _change(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    path = file()
    try:
        with _alone(path.parent):
            try:
                held = _read(path)
            except FileNotFoundError:
                held = {}
            held = change(held)
            if held:
                _replace(path, {"schema_version": 1, "databases": held})
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"The session cannot be kept in {error.filename or path}: {error.strerror}.",
            f"Use `agentforge login --print-token` and the variable {VARIABLE} instead.",
        ) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The folder exists and is the user's alone, and no other process changes the file in it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid():
            raise UsageError(f"{folder} is not a folder of yours, so it is not used.", f"Use the variable {VARIABLE}.")
        if found.st_mode & _OTHERS:
            os.fchmod(descriptor, 0o700)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, document: dict[str, Any]) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w") as opened:
            json.dump(document, opened, indent=2)
            opened.write("\n")
            opened.flush()
            os.fsync(descriptor)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
