"""The functions nearest to one: for people, and as JSON (schema version 3, docs/schemas/similar.schema.json)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agentforge.model import Explanation, FunctionRef, Match
from agentforge.report.text import block, count, one_line, shortened

SCHEMA_VERSION = 3
SURE, LIKELY = 0.9, 0.7
_SIGNATURE = 100
_BROKEN = re.compile(r"([(\[]) |,? ([)\]])")


def table(function: FunctionRef, matches: Sequence[Match], *, calibrated: bool, show_code: bool) -> Group:
    """The matches, best first; with their code beside that of the function in question, where it is asked for.

    `calibrated` is as in `document`.
    """
    return Group(*_parts(function, matches, calibrated=calibrated, show_code=show_code))


def _parts(
    function: FunctionRef, matches: Sequence[Match], *, calibrated: bool, show_code: bool
) -> Iterator[RenderableType]:
    size = count(function.lines_of_code, "line")
    asked = name_of(function) if function.path != "-" else signature_of(function)
    yield Text.assemble("Nearest to ", (asked, "bold"), (f"  {place_of(function)}, {size}", "dim"))
    if not matches:
        yield Text("Nothing is that near: lower --min-score, or analyse more projects.", "yellow")
        return
    if show_code:
        for match in matches:
            yield _side_by_side(function, match)
        yield Text(f"\n{_meaning(calibrated=calibrated)}", "dim")
        return
    for match in matches:
        found = match.function
        yield Text.assemble(
            (f"\n{score_text(match.score)}", score_style(match.score)),
            f"  {name_of(found)}",
            (f"  {place_of(found)}, {count(found.lines_of_code, 'line')}", "dim"),
        )
        yield Text(f"      {signature_of(found)}", "dim")
        if match.explanation:
            yield Text(f"      {one_line(match.explanation.text)}", "italic")
    yield Text(f"\n{_meaning(calibrated=calibrated)}\n--show-code shows them side by side.", "dim")


def _meaning(*, calibrated: bool) -> str:
    if calibrated:
        return "0.90: of ten pairs with this score nine were judged to do the same."
    return "The numbers are cosines: this model was never calibrated, so they say which is nearer and no more."


def _side_by_side(function: FunctionRef, match: Match) -> Table:
    pair = Table(box=None, expand=True, padding=(0, 1), title_justify="left", show_edge=False)
    for column in (function, match.function):
        pair.add_column(Text.assemble(name_of(column), (f"  {place_of(column)}", "dim")), ratio=1, overflow="fold")
    reason = f"  {one_line(match.explanation.text)}" if match.explanation else ""
    pair.title = Text.assemble((f"\n{score_text(match.score)}", score_style(match.score)), reason)
    pair.add_row(code_of(function), code_of(match.function))
    return pair


def code_of(function: FunctionRef) -> RenderableType:
    """Its code, coloured, with the line numbers of its file."""
    from rich.syntax import Syntax  # brings pygments, which only this needs

    return Syntax(
        block(function.code.rstrip("\n")),
        function.language or "text",
        line_numbers=True,
        start_line=function.start_line,
        word_wrap=True,
        background_color="default",
    )


def name_of(function: FunctionRef) -> str:
    """Its qualified name, fit to be shown."""
    return one_line(function.qualified_name)


def signature_of(function: FunctionRef) -> str:
    """Its signature, as much of it as a line has room for, without what only set it over several lines."""
    return shortened(_BROKEN.sub(r"\1\2", one_line(function.signature)), _SIGNATURE)


def place_of(function: FunctionRef) -> str:
    """Its project, and `path:line`."""
    place = f"{function.path}:{function.start_line}" if function.path != "-" else "standard input"
    return one_line(f"{function.project} {place}" if function.project else place)


def score_text(score: float) -> str:
    """A score in four characters."""
    return f"{score:.2f}" if score >= 0.01 else "<.01"


def score_style(score: float) -> str:
    """How a similarity is coloured."""
    return "green" if score >= SURE else "yellow" if score >= LIKELY else "dim"


def document(
    function: FunctionRef,
    model: str,
    matches: Sequence[Match],
    version: str,
    *,
    calibrated: bool,
    without_meaning: int = 0,
    without_vector: int = 0,
) -> dict[str, Any]:
    """The answer as plain JSON values.

    Args:
        function: in question.
        model: that made the vectors.
        matches: best first.
        version: of the tool.
        calibrated: whether scores are shares of pairs that were judged the same; else they are cosines.
        without_meaning: how many functions have none yet; where there are any, words and structure were compared.
        without_vector: how many functions that are searched have none, and were not compared.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "agentforge", "version": version},
        "model": model,
        "calibrated": calibrated,
        "without_meaning": without_meaning,
        "without_vector": without_vector,
        "function": function_object(function),
        "matches": [_match_object(match) for match in matches],
    }


def _match_object(match: Match) -> dict[str, Any]:
    alike = None if match.alike is None else round(match.alike, 4)
    scores = {"score": round(match.score, 4), "cosine": round(match.cosine, 4), "alike": alike}
    return {**scores, "explanation": explanation_object(match.explanation), **function_object(match.function)}


def explanation_object(reason: Explanation | None) -> dict[str, Any] | None:
    """Why two functions are near, as JSON holds it."""
    if reason is None:
        return None
    return {
        "words": round(reason.words, 4),
        "structure": round(reason.structure, 4),
        "shared_calls": list(reason.shared_calls),
        "text": reason.text,
    }


def function_object(function: FunctionRef) -> dict[str, Any]:
    """A function with its place, measures and code."""
    return {
        "project": function.project or None,
        "path": function.path,
        "language": function.language,
        "qualified_name": function.qualified_name,
        "signature": function.signature,
        "start_line": function.start_line,
        "end_line": function.end_line,
        "lines_of_code": function.lines_of_code,
        "cyclomatic": function.cyclomatic,
        "cognitive": function.cognitive,
        "code": function.code,
    }
