"""Bytes of a file to text, whatever their encoding."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

# UTF-32's little-endian mark begins with UTF-16's: the longer ones are tried first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text of a file and the same as UTF-8 bytes, which are what tree-sitter's offsets count.

    Every line ends in a line feed, whatever it ended in: line numbers then mean the same to tree-sitter, Python and an
    editor, and a file that only changed its line ends has the same functions.
    """

    text: str
    data: bytes
    encoding: str


def decode(raw: bytes) -> Decoded:
    """Decode by byte order mark, else as UTF-8, else as Latin-1, which accepts every byte. Never raises."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _decoded(raw[len(mark) :].decode(encoding, "replace"), encoding)
    try:
        return _decoded(raw.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return _decoded(raw.decode("latin-1"), "latin-1")


def _decoded(text: str, encoding: str) -> Decoded:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return Decoded(text, text.encode("utf-8", "replace"), encoding)
