"""The operating-system account that the server runs under: the caller's, or an unprivileged one when that is root."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentforge.errors import EmbeddedServerError

UNPRIVILEGED = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """Who owns the data and runs the server.

    Attributes:
        name: for messages.
        uid, gid: numeric identity.
        changed: the server runs under another account than the caller, who is root.
    """

    name: str
    uid: int
    gid: int
    changed: bool

    def identity(self) -> dict[str, Any]:
        """Keyword arguments of `subprocess.Popen` that make a process run under this account; JSON-able."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.changed else {}

    def give(self, path: Path) -> None:
        """Hand a file or folder that the caller has just created to this account."""
        if self.changed:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can_enter(self, folder: Path) -> bool:
        """Whether the modes of `folder` and of all above it (as far as they exist) let this account through."""
        resolved = folder.resolve()
        return all(self._may_search(part) for part in (resolved, *resolved.parents) if part.exists())

    def _may_search(self, folder: Path) -> bool:
        found = folder.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


def server_account() -> Account:
    """The account for the server: PostgreSQL refuses to run as root, and then it is `nobody`.

    Raises:
        EmbeddedServerError: the caller is root and there is no such account.
    """
    uid = os.geteuid()
    if uid != 0:
        return Account(str(uid), uid, os.getegid(), changed=False)
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError as error:
        raise EmbeddedServerError(
            f"PostgreSQL does not run as root, and this machine has no account {UNPRIVILEGED!r} to run it under.",
            "Run agentforge as an ordinary user, or name another database by --database-url.",
        ) from error
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, changed=True)
