"""`quality_rules`: the rules as they ship, and what a team has set of them for all its projects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentforge.config.settings import TeamRule
from agentforge.errors import UsageError
from agentforge.model import Severity
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Stored:
    """A rule of one language as it is in force for the team."""

    language: str
    enabled: bool
    severity: Severity


def fill(connection: Connection, rules: Sequence[Mapping[str, Any]]) -> int:
    """Bring the table to the rules of this release; what the team set stays. Gives how many rows changed.

    Args:
        connection: as an operator, or as an admin.
        rules: all of them, a row each language: `language`, `rule_id`, `rule_name`, `rule_description`, `category`,
            `severity`, `is_enabled`, `configuration`.
    """
    with connection.transaction():
        changed = _put(connection, rules)
        return changed + connection.execute(load("rules")["drop_others"], {"rules": _json(rules)}).rowcount


def is_unfilled(connection: Connection) -> bool:
    """Whether nobody has filled the table, and this session may."""
    filled, may_write = connection.execute(load("rules")["is_filled"]).fetchone() or (True, False)
    return may_write and not filled


def switches(connection: Connection) -> tuple[TeamRule, ...]:
    """What the team has set, by the command or in SQL."""
    return tuple(
        TeamRule(language, rule_id, enabled, Severity(severity) if severity else None)
        for language, rule_id, enabled, severity in connection.execute(load("rules")["switches"])
    )


def set_rule(
    connection: Connection,
    rules: Sequence[Mapping[str, Any]],
    *,
    enabled: bool | None = None,
    severity: Severity | None = None,
    reset: bool = False,
) -> tuple[Stored, ...]:
    """Set a rule for the whole team, in the languages of these rows.

    Args:
        connection: of an admin.
        rules: rows of one rule, as for `fill`.
        enabled, severity: to be set, None leaves it.
        reset: go back to what ships.

    Raises:
        UsageError: the user is no admin.
    """
    _, may_write = connection.execute(load("rules")["is_filled"]).fetchone() or (False, False)
    if not may_write:
        raise UsageError(
            "Only admins set rules for everybody.",
            "Ask one, or set it for your project: `disable`, `enable` and `severity` in its configuration.",
        )
    parameters = {
        "rule_id": rules[0]["rule_id"],
        "languages": [row["language"] for row in rules],
        "enabled": enabled,
        "severity": severity,
        "reset": reset,
    }
    with connection.transaction():
        _put(connection, rules)
        rows = connection.execute(load("rules")["set"], parameters).fetchall()
    return tuple(Stored(language, on, Severity(level)) for language, on, level in sorted(rows))


def _put(connection: Connection, rules: Iterable[Mapping[str, Any]]) -> int:
    return connection.execute(load("rules")["fill"], {"rules": _json(rules)}).rowcount


def _json(rules: Iterable[Mapping[str, Any]]) -> str:
    return json.dumps(list(rules))
