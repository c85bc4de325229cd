"""Looking up violations: those of a branch, one by the beginning of its fingerprint, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from agentforge.model import Category, Confidence, FlowStep, Severity, Status
from agentforge.store import flows
from agentforge.store.lifecycle import one
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

OPEN = (Status.NEW, Status.OPEN, Status.REOPENED)


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of a project; `analysis_id` is its last analysis or import."""

    project_id: int
    project: str
    key: str
    local_path: str | None
    default_branch: str | None
    name: str
    analysis_id: int


@dataclass(frozen=True, slots=True)
class Filter:
    """Which violations are wanted; None for any.

    Attributes:
        statuses: at least one.
        paths, rules: exact ones.
        since: first found then or later.
        limit: how many at most, None for all.
    """

    statuses: Sequence[Status] = OPEN
    severities: Sequence[Severity] | None = None
    categories: Sequence[Category] | None = None
    paths: Collection[str] | None = None
    rules: Collection[str] | None = None
    since: datetime | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One violation on one branch, as it stands now.

    Attributes:
        waiver_kind: `inline`, `stored` or `tool`, None where it is not waived; the others of its waiver likewise.
        waiver_user: who waived it, None where a comment did.
        tool: that found it.
        flow: where the value comes from, as in `agentforge.model.Violation`.
    """

    project: str
    project_key: str
    project_id: int
    branch: str
    id: int
    fingerprint: str
    rule_id: str
    rule_name: str
    category: Category
    severity: Severity
    confidence: Confidence
    cwe: int | None
    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    suggestion: str
    function: str
    status: Status
    first_found: datetime
    fixed: datetime | None
    waiver_kind: str | None
    waiver_reason: str | None
    waiver_user: str | None
    waiver_created: datetime | None
    waiver_until: date | None
    tool: str
    flow: tuple[FlowStep, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """The version of a file that a violation is in; `code` is that of the innermost function around it, if any."""

    content_hash: str
    language: str | None
    analysis_id: int
    start_line: int | None
    code: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a violation's life.

    Attributes:
        kind: `found`, `fixed`, `reopened`, `waived`, `moved`, or `expired`: a waiver that ran out.
        analysis_id: that saw it, with its branch and commit; None where a person did it.
        user: who did it, or ran the analysis; None where nobody knows.
        reason: of a waiver.
        until: last day of the waiver, None for ever.
        from_path: where a moved one was.
    """

    kind: str
    at: datetime
    analysis_id: int | None
    branch: str | None
    commit: str | None
    user: str | None
    reason: str | None
    until: date | None
    from_path: str | None


def branches(connection: Connection) -> tuple[Branch, ...]:
    """All branches that were analysed and may be read, by project, the one that was analysed last at the end."""
    return tuple(Branch(*row) for row in connection.execute(load("violations")["branches"]))


def names(connection: Connection, scope: Sequence[Branch]) -> tuple[frozenset[str], frozenset[str]]:
    """The paths and the rules of all violations that some branches have or had."""
    rows = connection.execute(load("violations")["names"], _scope(scope)).fetchall()
    return frozenset(row[0] for row in rows), frozenset(row[1] for row in rows)


def find(connection: Connection, scope: Sequence[Branch], wanted: Filter) -> tuple[list[Found], int]:
    """The violations of some branches, worst first, and how many there are without the limit."""
    parameters = {
        **_scope(scope),
        "statuses": list(wanted.statuses),
        "severities": _list(wanted.severities),
        "categories": _list(wanted.categories),
        "paths": _list(wanted.paths),
        "rules": _list(wanted.rules),
        "since": wanted.since,
        "limit": wanted.limit,
    }
    rows = connection.execute(load("violations")["violations"], parameters).fetchall()
    return [_found(row) for row in rows], rows[0][-1] if rows else 0


def beginning_with(connection: Connection, prefix: str, project_ids: Collection[int] | None) -> list[Found]:
    """Violations whose fingerprint begins so, at most 200: of each branch one.

    Args:
        connection: of a user; what he may not read is not found.
        prefix: hexadecimal digits.
        project_ids: where to look; None for everywhere.
    """
    parameters = {"prefix": prefix, "project_ids": _list(project_ids)}
    return [_found(row) for row in connection.execute(load("violations")["beginning_with"], parameters)]


def file_of(connection: Connection, violation_id: int) -> File | None:
    """The version of the file that a violation was last found in; None where that is no longer kept."""
    row = connection.execute(load("violations")["file"], {"id": violation_id}).fetchone()
    return File(*row) if row else None


def may_write(connection: Connection, project_id: int) -> bool:
    """Whether the user may write to a project."""
    return bool(one(connection, load("violations")["may_write"], {"project_id": project_id}))


def history(connection: Connection, violation: Found) -> tuple[Event, ...]:
    """What became of a violation on its branch, oldest first."""
    parameters = {"id": violation.id, "project_id": violation.project_id}
    rows = connection.execute(load("violations")["history"], parameters).fetchall()
    events = [_event(row) for row in rows]
    return tuple(sorted([*events, *_expired(events)], key=lambda event: event.at))


def _event(row: tuple[Any, ...]) -> Event:
    kind, at, analysis_id, branch, commit, user, reason, until, detail, _ = row
    reason = detail if kind == "waived" and reason is None else reason
    return Event(kind, at, analysis_id, branch, commit, user, reason, until, detail if kind == "moved" else None)


def _expired(events: Sequence[Event]) -> list[Event]:
    """A waiver runs out at midnight, whether anybody looks or not."""
    now, found = datetime.now(UTC), []
    for number, event in enumerate(events):
        if event.kind != "waived" or event.until is None:
            continue
        end = datetime.combine(event.until + timedelta(days=1), time(), UTC)
        following = [later.at for later in events[number + 1 :] if later.kind != "moved"]
        if end <= min([now, *following]):
            found.append(Event("expired", end, None, None, None, None, event.reason, event.until, None))
    return found


def _scope(scope: Sequence[Branch]) -> dict[str, Any]:
    return {"project_ids": [branch.project_id for branch in scope], "branches": [branch.name for branch in scope]}


def _list(values: Collection[Any] | None) -> list[Any] | None:
    return None if values is None else list(values)


def _found(row: Sequence[Any]) -> Found:
    kinds = Category(row[8]), Severity(row[9]), Confidence(row[10])
    waived = row[20] == Status.WAIVED
    waiver = row[23:28] if waived else (None,) * 5
    values: list[Any] = [
        *row[:8],
        *kinds,
        *row[11:20],
        Status(row[20]),
        row[21],
        row[22],
        *waiver,
        row[28],
        flows.from_rows(row[29]),
    ]
    return Found(*values)
