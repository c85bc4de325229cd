"""Functions by what is said of them: by words, by the vector of the text, and both fused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentforge.errors import UsageError
from agentforge.model import FunctionRef, TextMatch
from agentforge.pipeline.scope import check_language, named_projects
from agentforge.pipeline.stored_models import chosen
from agentforge.store.similar import LeftOut, StoredVector
from agentforge.store.text_search import TextSearch, Wanted

# Reciprocal rank fusion (Cormack and others 2009): weight / (constant + rank), summed over the ways. Chosen by half of
# the questions of benchmarks/similarity/colleague_texts.toml (docs/embedding.md).
RANK_CONSTANT = 5
WORDS_WEIGHT, VECTOR_WEIGHT = 3.0, 2.0
KINDS = ("function", "method")
_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Request:
    """What to look for, and where.

    Attributes:
        text: in words.
        project: name or key of the project to search, None for all.
        language: of the functions, None for all.
        kind: `function` or `method`, None for both.
        tests: functions of test files, too.
        limit: how many matches, at least 1.
        model: name of the model, None for one that needs no choice.
    """

    text: str
    project: str | None
    language: str | None
    kind: str | None
    tests: bool
    limit: int
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The answer.

    Attributes:
        matches: best first.
        model: whose vectors the text was compared with; None where it was compared with none.
        without_meaning: how many of the functions have no meaning yet; where there are any, the vectors were compared
            by words and structure alone.
        left_out: what could not be compared by vectors.
        words_only: why no vectors were compared, and what to do; empty where some were.
    """

    matches: tuple[TextMatch, ...]
    model: str | None
    without_meaning: int
    left_out: LeftOut
    words_only: str = ""


@dataclass(frozen=True, slots=True)
class _Ways:
    """Ids of functions, best first, by words and by vectors; the rest as in `Found`."""

    by_words: list[int]
    by_vector: list[int]
    model: str | None
    without_meaning: int
    left_out: LeftOut
    words_only: str


def search_text(text_search: TextSearch, request: Request) -> Found:
    """Find functions by words and by meaning, best first.

    Raises:
        UsageError: there is no such project, language, kind or model, nothing to search, or nothing is asked.
    """
    ways = _ways(text_search, request)
    words, near = ways.by_words, ways.by_vector
    scores = fused(words, near)
    best = sorted(scores, key=lambda function_id: (-scores[function_id], function_id))[: request.limit]
    functions = text_search.functions(best)
    word_ranks = {function_id: rank for rank, function_id in enumerate(words, 1)}
    near_ranks = {function_id: rank for rank, function_id in enumerate(near, 1)}
    matches = tuple(
        TextMatch(scores[item], functions[item], word_ranks.get(item), near_ranks.get(item))
        for item in best
        if item in functions
    )
    return Found(matches, ways.model, ways.without_meaning, ways.left_out, ways.words_only)


def ranked(text_search: TextSearch, request: Request) -> tuple[list[FunctionRef], ...]:
    """What is found by words alone, by vectors alone, and by both: for benchmarks."""
    ways = _ways(text_search, request)
    words, near = ways.by_words, ways.by_vector
    scores = fused(words, near)
    both = sorted(scores, key=lambda function_id: (-scores[function_id], function_id))
    functions = text_search.functions(both)
    return tuple([functions[item] for item in way[: request.limit]] for way in (words, near, both))


def fused(words: Sequence[int], near: Sequence[int]) -> dict[int, float]:
    """The score of each id in one list or the other; 1 for what is first in both."""
    scores: dict[int, float] = {}
    share = (RANK_CONSTANT + 1) / (WORDS_WEIGHT + VECTOR_WEIGHT)
    for ids, weight in ((words, WORDS_WEIGHT), (near, VECTOR_WEIGHT)):
        for rank, function_id in enumerate(ids, 1):
            scores[function_id] = scores.get(function_id, 0.0) + share * weight / (RANK_CONSTANT + rank)
    return scores


def _ways(text_search: TextSearch, request: Request) -> _Ways:
    if not any(letter.isalnum() for letter in request.text):
        raise UsageError("There are no words to search for.", 'Say what the function does: agentforge search "..."')
    check_language(request.language)
    if request.kind not in (None, *KINDS):
        raise UsageError(f"There is no kind {request.kind}.", f"There are {' and '.join(KINDS)}.")
    wanted = Wanted(
        _projects(text_search, request), request.language, request.kind, request.tests, max(_DEPTH, request.limit)
    )
    try:
        vector = _vector(text_search, request)
    except UsageError as error:
        if request.model is not None:
            raise
        left_out = text_search.left_out(None, wanted)
        return _Ways(text_search.by_words(request.text, wanted), [], None, 0, left_out, str(error))
    by_words = text_search.by_words(request.text, wanted)
    lacking = text_search.without_meaning(vector, wanted)
    by_vector = text_search.by_vector(vector, wanted, by_features=lacking > 0)
    left_out = text_search.left_out(vector.model_id, wanted)
    return _Ways(by_words, by_vector, vector.model, lacking, left_out, "")


def _projects(text_search: TextSearch, request: Request) -> tuple[int, ...] | None:
    known = list(text_search.search.projects.values())
    if not known:
        raise UsageError("No project is stored yet.", "Run `agentforge analyze PATH` first.")
    return None if request.project is None else tuple(item.id for item in named_projects(known, request.project))


def _vector(text_search: TextSearch, request: Request) -> StoredVector:
    """The vector of the text.

    Raises:
        UsageError: no vectors are stored that it may be compared with.
    """
    from agentforge.embed.snippets import snippet_from_text

    return chosen(text_search.search, request.model).vector(snippet_from_text(request.text))
