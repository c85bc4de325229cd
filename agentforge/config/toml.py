"""Reading TOML that nobody vouches for: bounded, never through a link, and every fault a message."""

from __future__ import annotations

import errno
import os
import re
import stat
import tomllib
from typing import Any

from agentforge.errors import UsageError

MAX_BYTES = 256 * 1024
_LONGEST = 60
# tomllib's time grows with the square of the parts of a dotted key: 64 kB of `a.a.a` take it a minute.
_LONG_KEY = re.compile(r"""(?<![\w.-])(?:(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){64}""")
_REASONS = {
    errno.EACCES: "you may not read it",
    errno.EPERM: "you may not read it",
    errno.ELOOP: "it is a symbolic link",
    errno.ENXIO: "it is not a regular file",
    errno.EISDIR: "it is a folder",
}


class UnreadableTomlError(UsageError):
    """A TOML file cannot be read; the message names it and says why."""


def read(path: str, shown: str) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file, and what it says.

    Args:
        path: of the file.
        shown: how messages call it.

    Raises:
        FileNotFoundError: there is none.
        UnreadableTomlError: it is no regular file, too large, not UTF-8 or not TOML.
    """
    text = read_text(path, shown)
    return text, parse(text, shown)


def read_text(path: str, shown: str) -> str:
    """The text of a TOML file that may be none.

    Raises:
        FileNotFoundError: there is none.
        UnreadableTomlError: it is no regular file, too large or not UTF-8.
    """
    try:
        raw = _bytes(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, os.strerror(error.errno or 0))
        raise UnreadableTomlError(f"{shown} cannot be read: {reason}.", "Put a readable file there.") from None
    if len(raw) > MAX_BYTES:
        raise UnreadableTomlError(f"{shown} is larger than {MAX_BYTES // 1024} KiB.", "Make it smaller.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UnreadableTomlError(f"{shown}:{line}: this is not UTF-8.", "TOML files are UTF-8 text.") from None


def parse(text: str, shown: str) -> dict[str, Any]:
    """What a TOML text says.

    Raises:
        UnreadableTomlError: it is not TOML.
    """
    if found := _LONG_KEY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise UnreadableTomlError(f"{shown}:{line}: a key has more than 64 parts.", "Write a shorter one.")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UnreadableTomlError(f"{shown}: it is nested too deeply.", "Nest less.") from None
    except ValueError as error:
        raise UnreadableTomlError(f"{shown}: it is not TOML: {printable(str(error), 200)}.", "Correct it.") from None


def _bytes(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EISDIR if stat.S_ISDIR(mode) else errno.ENXIO, "")
        pieces = []
        left = MAX_BYTES + 1
        while left > 0 and (piece := os.read(descriptor, left)):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def printable(text: str, longest: int = _LONGEST) -> str:
    """A text from a file, safe to show: what moves the cursor or reorders text is escaped, and what is long is cut."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in cut)
