"""A function of a file on disk, whether or not the database has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentforge import languages, measure, parse
from agentforge.errors import UsageError
from agentforge.model import FunctionRef
from agentforge.walk import MAX_FILE_SIZE, UnreadableSourceError, read_source

if TYPE_CHECKING:
    from agentforge.embed.interface import Snippet

_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class SourceFunction:
    """A function of a file on disk."""

    ref: FunctionRef
    code_hash: str
    snippet: Snippet


def function_at(location: str, path: str, project: str, line: int) -> SourceFunction:
    """The innermost function around a line of a file.

    Args:
        location: of the file.
        path: of the file, as it is shown.
        project: name shown with the function.
        line: from 1.

    Raises:
        UsageError: the file cannot be read or is in no language that is parsed, or no function is at that line.
    """
    from agentforge.embed.features import extract
    from agentforge.embed.interface import Snippet

    try:
        raw = read_source(location, MAX_FILE_SIZE)
    except UnreadableSourceError as error:
        raise UsageError(f"{path} cannot be read: {error}.", "Name a readable source file.") from None
    language = languages.detect(location, raw[:_HEAD_BYTES])
    if language is None:
        raise UsageError(f"{path} is in no language that agentforge parses.", "docs/languages.md lists those it does.")
    decoded = parse.decode(raw)
    try:
        parsed = parse.parse(language, decoded)
    except parse.ParseTimeoutError:
        raise UsageError(f"{path} takes the parser too long.", "Give a smaller file.") from None
    functions = [
        function
        for function in measure.measure(parsed, decoded).functions
        if function.start_line <= line <= function.end_line
    ]
    if not functions:
        raise UsageError(f"There is no function at line {line} of {path}.", "Give a line inside a function.")
    function = max(functions, key=lambda item: item.start_byte)
    ref = FunctionRef.of(function, project, path, language, function.code)
    features = extract(parsed, [(function.start_byte, function.end_byte)])[0]
    snippet = Snippet(language, function.name, function.code, features)
    return SourceFunction(ref, function.code_hash, snippet)
