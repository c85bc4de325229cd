"""radon's raw counts from one pass of the tokeniser.

radon.raw.analyze tokenises every statement again for each line that is added to it, which is quadratic in the length of
a statement (a table of 3,600 lines takes minutes). Here the file is tokenised once and cut where radon would cut it;
what is counted in each piece is counted by radon's own functions.
"""

from __future__ import annotations

import io
import re
import tokenize

from radon.raw import Module, _logical, analyze, is_single_token

_LAYOUT = (tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER)
# radon tokenises each piece by itself, so each ends in this, and its functions count on that.
_END = tokenize.TokenInfo(tokenize.ENDMARKER, "", (0, 0), (0, 0), "")
# Characters that end a line for str.splitlines, which radon uses, but not for the tokeniser.
_ODD_LINE_ENDS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def raw_counts(text: str) -> Module | None:
    """The result of `radon raw` for a file, None where its tokeniser gives up.

    Args:
        text: of the file, line ends as `\\n`.
    """
    try:
        return analyze(text) if _ODD_LINE_ENDS.search(text) else _count(text)
    except (SyntaxError, ValueError, tokenize.TokenError):
        return None


def _count(text: str) -> Module:
    lines = [line.strip() for line in text.splitlines()]
    lloc = comments = single_comments = multi = blank = sloc = 0
    first = 0
    for last, tokens in _statements(text):
        piece = lines[first:last]
        first = last
        comments += sum(token.type == tokenize.COMMENT for token in tokens)
        empty = sum(not line for line in piece)
        if is_single_token(tokenize.COMMENT, tokens):
            single_comments += 1
        elif is_single_token(tokenize.STRING, tokens):
            if tokens[0].start[0] == tokens[0].end[0]:
                single_comments += 1
            else:
                multi += len(piece) - empty
                blank += empty
        else:
            sloc += len(piece) - empty
            blank += empty
        lloc += _logical(tokens)
    return Module(sloc + blank + multi + single_comments, lloc, sloc, comments, multi, blank, single_comments)


def _statements(text: str) -> list[tuple[int, list[tokenize.TokenInfo]]]:
    """The pieces of a file that tokenise by themselves: (number of the last line, tokens)."""
    pieces: list[tuple[int, list[tokenize.TokenInfo]]] = []
    tokens: list[tokenize.TokenInfo] = []
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in _LAYOUT:
            continue
        tokens.append(token)
        if token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
        elif token.type in (tokenize.NEWLINE, tokenize.NL) and depth == 0:
            pieces.append((token.start[0], [*tokens, _END]))
            tokens = []
    if tokens:
        pieces.append((tokens[-1].end[0], [*tokens, _END]))
    return pieces
