"""Functions that do the same: from what the user typed to the nearest ones in all projects."""

from __future__ import annotations

import difflib
import hashlib
import heapq
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agentforge.embed.calibration import Calibration, fused, least_cosine, of_fused
from agentforge.embed.interface import canonical
from agentforge.errors import UsageError
from agentforge.model import FunctionRef, Match
from agentforge.pipeline.scope import check_language, named_projects
from agentforge.pipeline.stored_models import chosen
from agentforge.store.similar import (
    Filters,
    Lacking,
    LeftOut,
    Place,
    Search,
    SearchedProject,
    StoredFunction,
    StoredVector,
)

if TYPE_CHECKING:
    from agentforge.embed.explain import Explainer
    from agentforge.embed.interface import Snippet
    from agentforge.walk import SourceTree

_PATH_AND_LINE = re.compile(r"(?P<path>.+):(?P<line>[0-9]+)")
_SHOWN_CANDIDATES = 10
# More change nothing that can be measured, and lists of neighbours hold 64.
_LEAST_LOOKED_AT, _MORE_LOOKED_AT = 20, 10
_SUGGESTED_NAMES = 5
_LEAST_ALIKE, _LEAST_RATIO = 0.15, 0.6


@dataclass(frozen=True, slots=True)
class Request:
    """What to look for, and where.

    Attributes:
        function: a name (`save`, `Model.save`), a place (`path:line`), or empty where `code` is given.
        code: of a function that is in no file, None where `function` is given.
        code_language: of `code`, None to guess it.
        here: finds the tree that the user stands in, if any: its functions come first where a name is ambiguous.
        file: location of the file that `function` names, symbolic links resolved, None where there is none.
        model: name of the model, None for the one of the function's stored vector, or the default.
        project: name or key of the project to search, None for all.
        other_projects: search all but the project of the function.
        language: of the functions that are wanted, None for all.
        limit: how many matches, at least 1.
        min_score: least score of a match; least cosine where the model was never calibrated.
    """

    function: str
    code: str | None
    code_language: str | None
    here: Callable[[], SourceTree | None]
    file: str | None
    model: str | None
    project: str | None
    other_projects: bool
    language: str | None
    limit: int
    min_score: float


@dataclass(frozen=True, slots=True)
class Found:
    """The answer.

    Attributes:
        function: in question.
        model: that compared.
        calibrated: whether a score is a share of pairs that were judged the same, and not the cosine.
        matches: best first.
        lacking: what has no meaning yet; where there is any, words and structure alone were compared.
        left_out: what could not be compared.
    """

    function: FunctionRef
    model: str
    calibrated: bool
    matches: tuple[Match, ...]
    lacking: Lacking
    left_out: LeftOut


@dataclass(frozen=True, slots=True)
class Nearest:
    """What the database has to say.

    Attributes:
        found: the answer; its matches have the nearest vectors, are some more than wanted, and lack their scores.
        curve: from what is made of cosines to scores.
    """

    found: Found
    curve: Calibration


@dataclass(frozen=True, slots=True)
class _Subject:
    """The function in question, with the vector that the database has of it or what makes one."""

    ref: FunctionRef
    place: Place | None
    vector: StoredVector | None
    code_hash: str = ""
    snippet: Snippet | None = None


def nearest(search: Search, request: Request) -> Nearest:
    """Find the functions whose vectors are nearest to that of one.

    Raises:
        UsageError: there is no such function, project, language or model, or the name is ambiguous; says what there is.
    """
    if not search.projects:
        raise UsageError("No project is stored yet.", "Run `agentforge analyze PATH` first.")
    check_language(request.language)
    check_language(request.code_language)
    subject = _subject(search, request)
    vector = subject.vector or _made_vector(search, request, subject)
    own = subject.place.project_id if subject.place else None
    searched = _projects(search, request, own)
    lacking = search.without_meaning(vector, Filters(searched, request.language, request.limit, -1.0))
    curve = of_fused(vector.model, vector.version, without_meaning=bool(lacking))
    least = curve.cosine(request.min_score)
    if curve.calibrated:
        filters = Filters(searched, request.language, _looked_at(request.limit), least_cosine(least))
    else:
        filters = Filters(searched, request.language, request.limit, least)
    matches = search.nearest(vector, filters, subject.place, by_features=bool(lacking))
    left_out = search.left_out(vector.model_id, filters)
    found = Found(subject.ref, vector.model, curve.calibrated, tuple(matches), lacking, left_out)
    return Nearest(found, curve)


def ranked(answer: Nearest, request: Request) -> Found:
    """The matches that are wanted, best first, with their scores and reasons. It asks no database.

    Of two that are as near that one comes first which is more alike in name, parameters and calls. Where a model was
    never calibrated the cosine alone decides: what both together mean was not measured.
    """
    found = answer.found
    if not found.matches:
        return found
    from agentforge.embed.explain import Explainer

    explainer = Explainer(found.function)
    matches = found.matches
    if found.calibrated:
        matches = tuple(_fused(match, explainer, answer.curve) for match in matches)
        matches = tuple(sorted(matches, key=lambda match: -match.score))
    matches = tuple(match for match in matches if match.score >= request.min_score)[: request.limit]
    reasons = explainer.explain([match.function for match in matches])
    explained = (replace(match, explanation=reason) for match, reason in zip(matches, reasons, strict=True))
    return replace(found, matches=tuple(explained))


def _fused(match: Match, explainer: Explainer, curve: Calibration) -> Match:
    alike = explainer.alike(match.function)
    return replace(match, alike=alike, score=curve.score(fused(match.cosine, alike)))


def _looked_at(limit: int) -> int:
    """How many of the nearest are ranked anew."""
    return max(_LEAST_LOOKED_AT, limit + _MORE_LOOKED_AT)


def look_up(search: Search, request: Request) -> FunctionRef:
    """The function that the user means, with its code.

    Raises:
        UsageError: there is none, or there are several that differ; says what there is.
    """
    return _subject(search, request).ref


def _projects(search: Search, request: Request, own: int | None) -> tuple[int, ...] | None:
    ids = tuple(search.projects)
    if request.project is not None:
        ids = tuple(item.id for item in named_projects(search.projects.values(), request.project))
    if request.other_projects:
        ids = tuple(project for project in ids if project != own)
    return None if len(ids) == len(search.projects) else ids


def _subject(search: Search, request: Request) -> _Subject:
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


def _from_code(code: str, language: str | None) -> _Subject:
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
        return _Subject(ref, None, None, snippet=snippet_from_code(code, language))
    except ParseTimeoutError:
        raise UsageError("The code on standard input takes the parser too long.", "Give a smaller piece.") from None


def _stored(search: Search, request: Request, function: StoredFunction) -> _Subject:
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
    return _Subject(ref, place, vector)


def _in_file(search: Search, request: Request, location: str, line: int) -> _Subject:
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
    return _Subject(source.ref, place, None, source.code_hash, source.snippet)


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


def _made_vector(search: Search, request: Request, subject: _Subject) -> StoredVector:
    """The vector of code that the database does not have at this place."""
    model = chosen(search, request.model)
    name, version = model.embedder.name, model.embedder.version
    known = search.vector_by_hash(subject.code_hash, model.model_id, name, version) if subject.code_hash else None
    if known is not None or subject.snippet is None:
        return known or StoredVector(model.model_id, name, "[]", version=version)
    return model.vector(subject.snippet)


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
        return "No function is stored at that line; has the file been analysed?"
    near = nearest_names(request.function, search.function_names())
    return f"Did you mean {', '.join(near)}?" if near else "Give a name, PATH:LINE, or - for code on standard input."


def nearest_names(wanted: str, names: Iterable[str]) -> list[str]:
    """The names most like a misspelt one, best first.

    A name is as near as the most similar of its endings: `Model.save` of `django.Model.save` to `Modl.save`, `Model` to
    `Modle`. Shared pairs of letters choose the likely ones, difflib's ratio orders them.

    Args:
        wanted: as the user wrote it.
        names: qualified names.
    """
    grams = _bigrams(wanted)
    depth = wanted.count(".") + 1
    scored = []
    for name in names:
        parts = name.split(".")
        for end in range(len(parts), max(0, len(parts) - 2), -1):
            other = _bigrams(".".join(parts[max(0, end - depth) : end]))
            scored.append(
                (
                    len(grams & other) / len(grams | other),
                    ".".join(parts[-depth - 1 :]),
                    ".".join(parts[max(0, end - depth) : end]),
                )
            )
    likely = heapq.nlargest(50, {item for item in scored if item[0] >= _LEAST_ALIKE})
    ranked = sorted(
        ((difflib.SequenceMatcher(None, wanted.lower(), part.lower()).ratio(), shown) for _, shown, part in likely),
        key=lambda item: -item[0],
    )
    return list(dict.fromkeys(shown for ratio, shown in ranked if ratio >= _LEAST_RATIO))[:_SUGGESTED_NAMES]


def _bigrams(name: str) -> set[str]:
    padded = f" {name.lower()} "
    return {padded[index : index + 2] for index in range(len(padded) - 1)}
