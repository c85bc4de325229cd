"""Any bytes become text, and offsets are those of its UTF-8 form."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentforge.parse import decode


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        ("é = 1\n".encode(), "utf-8"),
        (codecs.BOM_UTF8 + "é = 1\n".encode(), "utf-8"),
        ("é = 1\n".encode("latin-1"), "latin-1"),
        (codecs.BOM_UTF16_LE + "é = 1\n".encode("utf-16-le"), "utf-16-le"),
        (codecs.BOM_UTF16_BE + "é = 1\n".encode("utf-16-be"), "utf-16-be"),
        (codecs.BOM_UTF32_LE + "é = 1\n".encode("utf-32-le"), "utf-32-le"),
    ],
)
def test_encodings(raw: bytes, encoding: str) -> None:
    decoded = decode(raw)
    assert (decoded.text, decoded.encoding) == ("é = 1\n", encoding)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_every_line_end_is_a_line_feed(ends: str) -> None:
    assert decode(f"a{ends}b{ends}".encode()).text == "a\nb\n"


@given(st.binary(max_size=200))
def test_no_bytes_are_refused(raw: bytes) -> None:
    decoded = decode(raw)
    assert "\r" not in decoded.text
    assert decoded.data.decode("utf-8") == decoded.text.encode("utf-8", "replace").decode("utf-8")
