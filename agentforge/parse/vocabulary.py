"""Which words a file holds: they are a fifth of its bytes, so what it lacks is told by them in a fifth of the time."""

from __future__ import annotations

from functools import cache, cached_property

_BETWEEN = bytes(byte for byte in range(128) if not (chr(byte).isalnum() or chr(byte) == "_"))
_TO_SPACES = bytes.maketrans(_BETWEEN, b" " * len(_BETWEEN))


class Vocabulary:
    """The words of a text, each once, and the text.

    Attributes:
        text: what is looked through.
    """

    def __init__(self, text: bytes, words: bytes | None = None) -> None:
        """Look for nothing yet; `words` are known where they were found before, separated by line feeds."""
        self.text = text
        self._known = words

    @cached_property
    def lowered(self) -> Vocabulary:
        """The same in lower case (ASCII)."""
        return Vocabulary(self.text.lower(), self._words.lower())

    @cached_property
    def _words(self) -> bytes:
        return b"\n".join(_words(self.text)) if self._known is None else self._known

    def may_hold(self, text: bytes) -> bool:
        """Whether the longest word of a text is in a word here; without it the text cannot be."""
        return _longest_word(text) in self._words

    def holds(self, text: bytes) -> bool:
        """Whether a text is in it."""
        return self.may_hold(text) and text in self.text


def _words(text: bytes) -> set[bytes]:
    return set(text.translate(_TO_SPACES).split())


@cache
def _longest_word(text: bytes) -> bytes:
    return max(sorted(_words(text)), key=len, default=b"")
