"""quality_rules: filled from the rules' data, set by a team, and obeyed by its analyses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from fix_bench import Bench
from fix_users import People

from agentforge.config.settings import RuleSettings, TeamRule
from agentforge.detect import catalogue
from agentforge.detect.selection import Selection
from agentforge.errors import UsageError
from agentforge.model import Severity, Status
from agentforge.pipeline import team_rules
from agentforge.store import rules

MUTABLE = "python-mutable-default"
CODE = "def f(a=[]):\n    return a\n"


@pytest.fixture(autouse=True)
def clean(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "people" in request.fixturenames:
        request.getfixturevalue("people").administer("DELETE FROM quality_rules")


def row(people: People, language: str = "python", rule_id: str = MUTABLE) -> dict[str, Any]:
    ((found,),) = people.administer(
        "SELECT to_jsonb(q) FROM quality_rules AS q WHERE language = %s AND rule_id = %s", (language, rule_id)
    )
    return dict(found)


def rows_of(rule_id: str) -> list[dict[str, Any]]:
    return team_rules.rows(catalogue.entry(rule_id))


def test_every_rule_has_a_row_in_each_of_its_languages(people: People) -> None:
    with people.operator() as connection:
        assert team_rules.fill(connection) == sum(len(entry.languages) for entry in catalogue.entries())
        assert team_rules.fill(connection) == 0
    stored = row(people)
    assert (stored["severity"], stored["is_enabled"]) == (stored["shipped_severity"], stored["shipped_enabled"])
    assert stored["rule_description"] == catalogue.entry(MUTABLE).rule.why
    assert row(people, rule_id="B608")["configuration"]["tool"] == "bandit"
    assert row(people, "go", "long-function")["configuration"]["levels"]


def test_what_a_team_set_outlives_a_release_that_ships_other_values(people: People) -> None:
    with people.operator() as connection:
        (given,) = rows_of(MUTABLE)
        rules.fill(connection, [given])
        rules.set_rule(connection, [given], severity=Severity.CRITICAL)
        people.administer(
            "INSERT INTO quality_rules (language, rule_id, rule_name, rule_description, category, severity)"
            " VALUES ('python', 'own', 'Own', '', 'quality', 'low')"
        )
        later = {**given, "severity": "high", "is_enabled": False, "rule_name": "Renamed"}
        assert rules.fill(connection, [later]) == 1
        stored = row(people)
        assert (stored["severity"], stored["is_enabled"], stored["rule_name"]) == ("critical", False, "Renamed")
        rules.set_rule(connection, [later], reset=True)
        assert row(people)["severity"] == "high"
        assert rules.fill(connection, rows_of("B608")) == 2  # one new, and one that ships no longer
        assert people.administer("SELECT rule_id FROM quality_rules ORDER BY 1") == [("B608",), ("own",)]


def test_switches_are_those_of_the_command_and_of_sql(people: People) -> None:
    with people.operator() as connection:
        assert rules.switches(connection) == ()
        found = rules.set_rule(connection, rows_of("long-function"), enabled=False)
        assert len(found) == len(catalogue.entry("long-function").languages)
        rules.set_rule(connection, rows_of("long-function"), reset=True)
        rules.set_rule(connection, rows_of("long-function")[:1], enabled=False)
        first = found[0].language
        people.administer("UPDATE quality_rules SET severity = 'info' WHERE language = 'go'")
        assert set(rules.switches(connection)) == {
            TeamRule(first, "long-function", enabled=False),
            TeamRule("go", "long-function", severity=Severity.INFO),
        }


@pytest.mark.parametrize("role", ["developer", "auditor", "viewer"])
def test_only_admins_set_rules_and_everybody_reads_them(people: People, role: str) -> None:
    with people.operator() as connection:
        rules.set_rule(connection, rows_of(MUTABLE), enabled=False)
    with people.as_user(people.add(role)) as connection:
        assert not rules.is_unfilled(connection)
        assert rules.switches(connection) == (TeamRule("python", MUTABLE, enabled=False),)
        with pytest.raises(UsageError, match="Only admins"):
            rules.set_rule(connection, rows_of(MUTABLE), enabled=True)
    assert row(people)["is_enabled"] is False
    with people.as_user(people.add("admin")) as connection:
        rules.set_rule(connection, rows_of(MUTABLE), enabled=True)
    assert row(people)["is_enabled"] is True


def test_a_change_is_in_the_audit_trail(people: People) -> None:
    with people.operator() as connection:
        rules.set_rule(connection, rows_of(MUTABLE), severity=Severity.HIGH)
    ((old, new),) = people.administer(
        "SELECT old_values, new_values FROM audit_logs WHERE resource_type = 'quality_rules' AND action = 'UPDATE' "
        "ORDER BY id DESC LIMIT 1"
    )
    assert (old, new) == ({"severity": "medium"}, {"severity": "high"})


def test_an_analysis_obeys_the_team_and_the_project_has_the_last_word(bench: Bench) -> None:
    bench.write("a.py", CODE)
    assert statuses(bench.analyze()) == [(MUTABLE, Severity.MEDIUM, Status.NEW)]
    rules.set_rule(bench.connection, rows_of(MUTABLE), severity=Severity.HIGH)
    report = bench.analyze()
    assert report.analysis.files_analyzed == 1  # another engine
    assert statuses(report) == [(MUTABLE, Severity.HIGH, Status.OPEN)]
    assert bench.analyze().analysis.files_analyzed == 0
    rules.set_rule(bench.connection, rows_of(MUTABLE), enabled=False)
    assert [status for *_, status in statuses(bench.analyze())] == [Status.FIXED]
    report = bench.analyze(selection=Selection(RuleSettings(enable=("python-mutable-*",))))
    assert [status for *_, status in statuses(report)] == [Status.REOPENED]
    rules.set_rule(bench.connection, rows_of(MUTABLE), reset=True)
    report = bench.analyze(selection=Selection(RuleSettings(disable=("python-mutable-*",))))
    assert [status for *_, status in statuses(report)] == [Status.FIXED]


def statuses(report: Any) -> list[tuple[str, Severity, Status]]:
    return [(item.rule_id, item.severity, item.status) for item in report.violations]


def test_what_a_team_sets_is_of_its_language_only() -> None:
    team = (TeamRule("go", "long-function", enabled=False),)
    selection = dataclasses.replace(Selection(), team=team)
    assert selection.layers("a.go", "go")[0].disable == ("long-function",)
    assert selection.layers("a.py", "python")[0].disable == ()
    assert selection.digest != Selection().digest
