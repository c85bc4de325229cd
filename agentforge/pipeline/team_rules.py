"""Rules between their data, the database and a project's selection of them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from agentforge.detect import catalogue
from agentforge.detect.catalogue import Entry
from agentforge.detect.selection import Selection
from agentforge.pipeline.team_patterns import team_patterns
from agentforge.store import rules

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


def fill(connection: Connection) -> int:
    """Bring `quality_rules` to the rules of this release, bandit's tests among them. Gives how many rows changed."""
    return rules.fill(connection, [row for entry in catalogue.entries() for row in rows(entry)])


def under_team(connection: Connection, selection: Selection) -> Selection:
    """A project's selection with the patterns of the team, and what it has set in the database below it.

    The project has the last word.
    """
    if rules.is_unfilled(connection):
        fill(connection)
    team, own = rules.switches(connection), team_patterns(connection)
    return dataclasses.replace(selection, team=team, patterns=own) if team or own else selection


def rows(entry: Entry, language: str | None = None) -> list[dict[str, Any]]:
    """The rows of a rule in `quality_rules`, one for each of its languages, or for one of them."""
    rule = entry.rule
    shared = {
        "rule_id": rule.id,
        "rule_name": rule.name,
        "rule_description": rule.why,
        "category": rule.category,
        "severity": rule.severity,
        "is_enabled": rule.enabled,
        "configuration": {
            "tool": entry.tool,
            "confidence": rule.confidence,
            "cwe": rule.cwe,
            "levels": [dataclasses.asdict(level) for level in rule.levels],
        },
    }
    return [{"language": name, **shared} for name in entry.languages if language in (None, name)]
