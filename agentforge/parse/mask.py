"""Text that a grammar cannot know, blanked out before parsing: macros of C, conditional compilation in Swift.

A parser sees no preprocessor: `class API Shape {` is a function to it, `BEGIN_THREADS` alone on a line takes the next
statement for its own. The patterns are the language's (`[mask]` in `language.toml`); offsets and lines stay the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NOT_LINE_END = re.compile(rb"[^\n]")


def mask(data: bytes, patterns: Iterable[re.Pattern[bytes]]) -> bytes:
    """Blank out what matches.

    Args:
        data: a file, its lines ending in line feeds.
        patterns: each with a group named `mask`, which becomes spaces, or `word`, which becomes a word of its length.

    Returns:
        As many bytes and lines as `data`; `data` itself where nothing matched.
    """
    spans = [
        (*match.span(group), b" " if group == "mask" else b"x")
        for pattern in patterns
        for group in pattern.groupindex
        for match in pattern.finditer(data)
    ]
    if not spans:
        return data
    masked = bytearray(data)
    for start, end, filler in spans:
        masked[start:end] = _NOT_LINE_END.sub(filler, data[start:end])
    return bytes(masked)
