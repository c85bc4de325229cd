"""Functions that do the same: from what the user typed to the nearest ones in all projects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agentforge.embed.calibration import Calibration, fused, least_cosine, of_fused
from agentforge.errors import UsageError
from agentforge.model import FunctionRef, Match
from agentforge.pipeline.scope import check_language, named_projects
from agentforge.pipeline.stored_models import chosen
from agentforge.pipeline.subject import Subject, subject_of
from agentforge.store.similar import (
    Filters,
    Lacking,
    LeftOut,
    Search,
    StoredVector,
)

if TYPE_CHECKING:
    from agentforge.embed.explain import Explainer
    from agentforge.walk import SourceTree

# More change nothing that can be measured, and lists of neighbours hold 64.
_LEAST_LOOKED_AT, _MORE_LOOKED_AT = 20, 10


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


def nearest(search: Search, request: Request) -> Nearest:
    """Find the functions whose vectors are nearest to that of one.

    Raises:
        UsageError: there is no such function, project, language or model, or the name is ambiguous; says what there is.
    """
    if not search.projects:
        raise UsageError("No project is stored yet.", "Run `agentforge analyze PATH` first.")
    check_language(request.language)
    check_language(request.code_language)
    subject = subject_of(search, request)
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
    return subject_of(search, request).ref


def _projects(search: Search, request: Request, own: int | None) -> tuple[int, ...] | None:
    ids = tuple(search.projects)
    if request.project is not None:
        ids = tuple(item.id for item in named_projects(search.projects.values(), request.project))
    if request.other_projects:
        ids = tuple(project for project in ids if project != own)
    return None if len(ids) == len(search.projects) else ids


def _made_vector(search: Search, request: Request, subject: Subject) -> StoredVector:
    """The vector of code that the database does not have at this place."""
    model = chosen(search, request.model)
    name, version = model.embedder.name, model.embedder.version
    known = search.vector_by_hash(subject.code_hash, model.model_id, name, version) if subject.code_hash else None
    if known is not None or subject.snippet is None:
        return known or StoredVector(model.model_id, name, "[]", version=version)
    return model.vector(subject.snippet)
