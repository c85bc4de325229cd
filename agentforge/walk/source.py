"""Opening files of a tree safely, and writing their names so that they can be shown and stored."""

from __future__ import annotations

import errno
import os
import re
import stat

_UNSHOWABLE = re.compile(r"[\\\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_REASONS = {
    errno.ENOENT: "vanished",
    errno.ENOTDIR: "vanished",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.ELOOP: "symbolic link",
    errno.ENXIO: "not a regular file",
}


class UnreadableSourceError(Exception):
    """A file cannot be analysed; the message is the reason, as shown by `--show-files`."""


def escape(path: str) -> str:
    """A file name as printable, storable, unique text.

    Args:
        path: in `os.fsdecode` form.

    Returns:
        The same, with the backslash and all that cannot be shown as `\\xNN` (undecodable bytes, control characters)
        or `\\uNNNN` (characters that reorder text).
    """
    return _UNSHOWABLE.sub(_escaped, path)


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if character == "\\":
        return "\\\\"
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as `os.fsdecode` carries it
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def read_source(location: str, max_size: int) -> bytes:
    """The bytes of a regular file.

    Never follows a symbolic link, never waits for a pipe or a device, and reads no more than `max_size` bytes even if
    the file grows meanwhile.

    Args:
        location: of the file, as `os.fsdecode` gives it.
        max_size: bytes.

    Raises:
        UnreadableSourceError: there is nothing to analyse; says why.
    """
    try:
        descriptor = os.open(location, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UnreadableSourceError(_reason(error)) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableSourceError("not a regular file")
        if status.st_size > max_size:
            raise UnreadableSourceError(too_large(max_size))
        return _read(descriptor, max_size)
    except OSError as error:
        raise UnreadableSourceError(_reason(error)) from None
    finally:
        os.close(descriptor)


def _read(descriptor: int, max_size: int) -> bytes:
    pieces: list[bytes] = []
    left = max_size + 1
    while left > 0 and (piece := os.read(descriptor, left)):
        pieces.append(piece)
        left -= len(piece)
    if left <= 0:
        raise UnreadableSourceError(too_large(max_size))
    return b"".join(pieces)


def too_large(max_size: int) -> str:
    """The reason for leaving a file out that is over the limit."""
    return f"larger than {max_size:,} bytes"


def _reason(error: OSError) -> str:
    return _REASONS.get(error.errno or 0, f"cannot be read: {os.strerror(error.errno or 0)}")
