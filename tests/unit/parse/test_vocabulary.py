"""A vocabulary says of any bytes whether a text holds them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentforge.parse import Vocabulary

PIECES = [b"return", b"Return", b" ", b"\n", b"_x1", b".", b"('", b"\xc3\xa9", b"9", b"\x0c", b"->"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)


@given(TEXTS, TEXTS, st.integers(0, 20), st.integers(0, 20))
def test_a_vocabulary_holds_what_its_text_holds(text: bytes, other: bytes, start: int, end: int) -> None:
    vocabulary = Vocabulary(text)
    for piece in (other, text[start:end], text):
        assert (piece in vocabulary) == (piece in text)
        assert (piece.lower() in vocabulary.lowered) == (piece.lower() in text.lower())
        assert vocabulary.may_hold(piece) or piece not in text
