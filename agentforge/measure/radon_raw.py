"""radon's raw counts from one pass over the text.

radon.raw.analyze tokenises every statement again for each line that is added to it, which is quadratic in the length of
a statement (a table of 3,600 lines takes minutes). Here the file is cut where radon would cut it by looking only at
what can change the cut or a count: strings, comments, brackets, colons, semicolons and ends of lines. One expression
takes most of it, many lines at a time; what it leaves is read mark by mark, and the rare statement whose count needs
its tokens is given to radon's own functions.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from radon.raw import Module, _logical, analyze, is_single_token

_LAYOUT = (tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER)
# radon tokenises each piece by itself, so each ends in this, and its functions count on that.
_END = tokenize.TokenInfo(tokenize.ENDMARKER, "", (0, 0), (0, 0), "")
_OPEN_END = re.compile(r"\\\n[ \t]*(?:\n|\Z)")
# From Python 3.12 on the tokeniser takes formatted strings apart, and radon counts the colons in them.
_FORMATTED = re.compile(r"(?<!\w)(?:[fFtT][rR]?|[rR][fFtT])['\"]") if sys.version_info >= (3, 12) else None

_TRIPLE = r'''"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""''' + r"""|'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'''"""
_SINGLE = r"""(?!\"\"\"|''')(?:"[^"\\\n]*(?:\\.[^"\\\n]*)*"|'[^'\\\n]*(?:\\.[^'\\\n]*)*')"""
_ON_ONE_LINE = _SINGLE.replace(r"\\.", r"\\[^\n]")
_PREFIX = r"(?i:[rbuf]|[bf]r|r[bf])?+"
_IS_PREFIX = re.compile(_PREFIX)
_MARK = re.compile(rf"\n|\#[^\n]*|[()\[\]{{}};]|:(?!=)|\\\n|{_TRIPLE}|{_SINGLE}", re.DOTALL)
_LAYOUT_TEXT = " \t\\\n"
# What is nested deeper is left to the marks.
_DEEPEST = 5


def _expression(text: str, plain: str, inside: str) -> str:
    """What matches a piece of code without comments, semicolons and backslashes.

    Args:
        text: matches what is in quotes.
        plain: the characters that are not allowed beside texts and brackets, and the line feed.
        inside: the same, within brackets.
    """
    nested = rf"{text}|[^{inside}]++"
    for _ in range(_DEEPEST):
        nested = rf"{text}|[^{inside}]++|[(\[{{](?:{nested})*+[)\]}}]"
    return rf"(?:{text}|[^{plain}]++|[(\[{{](?:{nested})*+[)\]}}])++"


_SIGNS = r"\#()\[\]{};\"'\\"
_BLANK, _COMMENTS, _STATEMENTS, _STRING = 1, 2, 3, 4
_COLON = re.compile(rf"""(?:[^:"']++|:=|{_TRIPLE}|{_SINGLE})*+:""", re.DOTALL)


@cache
def _whole() -> re.Pattern[str]:
    """What `_count` would count without looking closer: a group for each of the kinds above, and one for the rest.

    They are lines that are blank, comments, or a statement each without a colon but at its end; one text that stands
    alone; any other statement without a comment.
    """
    line = _expression(_ON_ONE_LINE, rf":\n{_SIGNS}", rf":\n{_SIGNS}")
    statement = _expression(f"{_TRIPLE}|{_SINGLE}", rf"\n{_SIGNS}", _SIGNS)
    return re.compile(
        rf"""((?:[ \t]*+\n)++)
        |((?:[ \t]*+\#[^\n]*+\n)++)
        |((?:[ \t]*+(?!{_PREFIX}["'])(?!\n){line}(?::[ \t]*+)?+\n)++)
        |([ \t]*+{_PREFIX}(?:{_TRIPLE}|{_SINGLE})[ \t]*+\n)
        |({statement}\n)""",
        re.DOTALL | re.VERBOSE,
    )


@dataclass(slots=True)
class _Piece:
    """What was seen of a statement, a comment line or a blank line.

    Attributes:
        start: where it begins.
        code_end: where the comment begins that ends it, -1 without one.
        comments: how many.
        colon: behind the last colon, -1 without one.
        string: where its only string begins and ends; None where there is none, or more than that.
        plain: whether there were no brackets and at most one string.
        semicolon: whether there is one.
    """

    start: int
    code_end: int = -1
    comments: int = 0
    colon: int = -1
    string: tuple[int, int] | None = None
    plain: bool = True
    semicolon: bool = False


@dataclass(slots=True)
class _Counts:
    lloc: int = 0
    sloc: int = 0
    comments: int = 0
    multi: int = 0
    blank: int = 0
    single_comments: int = 0

    def module(self) -> Module:
        lines = self.sloc + self.blank + self.multi + self.single_comments
        return Module(lines, self.lloc, self.sloc, self.comments, self.multi, self.blank, self.single_comments)


def raw_counts(text: str) -> Module | None:
    """The result of `radon raw` for a file, None where its tokeniser gives up.

    Args:
        text: of a file that Python parses, line ends as `\\n`.
    """
    try:
        if _is_odd(text):
            return analyze(text)
        if _FORMATTED is not None and _FORMATTED.search(text):
            return _by_tokens(text).module()
        return _by_pieces(text).module()
    except (SyntaxError, ValueError, tokenize.TokenError):
        return None


def _is_odd(text: str) -> bool:
    """Whether radon cuts otherwise.

    It does so at characters that end a line for str.splitlines but not for the tokeniser, and at an empty line after a
    backslash, where its tokeniser asks for more.
    """
    more_lines = len(f"{text}\n".splitlines()) > text.count("\n") + 1
    return more_lines or ("\\\n" in text and _OPEN_END.search(text) is not None)


def _by_pieces(text: str) -> _Counts:
    counts, whole = _Counts(), _whole()
    position, size = 0, len(text)
    while position < size:
        match = whole.match(text, position)
        if match is None:
            piece, end = _piece(text, position)
            _count(counts, text, piece, end)
        else:
            end = match.end()
            _count_whole(counts, text, match)
        position = end
    return counts


def _count_whole(counts: _Counts, text: str, match: re.Match[str]) -> None:
    """Count what `_whole` matched."""
    start, end = match.span()
    lines = text.count("\n", start, end)
    if match.lastindex == _BLANK:
        counts.blank += lines
    elif match.lastindex == _COMMENTS:
        counts.comments += lines
        counts.single_comments += lines
    elif match.lastindex == _STATEMENTS:
        counts.lloc += lines
        counts.sloc += lines
    elif match.lastindex == _STRING and lines == 1:
        counts.lloc += 1
        counts.single_comments += 1
    else:
        empty = _empty_lines(text, start, end) if lines > 1 else 0
        counts.blank += empty
        if match.lastindex == _STRING:
            counts.lloc += 1
            counts.multi += lines - empty
        else:
            counts.lloc += 1 + _has_body(text, start, end)
            counts.sloc += lines - empty


def _has_body(text: str, start: int, end: int) -> bool:
    """Whether there is a colon in a statement without comments, and something behind the last one."""
    if text.find(":", start, end) < 0 or text[start:end].rstrip(_LAYOUT_TEXT).endswith(":"):
        return False
    return _COLON.match(text, start, end) is not None


def _empty_lines(text: str, start: int, end: int) -> int:
    return list(map(str.strip, text[start:end].removesuffix("\n").split("\n"))).count("")


def _piece(text: str, start: int) -> tuple[_Piece, int]:
    """The piece that begins at a place, and where it ends."""
    piece, depth = _Piece(start), 0
    for match in _MARK.finditer(text, start):
        mark = match[0]
        first = mark[0]
        if first == "\n":
            if depth == 0:
                return piece, match.end()
        elif first == "#":
            piece.comments += 1
            if depth == 0:
                piece.code_end = match.start()
        elif first in "([{":
            depth += 1
            piece.plain = False
        elif first in ")]}":
            depth -= 1
        elif first != "\\":
            _note(piece, first, match)
    return piece, len(text)


def _note(piece: _Piece, first: str, match: re.Match[str]) -> None:
    """A colon, a semicolon or a string."""
    if first == ":":
        piece.colon = match.end()
    elif first == ";":
        piece.semicolon = True
    else:
        piece.plain = piece.plain and piece.string is None
        piece.string = match.span()


def _count(counts: _Counts, text: str, piece: _Piece, end: int) -> None:
    """Count a piece that ends at `end`."""
    counts.comments += piece.comments
    code_end = piece.code_end if piece.code_end >= 0 else end
    code = text[piece.start : code_end].strip(_LAYOUT_TEXT)
    if not code:
        counts.single_comments += piece.comments
        counts.blank += not piece.comments
        return
    if piece.semicolon:
        counts.lloc += _logical(_tokens(text[piece.start : end]))
    elif piece.colon >= 0:
        counts.lloc += 2 if text[piece.colon : code_end].strip(_LAYOUT_TEXT) else 1
    else:
        counts.lloc += 1
    lines = text.count("\n", piece.start, end) + (text[end - 1] != "\n")
    empty = _empty_lines(text, piece.start, end) if lines > 1 else 0
    if not _is_string(text, piece, code):
        counts.sloc += lines - empty
        counts.blank += empty
    elif piece.string is not None and "\n" in text[slice(*piece.string)]:
        counts.multi += lines - empty
        counts.blank += empty
    else:
        counts.single_comments += 1


def _is_string(text: str, piece: _Piece, code: str) -> bool:
    """Whether a piece is one string that stands alone, without a comment."""
    if not piece.plain or piece.string is None or piece.comments or piece.semicolon:
        return False
    start, end = piece.string
    before = len(code) - (end - start)
    return before <= 2 and code.endswith(text[start:end]) and _IS_PREFIX.fullmatch(code[:before]) is not None


def _tokens(text: str) -> list[tokenize.TokenInfo]:
    found = tokenize.generate_tokens(io.StringIO(text.lstrip(" \t")).readline)
    return [*(token for token in found if token.type not in _LAYOUT), _END]


def _by_tokens(text: str) -> _Counts:
    counts = _Counts()
    lines = [line.strip() for line in text.splitlines()]
    first = 0
    for last, tokens in _statements(text):
        piece = lines[first:last]
        first = last
        counts.comments += sum(token.type == tokenize.COMMENT for token in tokens)
        empty = sum(not line for line in piece)
        if is_single_token(tokenize.COMMENT, tokens):
            counts.single_comments += 1
        elif is_single_token(tokenize.STRING, tokens):
            if tokens[0].start[0] == tokens[0].end[0]:
                counts.single_comments += 1
            else:
                counts.multi += len(piece) - empty
                counts.blank += empty
        else:
            counts.sloc += len(piece) - empty
            counts.blank += empty
        counts.lloc += _logical(tokens)
    return counts


def _statements(text: str) -> Iterator[tuple[int, list[tokenize.TokenInfo]]]:
    """The pieces of a file that tokenise by themselves: (number of the last line, tokens)."""
    tokens: list[tokenize.TokenInfo] = []
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in _LAYOUT:
            continue
        tokens.append(token)
        if token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
        elif token.type in (tokenize.NEWLINE, tokenize.NL) and depth == 0:
            yield token.start[0], [*tokens, _END]
            tokens = []
    if tokens:
        yield tokens[-1].end[0], [*tokens, _END]
