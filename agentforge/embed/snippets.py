"""A snippet from code that is in no file: what a person pastes."""

from __future__ import annotations

from agentforge import parse
from agentforge.embed.features import EMPTY, extract, kind_table
from agentforge.embed.interface import Snippet


def snippet_from_code(code: str, language: str | None, name: str = "") -> Snippet:
    """Make a snippet of pasted code.

    Args:
        code: one function, or any piece of code; what does not parse still has its words.
        language: name of a language; without it there is no tree and `features` is empty.
        name: of the function, where it is known.

    Raises:
        parse.ParseTimeoutError: the code takes the parser too long.
    """
    code = code.strip()
    if language is None:
        return Snippet(None, name, code, EMPTY)
    best: tuple[float, bytes] | None = None
    for before, after in kind_table()["paste"].get(language, [["", ""]]):
        decoded = parse.decode(f"{before}{code}{after}".encode("utf-8", "replace"))
        parsed = parse.parse(language, decoded)
        fault = parsed.error_share + parsed.tree.root_node.has_error
        if best is None or fault < best[0]:
            span = (len(before), len(parsed.data) - len(after))
            best = fault, extract(parsed, [span])[0]
        if not fault:
            break
    return Snippet(language, name, code, best[1] if best else EMPTY)
