"""Which new functions are nearly the same code as another one, without a database."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from agentforge.embed.calibration import calibration
from agentforge.embed.duplicates import MIN_LINES, Channels, near_duplicates
from agentforge.embed.interface import FAST_MODEL, Snippet, load
from agentforge.model import Candidate, FileAnalysis, Function
from agentforge.pipeline.gate import NewFunction


def mark_copies(files: Iterable[FileAnalysis], functions: Sequence[NewFunction]) -> list[NewFunction]:
    """The same functions, the added ones compared with all of the files by the model `fast`.

    Args:
        files: all of the project, with the features of their functions.
        functions: those that are new or grew.
    """
    rows = [
        (file, item)
        for file in files
        for item in file.metrics.functions
        if item.lines_of_code >= MIN_LINES and item.code_hash
    ]
    places = {(file.path, item.start_byte, item.end_byte): index for index, (file, item) in enumerate(rows)}
    fresh = {
        index
        for new in functions
        if new.added and (index := places.get((new.path, new.function.start_byte, new.function.end_byte))) is not None
    }
    if not fresh:
        return list(functions)
    snippets = [Snippet(file.language, item.name, item.code, item.features) for file, item in rows]
    embedder = load(FAST_MODEL)
    curve = calibration(embedder.name, embedder.version)
    pairs = near_duplicates(
        embedder.embed(snippets),
        [_candidate(file, item) for file, item in rows],
        changed=fresh,
        min_score=curve.near_duplicate,
        channels=Channels.of(embedder.layout, curve),
    )
    twins: dict[int, int] = {}
    for one, other, _ in pairs:
        twins.setdefault(one, other)
        twins.setdefault(other, one)

    def marked(new: NewFunction) -> NewFunction:
        index = places.get((new.path, new.function.start_byte, new.function.end_byte))
        if index is None or index not in fresh:
            return new
        twin = twins.get(index)
        other = (
            f"{rows[twin][1].qualified_name}, {rows[twin][0].path}:{rows[twin][1].start_line}"
            if twin is not None
            else ""
        )
        return dataclasses.replace(new, compared=True, duplicate_of=other)

    return [marked(new) for new in functions]


def _candidate(file: FileAnalysis, item: Function) -> Candidate:
    return Candidate(
        0, file.path, item.qualified_name, item.start_line, item.end_line, item.lines_of_code, item.code_hash
    )
