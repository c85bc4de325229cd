"""Which words a file holds: they are a fifth of its bytes, so what it lacks is told by them in a fifth of the time."""

from __future__ import annotations

from functools import cache, cached_property

_BETWEEN = bytes(byte for byte in range(128) if not (chr(byte).isalnum() or chr(byte) == "_"))
_TO_SPACES = bytes.maketrans(_BETWEEN, b" " * len(_BETWEEN))


class Vocabulary:
    """The words of a text, each once, and the text: `piece in vocabulary` is what `piece in text` is.

    Attributes:
        text: what is looked through.
    """

    def __init__(self, text: bytes) -> None:
        """Look for nothing yet."""
        self.text = text
        self._known: dict[bytes, bool] = {}  # words that were looked for

    @cached_property
    def lowered(self) -> Vocabulary:
        """The same in lower case (ASCII)."""
        lowered = Vocabulary(self.text.lower())
        lowered._words = self._words.lower()
        return lowered

    @cached_property
    def _words(self) -> bytes:
        return b"\n".join(_words(self.text))

    def may_hold(self, piece: bytes) -> bool:
        """Whether the longest word of a piece is in a word here; without it the piece cannot be."""
        word = _longest_word(piece)
        found = self._known.get(word)
        if found is None:
            found = self._known[word] = word in self._words
        return found

    def __contains__(self, piece: bytes, /) -> bool:
        return self.may_hold(piece) and piece in self.text


def _words(text: bytes) -> set[bytes]:
    return set(text.translate(_TO_SPACES).split())


@cache
def _longest_word(text: bytes) -> bytes:
    return max(sorted(_words(text)), key=len, default=b"")
