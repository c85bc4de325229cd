"""Whether code has the texts that a pattern wants: told of nearly all code that it is not what the pattern means."""

from __future__ import annotations

from typing import Protocol

from agentforge.patterns.pattern import Pattern


class Code(Protocol):
    """What says whether bytes are in it: code in lower case."""

    def __contains__(self, piece: bytes, /) -> bool: ...


def has_words(pattern: Pattern, code: Code) -> bool:
    """Whether a piece of code has one text of each group that a pattern wants."""
    for group in pattern.groups:
        for word in group:
            if word in code:
                break
        else:
            return False
    return True
