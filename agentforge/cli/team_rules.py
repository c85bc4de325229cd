"""`agentforge rules enable|disable|set-severity|reset`: rules of a team, for all projects in its database."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from agentforge.cli.database import open_database
from agentforge.cli.output import print_json, print_table, say
from agentforge.detect import catalogue
from agentforge.errors import EXIT_CLEAN, UsageError
from agentforge.model import Severity
from agentforge.pipeline.team_rules import rows
from agentforge.store import rules
from agentforge.store.connection import DatabaseSettings
from agentforge.store.requests import Request


@dataclass(frozen=True, slots=True)
class Change:
    """What to set of a rule; None leaves it as it is.

    Attributes:
        rule_id: of the rule.
        language: in which, None for all that it applies to.
        enabled, severity: to be set.
        reset: go back to what ships.
    """

    rule_id: str
    language: str | None = None
    enabled: bool | None = None
    severity: Severity | None = None
    reset: bool = False

    @property
    def command(self) -> str:
        """Its name, for the log of requests."""
        if self.reset:
            return "rules reset"
        return "rules set-severity" if self.severity else f"rules {'enable' if self.enabled else 'disable'}"


def run_set(settings: DatabaseSettings, change: Change, *, as_json: bool) -> int:
    """Set a rule in the database and show what is in force there now."""
    entry = catalogue.entry(change.rule_id)
    wanted = rows(entry, change.language)
    if not wanted:
        raise UsageError(
            f"The rule {entry.rule.id} does not apply to `{change.language}`.",
            f"It applies to {', '.join(entry.languages)}.",
        )
    with open_database(settings, say, Request(change.command), needs_session=False) as connection:
        found = rules.set_rule(connection, wanted, enabled=change.enabled, severity=change.severity, reset=change.reset)
    if as_json:
        print_json({"rule_id": entry.rule.id, "languages": [dataclasses.asdict(row) for row in found]})
        return EXIT_CLEAN
    print_table(
        ("rule", "language", "on", "severity"),
        ((entry.rule.id, row.language, row.enabled, row.severity) for row in found),
    )
    say("The next analysis of each project follows, unless its own configuration says otherwise.")
    return EXIT_CLEAN
