"""Places and texts of a file as a violation shows them."""

from __future__ import annotations

_LENGTH = 60


def column(data: bytes, offset: int) -> int:
    """The column of a byte in its line, in characters from 1.

    Args:
        data: of the file, UTF-8.
        offset: of the byte.
    """
    line_start = data.rfind(b"\n", 0, offset) + 1
    return len(data[line_start:offset].decode("utf-8", "replace")) + 1


def shortened(value: str) -> str:
    """A piece of code on one line of at most 60 characters."""
    line = " ".join(value.split())
    return line if len(line) <= _LENGTH else line[: _LENGTH - 1] + "…"
