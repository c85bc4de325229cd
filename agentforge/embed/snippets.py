"""A snippet from code that is in no file: what a person pastes."""

from __future__ import annotations

from agentforge import parse
from agentforge.embed.features import EMPTY, extract
from agentforge.embed.interface import Snippet


def snippet_from_code(code: str, language: str | None, name: str = "") -> Snippet:
    """Make a snippet of pasted code.

    Args:
        code: one function, or any piece of code; what does not parse still has its words.
        language: name of a language; without it there is no tree and `features` is empty.
        name: of the function, where it is known.
    """
    if language is None:
        return Snippet(None, name, code, EMPTY)
    parsed = parse.parse(language, parse.decode(code.encode("utf-8", "surrogatepass")))
    start = len(parsed.data) - len(parsed.data.lstrip())
    end = len(parsed.data.rstrip())
    return Snippet(language, name, parsed.text, extract(parsed, [(start, end)])[0])
