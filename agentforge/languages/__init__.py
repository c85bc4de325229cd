"""Languages are data: every folder beside this file that holds a `language.toml` is one.

docs/languages.md says what a folder holds and what its queries capture.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from pathspec import GitIgnoreSpec

FOLDER = Path(__file__).parent
_SHEBANG = re.compile(rb"#!\s*(?:\S*/)?(?:env\s+(?:-\S+\s+)*)?(?:\S*/)?([A-Za-z_+-]+)[0-9.]*")
# A C header is C++ when it says something that only C++ can say; linguist uses the same evidence.
_CPP_HEADER = re.compile(
    rb"^\s*(?:template\s*<|namespace\s+\w|class\s+\w[^;]*[{:]|using\s+(?:namespace\s)?\w|(?:public|private|protected)\s*:)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class WaiverCustom:
    """How a language's users waive a finding in a comment, by custom of another tool.

    Attributes:
        marker: bytes without which no file has such a comment.
        pattern: with groups `ids` (of rules, separated by commas or spaces), `reason`, and `next` where it means the
            next line.
    """

    marker: bytes
    pattern: re.Pattern[bytes]


@dataclass(frozen=True, slots=True)
class Language:
    """One language as its folder describes it.

    Attributes:
        name: of the folder; how the language is called everywhere in code, SQL and output.
        title: as its users write it.
        grammar: (module, function) that yields the tree-sitter language, e.g. (`tree_sitter_php`, `language_php`).
        comments: node types that are comments.
        line_comment: what begins a comment to the end of the line.
        strings: node types that are string literals, an operand each.
        not_parameters: node types in a parameter list that are no parameters (Python's bare `*`).
        parameters: node types in a parameter list that are parameters, all else there is none; empty: see above.
        masks: patterns whose group `mask` is blanked out before a parse (agentforge.parse.mask).
        masks_on_error: the same, tried where the first parse met an error, kept where it leaves fewer.
        test_paths: gitignore-style patterns of paths that hold tests.
        waivers: customs of waiving in a comment, beside our own.
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    file_names: tuple[str, ...]
    interpreters: tuple[str, ...]
    grammar: tuple[str, str]
    comments: tuple[str, ...]
    line_comment: str
    strings: tuple[str, ...]
    not_parameters: tuple[str, ...]
    parameters: tuple[str, ...]
    masks: tuple[re.Pattern[bytes], ...]
    masks_on_error: tuple[re.Pattern[bytes], ...]
    test_paths: tuple[str, ...]
    waivers: tuple[WaiverCustom, ...]

    @property
    def folder(self) -> Path:
        """Where its queries and rules lie."""
        return FOLDER / self.name

    def is_test(self, path: str) -> bool:
        """Whether a root-relative path holds tests by the conventions of this language."""
        return _test_spec(self.test_paths).match_file(path)


@cache
def _test_spec(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines(patterns)


@cache
def names() -> tuple[str, ...]:
    """The names of all languages, sorted."""
    return tuple(sorted(file.parent.name for file in FOLDER.glob("*/language.toml")))


@cache
def get(name: str) -> Language:
    """The language of this name.

    Raises:
        KeyError: there is no such language.
    """
    file = FOLDER / name / "language.toml"
    if not file.is_file():
        raise KeyError(name)
    data = tomllib.loads(file.read_text("utf-8"))
    return Language(
        name=name,
        title=data["title"],
        extensions=tuple(data["extensions"]),
        file_names=tuple(data.get("file_names", ())),
        interpreters=tuple(data.get("interpreters", ())),
        grammar=(data["grammar"]["module"], data["grammar"].get("function", "language")),
        comments=tuple(data["comments"]),
        line_comment=data["line_comment"],
        strings=tuple(data["strings"]),
        not_parameters=tuple(data.get("not_parameters", ())),
        parameters=tuple(data.get("parameters", ())),
        masks=_masks(data, "always"),
        masks_on_error=_masks(data, "on_error"),
        test_paths=tuple(data.get("test_paths", ())),
        waivers=tuple(
            WaiverCustom(entry["marker"].encode(), re.compile(entry["pattern"].encode()))
            for entry in data.get("waiver", ())
        ),
    )


def _masks(data: dict[str, Any], kind: str) -> tuple[re.Pattern[bytes], ...]:
    patterns: list[str] = data.get("mask", {}).get(kind, [])
    return tuple(re.compile(pattern.encode(), re.MULTILINE | re.VERBOSE) for pattern in patterns)


@cache
def _tables() -> tuple[dict[str, str], dict[str, str], dict[bytes, str]]:
    extensions: dict[str, str] = {}
    file_names: dict[str, str] = {}
    interpreters: dict[bytes, str] = {}
    for language in map(get, names()):
        extensions.update(dict.fromkeys(language.extensions, language.name))
        file_names.update(dict.fromkeys(language.file_names, language.name))
        interpreters.update((name.encode(), language.name) for name in language.interpreters)
    return extensions, file_names, interpreters


def detect(path: str, head: bytes) -> str | None:
    """The name of the language of a file, or None.

    Args:
        path: of the file, `/` between parts.
        head: its first few kilobytes.
    """
    extensions, file_names, interpreters = _tables()
    name = path.rsplit("/", 1)[-1]
    language = file_names.get(name)
    if language is None:
        suffix = PurePosixPath(name).suffix
        # The case matters once: .C and .H are C++ by old custom; all else is compared in lower case.
        language = extensions.get(suffix) or extensions.get(suffix.lower())
        if language is None and not suffix and head.startswith(b"#!"):
            found = _SHEBANG.match(head)
            language = interpreters.get(found[1]) if found else None
    if language == "c" and name.endswith(".h") and _CPP_HEADER.search(head):
        return "cpp"
    return language
