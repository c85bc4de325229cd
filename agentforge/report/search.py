"""The functions that a text finds: for people, and as JSON (schema version 1, docs/schemas/search.schema.json)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from agentforge.model import TextMatch
from agentforge.report.similar import code_of, function_object, name_of, place_of, signature_of
from agentforge.report.text import count, one_line, shortened

_DESCRIPTION = 100


def table(matches: Sequence[TextMatch], *, show_code: bool) -> Group:
    """The matches, best first."""
    return Group(*_parts(matches, show_code=show_code))


def _parts(matches: Sequence[TextMatch], *, show_code: bool) -> Iterator[RenderableType]:
    if not matches:
        yield Text("Nothing has these words: say it in others, or analyse more projects.", "yellow")
        return
    for match in matches:
        found = match.function
        yield Text.assemble(
            (name_of(found), "bold"), (f"  {place_of(found)}, {count(found.lines_of_code, 'line')}", "dim")
        )
        yield Text(f"      {signature_of(found)}", "dim")
        if found.description:
            yield Text(f"      {shortened(one_line(found.description), _DESCRIPTION)}")
        if show_code:
            yield code_of(found)
    yield Text("\nagentforge similar PATH:LINE lists what does the same as one of them.", "dim")


def matches_object(matches: Sequence[TextMatch]) -> list[dict[str, Any]]:
    """`matches` of the JSON document, as plain values."""
    return [
        {
            "score": round(match.score, 4),
            "word_rank": match.word_rank,
            "vector_rank": match.vector_rank,
            "description": match.function.description,
            **function_object(match.function),
        }
        for match in matches
    ]
