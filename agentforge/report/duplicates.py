"""Functions that are there twice: for people, and as JSON (schema version 2, docs/schemas/duplicates.schema.json)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from agentforge.model import Cluster, ClusterMember, FunctionRef, Rewritten
from agentforge.report.similar import code_of, function_object, name_of, place_of, score_style
from agentforge.report.text import count, one_line

SCHEMA_VERSION = 2
_SHOWN_MEMBERS = 10


@dataclass(frozen=True, slots=True)
class Totals:
    """What was compared and found: functions, clusters, and the lines that merging each cluster into one would save."""

    functions: int
    clusters: int
    lines: int


def table(clusters: Sequence[Cluster], totals: Totals, *, several: bool, show_code: bool) -> Group:
    """The clusters, in their order.

    Args:
        clusters: that are shown.
        totals: of all clusters.
        several: projects were compared, so that each function has its project beside it.
        show_code: with the code of every member.
    """
    return Group(*_parts(clusters, totals, several=several, show_code=show_code))


def _parts(clusters: Sequence[Cluster], totals: Totals, *, several: bool, show_code: bool) -> Iterator[RenderableType]:
    if not clusters:
        yield Text(f"No function is there twice ({totals.functions:,} compared).", "green")
        return
    for cluster in clusters:
        first = name_of(cluster.members[0].function)
        size = f"  {len(cluster.members)} functions like "
        yield Text.assemble((count(cluster.lines, "line"), "bold"), size, (first, "bold"))
        for member in cluster.members if show_code else cluster.members[:_SHOWN_MEMBERS]:
            yield _line(member, several=several)
            if show_code:
                yield code_of(member.function)
        if not show_code and len(cluster.members) > _SHOWN_MEMBERS:
            yield Text(f"        and {len(cluster.members) - _SHOWN_MEMBERS} more", "dim")
        yield Text("")
    part = f", of which {len(clusters):,} are shown" if totals.clusters > len(clusters) else ""
    found = f"{count(totals.clusters, 'cluster')} among {count(totals.functions, 'function')}{part}"
    yield Text(f"{found}; merging them would save {count(totals.lines, 'line')}.", "dim")
    if not show_code:
        yield Text("--show-code shows their code.", "dim")


def _line(member: ClusterMember, *, several: bool) -> Text:
    function = member.function
    return Text.assemble(
        "  ",
        (f"{member.score:.2f}", score_style(member.score)),
        f"  {name_of(function)}",
        (f"  {_place(function, several=several)}, {count(function.lines_of_code, 'line')}", "dim"),
        ("  new" if member.is_new else "", "yellow"),
    )


def _place(function: FunctionRef, *, several: bool) -> str:
    return place_of(function) if several else one_line(f"{function.path}:{function.start_line}")


def new_ones(rewritten: Sequence[Rewritten], *, show_code: bool) -> Group:
    """Each new function with the one that is there already; places as `path:line`, as editors and CI know them."""
    parts: list[RenderableType] = []
    for item in rewritten:
        one, other = item.function, item.existing
        elsewhere = one.project != other.project
        parts.append(
            Text.assemble(
                (_place(one, several=False), "bold"),
                f": {name_of(one)} is there already: {name_of(other)}, ",
                (_place(other, several=elsewhere), "bold"),
                (f"  {item.score:.2f}", score_style(item.score)),
            )
        )
        if show_code:
            parts.extend((code_of(one), code_of(other)))
    return Group(*(parts or [Text("No new function was there already.", "green")]))


def members(
    clusters: Sequence[Cluster], rewritten: Sequence[Rewritten], *, show_code: bool
) -> dict[str, list[dict[str, Any]]]:
    """`clusters` and `rewritten` of the JSON document, as plain values."""
    return {
        "clusters": [
            {"lines": cluster.lines, "functions": [_member(member, show_code=show_code) for member in cluster.members]}
            for cluster in clusters
        ],
        "rewritten": [
            {
                "score": round(item.score, 4),
                "cosine": round(item.cosine, 4),
                "function": _object(item.function, show_code=show_code),
                "existing": _object(item.existing, show_code=show_code),
            }
            for item in rewritten
        ],
    }


def _member(member: ClusterMember, *, show_code: bool) -> dict[str, Any]:
    function = _object(member.function, show_code=show_code)
    scores = {"score": round(member.score, 4), "cosine": round(member.cosine, 4)}
    return {**scores, "new": member.is_new, **function}


def _object(function: FunctionRef, *, show_code: bool) -> dict[str, Any]:
    found = function_object(function)
    if not show_code:
        del found["code"]
    return found
