"""Which function somebody means: by its name, by its place, or by its code."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentforge.embed.interface import canonical
from agentforge.errors import UsageError
from agentforge.model import FunctionRef
from agentforge.pipeline.likely_names import likely_names
from agentforge.pipeline.scope import named_projects
from agentforge.store.similar import Place, Search, SearchedProject, StoredFunction, StoredVector

if TYPE_CHECKING:
    from agentforge.embed.interface import Snippet
    from agentforge.pipeline.similar import Request

_PATH_AND_LINE = re.compile(r"(?P<path>.+):(?P<line>[0-9]+)")
_SHOWN_CANDIDATES = 10


@dataclass(frozen=True, slots=True)
class Subject:
    """The function in question, with the vector that the database has of it or what makes one."""

    ref: FunctionRef
    place: Place | None
    vector: StoredVector | None
    code_hash: str = ""
    snippet: Snippet | None = None


def subject_of(search: Search, request: Request) -> Subject:
    """The function in question.

    Raises:
        UsageError: there is none, or there are several that differ; says what there is.
    """
    if request.project is not None:
        named_projects(search.projects.values(), request.project)
    if request.code is not None:
        return _from_code(request.code, request.code_language)
    place = _PATH_AND_LINE.fullmatch(request.function)
    if place is None:
        return _stored(search, request, _named(search, request))
    path, line = place["path"], int(place["line"])
    if request.file is not None:
        return _in_file(search, request, request.file, line)
    return _stored(
        search, request, _only(_innermost(search.functions_at(path, line)), search, request, f"{path}:{line}")
    )


def _from_code(code: str, language: str | None) -> Subject:
    from agentforge.embed.snippets import guess_language, snippet_from_code
    from agentforge.parse import ParseTimeoutError

    if not code.strip():
        raise UsageError(
            "There is no code on standard input.", "Pipe a function in: agentforge similar - < function.py"
        )
    language = language or guess_language(code)
    lines = code.strip("\n").count("\n") + 1
    ref = FunctionRef("", "-", language, "-", code.strip().split("\n", 1)[0].strip(), 1, lines, lines, 1, 0, code)
    try:
        return Subject(ref, None, None, snippet=snippet_from_code(code, language))
    except ParseTimeoutError:
        raise UsageError("The code on standard input takes the parser too long.", "Give a smaller piece.") from None


def _stored(search: Search, request: Request, function: StoredFunction) -> Subject:
    ref = function.ref
    place = Place(function.project_id, ref.path, ref.start_line, ref.end_line)
    vector = search.vector_of(function.id, request.model and canonical(request.model))
    if vector is None and request.model is None:
        raise UsageError(f"{ref.qualified_name} is not embedded yet.", f"Run `agentforge embed {ref.project}` first.")
    if vector is None:
        raise UsageError(
            f"{ref.qualified_name} is not embedded by the model {request.model}.",
            f"Run `agentforge embed --model {request.model} {ref.project}` first.",
        )
    return Subject(ref, place, vector)


def _in_file(search: Search, request: Request, location: str, line: int) -> Subject:
    """A function of a file on disk, which may be in no project or changed since it was stored."""
    from agentforge.walk import escape

    project, path = _project_of(search, location)
    if project is not None:
        for function in search.functions_at(escape(path), line, _content_hash(location)):
            if (function.project_id, function.ref.path) == (project.id, escape(path)):
                return _stored(search, request, function)
    from agentforge.pipeline.source_function import function_at

    source = function_at(location, escape(path), project.name if project else "", line)
    place = Place(project.id, source.ref.path, source.ref.start_line, source.ref.end_line) if project else None
    return Subject(source.ref, place, None, source.code_hash, source.snippet)


def _content_hash(location: str) -> str:
    """SHA-256 of a file, empty where it cannot be read."""
    from agentforge.walk import MAX_FILE_SIZE, UnreadableSourceError, read_source

    try:
        return hashlib.sha256(read_source(location, MAX_FILE_SIZE)).hexdigest()
    except UnreadableSourceError:
        return ""


def _project_of(search: Search, location: str) -> tuple[SearchedProject | None, str]:
    """The stored project that a file belongs to, and the file's path in it (else its location)."""
    from agentforge.walk import discover, escape

    tree = discover([location])
    if tree.is_git:
        found = [item for item in search.projects.values() if item.key == tree.key]
        root = tree.root
    else:  # the key of a project without git is its folder
        found = [item for item in search.projects.values() if escape(location).startswith(f"{item.key}/")]
        found.sort(key=lambda item: len(item.key), reverse=True)
        root = found[0].key if found else ""
    return (found[0], location[len(root) + 1 :]) if found else (None, location)


def _named(search: Search, request: Request) -> StoredFunction:
    """The function that a name means.

    Raises:
        UsageError: there is none, or there are several that differ.
    """
    name = request.function.strip().removesuffix("()").replace("::", ".").replace("#", ".")
    candidates = [
        function
        for function in search.functions_named(name.rsplit(".", 1)[-1])
        if _means(name, function.ref.qualified_name)
    ]
    exact = [function for function in candidates if _means_exactly(name, function.ref.qualified_name)]
    whole = [function for function in exact if function.ref.qualified_name == name]
    return _only(whole or exact or candidates, search, request, request.function)


def _means(name: str, qualified_name: str) -> bool:
    return f".{qualified_name}".lower().endswith(f".{name}".lower())


def _means_exactly(name: str, qualified_name: str) -> bool:
    return f".{qualified_name}".endswith(f".{name}")


def _innermost(functions: Sequence[StoredFunction]) -> list[StoredFunction]:
    first: dict[tuple[int, str], StoredFunction] = {}
    for function in functions:
        first.setdefault((function.project_id, function.ref.path), function)
    return list(first.values())


def _only(candidates: Sequence[StoredFunction], search: Search, request: Request, shown: str) -> StoredFunction:
    if not candidates:
        raise UsageError(f"There is no function {shown}.", _suggestion(search, request))
    if request.project is not None:
        wanted = {item.id for item in search.projects.values() if request.project in (item.name, item.key)}
        candidates = [item for item in candidates if item.project_id in wanted] or candidates
    if len({function.code_hash for function in candidates}) == 1:
        return candidates[0]
    tree = request.here()
    here = [item for item in candidates if tree and search.projects[item.project_id].key == tree.key]
    if len({function.code_hash for function in here}) == 1:
        return here[0]
    listed = [
        f"  {function.ref.path}:{function.ref.start_line}  {function.ref.qualified_name}  ({function.ref.project})"
        for function in (here or candidates)[:_SHOWN_CANDIDATES]
    ]
    more = len(here or candidates) - len(listed)
    raise UsageError(
        f"{shown} is the name of {len(here or candidates)} functions. Did you mean one of these?",
        "\n".join([*listed, f"  and {more} more"] if more > 0 else listed)
        + "\nSay which by its place: agentforge similar PATH:LINE",
    )


def _suggestion(search: Search, request: Request) -> str:
    if _PATH_AND_LINE.fullmatch(request.function):
        return "There is no such file here, and no function is stored at that line. Has the file been analysed?"
    near = likely_names(request.function, search.function_names())
    return f"Did you mean {', '.join(near)}?" if near else "Give a name, PATH:LINE, or - for code on standard input."
