"""Which new functions are nearly the same code as another one, without a database."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence

from agentforge.embed.calibration import calibration
from agentforge.embed.duplicates import MIN_LINES, Channels, near_duplicates
from agentforge.embed.interface import FAST_MODEL, Snippet, load
from agentforge.model import Candidate, FileAnalysis, Function
from agentforge.pipeline.gate import NewFunction

_Place = tuple[str, int, int]  # path, and bytes from and to


def mark_copies(files: Iterable[FileAnalysis], functions: Sequence[NewFunction]) -> list[NewFunction]:
    """The same functions, the added ones compared with all of the files by the model `fast`.

    Args:
        files: all of the project, with the features of their functions.
        functions: those that are new or grew.
    """
    rows = {
        (file.path, item.start_byte, item.end_byte): (file, item)
        for file in files
        for item in file.metrics.functions
        if item.lines_of_code >= MIN_LINES and item.code_hash
    }
    fresh = {place for new in functions if new.added and (place := _place(new)) in rows}
    twins = _twins(rows, fresh) if fresh else {}

    def marked(new: NewFunction) -> NewFunction:
        place = _place(new)
        if place not in fresh:
            return new
        return dataclasses.replace(new, compared=True, duplicate_of=twins.get(place, ""))

    return [marked(new) for new in functions]


def _place(new: NewFunction) -> _Place:
    return new.path, new.function.start_byte, new.function.end_byte


def _twins(rows: Mapping[_Place, tuple[FileAnalysis, Function]], fresh: Collection[_Place]) -> dict[_Place, str]:
    """By the place of a function another one that is nearly the same, as it is shown; one of the two is fresh."""
    embedder = load(FAST_MODEL)
    curve = calibration(embedder.name, embedder.version)
    places = list(rows)
    pairs = near_duplicates(
        embedder.embed([Snippet(file.language, item.name, item.code, item.features) for file, item in rows.values()]),
        [_candidate(file, item) for file, item in rows.values()],
        changed={index for index, place in enumerate(places) if place in fresh},
        min_score=curve.near_duplicate,
        channels=Channels.of(embedder.layout, curve),
    )
    twins: dict[_Place, str] = {}
    for one, other, _ in pairs:
        twins.setdefault(places[one], _shown(*rows[places[other]]))
        twins.setdefault(places[other], _shown(*rows[places[one]]))
    return twins


def _shown(file: FileAnalysis, item: Function) -> str:
    return f"{item.qualified_name}, {file.path}:{item.start_line}"


def _candidate(file: FileAnalysis, item: Function) -> Candidate:
    return Candidate(
        0, file.path, item.qualified_name, item.start_line, item.end_line, item.lines_of_code, item.code_hash
    )
