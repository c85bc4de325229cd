"""Waivers that people gave: kept, ended, and applied to every branch of their project."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from agentforge.errors import DatabaseError
from agentforge.model import Category, Confidence, Severity
from agentforge.store.lifecycle import one, storable
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

Counted = tuple[Category, Severity, Confidence]


@dataclass(frozen=True, slots=True)
class Touched:
    """What waiving a violation, or ending that, changed: the branches where it is open, and ids of their files."""

    branches: tuple[str, ...]
    files: frozenset[int]


@dataclass(frozen=True, slots=True)
class ScoredFile:
    """What the scores of a stored file are made of, besides its complexity; `counted` are violations not waived."""

    id: int
    parse_error: bool
    error_share: float
    counted: tuple[Counted, ...]


def settle(connection: Connection, project_id: int, branch: str, analysis_id: int) -> frozenset[int]:
    """Bring a branch to what people's waivers say now. Call it at the end of an analysis, inside its transaction.

    Waivers that ran out or were ended reopen what they waived. Those that hold are applied to the same violation on
    this branch, wherever in the project they were given. Where nothing is to be done nothing is written.

    Returns:
        Ids of the files whose scores must be computed again.
    """
    parameters = {"project_id": project_id, "branch": branch, "analysis_id": analysis_id}
    queries = load("waivers")
    files: set[int] = set()
    for name in ("expire", "apply", "waived_files"):
        files.update(row[0] for row in connection.execute(queries[name], parameters) if row[0] is not None)
    return frozenset(files)


def scored_files(connection: Connection, files: Collection[int]) -> tuple[ScoredFile, ...]:
    """What the scores of some current files are made of, as waivers stand now."""
    rows = connection.execute(load("waivers")["to_score"], {"files": sorted(files)}).fetchall()
    found: dict[int, tuple[bool, float, list[Counted]]] = {}
    for file_id, parse_error, error_share, category, severity, confidence in rows:
        counted = found.setdefault(file_id, (parse_error, error_share, []))[2]
        if category is not None:
            counted.append((Category(category), Severity(severity), Confidence(confidence)))
    return tuple(ScoredFile(id_, error, share, tuple(items)) for id_, (error, share, items) in found.items())


def store_scores(connection: Connection, scores: Mapping[int, tuple[float, float]]) -> None:
    """Keep other scores of files: id to (quality, security)."""
    rows = [{"file_id": id_, "quality": quality, "security": security} for id_, (quality, security) in scores.items()]
    with connection.cursor() as cursor:
        cursor.executemany(load("waivers")["score"], rows)


def waive(
    connection: Connection,
    project_id: int,
    project: str,
    *,
    rule_id: str,
    path: str,
    fingerprint: str,
    reason: str,
    until: date | None,
) -> Touched:
    """Waive a violation on every branch of its project, instead of an earlier waiver. Call it inside a transaction.

    Args:
        connection: of the user who waives.
        project_id: of the violation.
        project: its name, for messages.
        rule_id: that it breaks.
        path: where it is.
        fingerprint: of the violation.
        reason: in words, not blank.
        until: last day on which it holds, None for ever.

    Raises:
        DatabaseError: the user may not write to the project.
    """
    import psycopg

    queries = load("waivers")
    key = {"project_id": project_id, "fingerprint": fingerprint}
    values = {**key, "rule_id": rule_id, "file_path": path, "reason": storable(reason), "until": until}
    try:
        with connection.transaction():
            waiver_id = one(connection, queries["add"], values)
    except psycopg.errors.InsufficientPrivilege:
        raise _may_not(project) from None
    connection.execute(queries["end_waivers"], key)
    rows = connection.execute(queries["waive"], {**key, "waiver_id": waiver_id}).fetchall()
    return _touched([row[:2] for row in rows if row[2]])


def unwaive(
    connection: Connection, project_id: int, project: str, fingerprint: str, *, writable: bool
) -> Touched | None:
    """End the waivers by people of a violation, on every branch. Call it inside a transaction.

    Args:
        connection: of the user who ends them.
        project_id: of the violation.
        project: its name, for messages.
        fingerprint: of the violation.
        writable: whether the user may write to the project: row-level security says nothing of rows that it keeps.

    Returns:
        None where nobody waived it.

    Raises:
        DatabaseError: the user may not write to the project.
    """
    if not writable:
        raise _may_not(project)
    queries = load("waivers")
    key = {"project_id": project_id, "fingerprint": fingerprint}
    ended = [row[0] for row in connection.execute(queries["end_waivers"], key)]
    if not ended:
        return None
    rows = connection.execute(queries["unwaive"], {"project_id": project_id, "waiver_ids": ended}).fetchall()
    return _touched(rows)


def _touched(rows: list[Any]) -> Touched:
    return Touched(tuple(sorted({row[0] for row in rows})), frozenset(row[1] for row in rows if row[1] is not None))


def _may_not(project: str) -> DatabaseError:
    return DatabaseError(
        f"You may not waive violations of {project}: that takes the level write.",
        f"Ask one of its admins to run: agentforge grant <you> write --project {project} (a viewer never writes).",
    )
