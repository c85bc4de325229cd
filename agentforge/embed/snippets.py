"""A snippet from what is in no file: code that a person pastes, or a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from agentforge import languages, parse
from agentforge.embed.features import EMPTY, extract, kind_table, of_text
from agentforge.embed.interface import Snippet
from agentforge.embed.meaning import TEXT

# Where code parses equally well in several languages, the first of these wins; a shell parses nearly everything.
_LIKELY = (
    *("python", "javascript", "typescript", "php", "java", "go", "rust"),
    *("c", "cpp", "csharp", "lua", "kotlin", "swift", "scala"),
)
_LAST = "bash"
# Of longer code so many characters are parsed in all languages, and all of it in those in which these parse best.
_WHOLE, _TRIED = 10_000, 4
_UNPARSED = 3.0


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Pasted code, parsed inside what its language wants around it; `fault` is 0 where it parses."""

    fault: float
    parsed: parse.ParsedFile
    span: tuple[int, int]


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
    return Snippet(None, name, code, EMPTY) if language is None else parsed_snippet(code, language, name)[0]


def parsed_snippet(code: str, language: str, name: str = "") -> tuple[Snippet, parse.ParsedFile]:
    """The same with the tree of the code, inside what its language wants around it.

    Raises:
        parse.ParseTimeoutError: the code takes the parser too long.
    """
    best = _parse(code.strip(), language)
    return Snippet(language, name, code.strip(), extract(best.parsed, [best.span])[0]), best.parsed


def snippet_from_text(text: str) -> Snippet:
    """Make a snippet of a sentence, to be compared with functions."""
    return Snippet(TEXT, "", text, of_text(text))


def guess_language(code: str) -> str:
    """The language in which pasted code has the fewest syntax errors."""
    code = code.strip()
    beginning = code if len(code) <= _WHOLE else code[:_WHOLE].rpartition("\n")[0] or code[:_WHOLE]
    faults = {name: _fault(beginning, name) for name in languages.names()}

    def rank(name: str) -> tuple[float, bool, int]:
        return faults[name], name == _LAST, _LIKELY.index(name) if name in _LIKELY else len(_LIKELY)

    if beginning != code:
        tried = sorted(faults, key=rank)[:_TRIED]
        faults = {name: faults[name] + _fault(code, name) for name in tried}
    return min(faults, key=rank)


def _fault(code: str, language: str) -> float:
    try:
        return _parse(code, language).fault
    except parse.ParseTimeoutError:
        return _UNPARSED


def wrappings(code: str, language: str) -> list[tuple[str, str]]:
    """What a language may want before and behind a piece of code, in the order in which to try it."""
    known = kind_table()["paste"].get(language, [["", ""]])
    return [(before, after) for before, after, *needs in known if all(text in code for text in needs)]


def _parse(code: str, language: str) -> _Attempt:
    attempts = []
    for before, after in wrappings(code, language):
        parsed = parse.parse(language, parse.decode(f"{before}{code}{after}".encode("utf-8", "replace")))
        fault = parsed.error_share + parsed.tree.root_node.has_error
        attempts.append(_Attempt(fault, parsed, (len(before), len(parsed.data) - len(after))))
        if not fault:
            break
    return min(attempts, key=lambda attempt: attempt.fault)
