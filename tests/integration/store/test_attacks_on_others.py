"""An attacker with a psql prompt and the application role does not get in the way of others."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from fix_people import World
from psycopg import sql

from agentforge.store.health import health_checks
from agentforge.store.migrate import migrations

# What the server alone says: ids, and the times by which a table is partitioned.
GIVEN = """
    SELECT c.relname::text, a.attname::text FROM pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_partitioned_table AS p ON p.partrelid = c.oid AND p.partstrat = 'r'
    WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relkind IN ('r', 'p')
      AND has_any_column_privilege('agentforge_app', c.oid, 'INSERT')
      AND (a.attidentity <> '' OR a.attnum = p.partattrs[0])
"""
POISON = """
    WITH made AS (
        SELECT id FROM agentforge.projects WHERE key = %(key)s
    )
    INSERT INTO agentforge.project_analyses (project_id, branch, engine_version, status, completed_at, results)
    SELECT id, 'main', '0', 'completed', now(), jsonb_build_object('functions', %(functions)s::jsonb) FROM made
"""


def refused(session: psycopg.Connection[Any], statement: str) -> str:
    with pytest.raises(psycopg.Error) as caught, session.transaction():
        session.execute(statement.encode())
    return type(caught.value).__name__


def test_ids_and_times_are_given_by_the_server(world: World) -> None:
    given = world.admin.execute(GIVEN.encode()).fetchall()
    assert {("functions", "id"), ("api_requests", "created_at"), ("performance_metrics", "recorded_at")} <= set(given)
    chosen = [
        column
        for column in given
        if world.admin.execute("SELECT has_column_privilege('agentforge_app', %s, %s, 'INSERT')", column).fetchone()
        == (True,)
    ]
    assert chosen == [], "whose row comes to a chosen id is refused, and a chosen time makes a partition"
    with world.session("wim") as session:
        for statement in (
            "INSERT INTO agentforge.project_analyses (id, project_id, branch, engine_version) OVERRIDING SYSTEM VALUE "
            f"VALUES (1000, {world.projects['open']}, 'main', '0')",
            "INSERT INTO agentforge.api_requests (endpoint, method, request_id, created_at) "
            "VALUES ('x', 'CLI', gen_random_uuid(), '1500-01-01')",
            "INSERT INTO agentforge.api_requests (endpoint, method, request_id, ip_address) "
            "VALUES ('x', 'CLI', gen_random_uuid(), '192.0.2.1')",
            "INSERT INTO agentforge.compliance_reports (project_id, report_type, report_period_start, "
            f"report_period_end, generated_by) VALUES ({world.projects['open']}, 'daily', now(), now(), 1)",
            "UPDATE agentforge.compliance_reports SET generated_by = 1",
        ):
            assert refused(session, statement) == "InsufficientPrivilege", statement
        signed = session.execute(
            "INSERT INTO agentforge.compliance_reports (project_id, report_type, report_period_start, "
            "report_period_end) VALUES (%s, 'daily', now(), now()) RETURNING generated_by",
            (world.projects["open"],),
        ).fetchone()
        assert signed == (world.users["wim"],)


def test_nobody_says_in_place_of_the_owner_that_maintenance_was_done(world: World) -> None:
    insert = "INSERT INTO agentforge.performance_metrics (project_id, metric_name, metric_value, tags) VALUES "
    step = """'maintenance.step.seconds', 1, '{"step": "rollover"}'"""
    with world.session("ann") as session:
        for project in ("NULL", str(world.projects["open"])):
            assert refused(session, f"{insert} ({project}, {step})") == "InsufficientPrivilege"
        session.execute(f"{insert} (NULL, 'mine', 1, '{{}}')".encode())


@pytest.mark.parametrize(
    "functions",
    ['{"python": 9000000000000000000}', '{"python": -9000000000000000000}', '{"python": 1e300}', "7"],
)
def test_what_an_analysis_says_of_itself_breaks_no_search_of_others(world: World, functions: str) -> None:
    scope = "SELECT candidates, cardinality(projects) FROM agentforge.search_scope(NULL, NULL)"
    with world.session("rob") as victim, world.session("eve") as session:
        before = victim.execute(scope.encode()).fetchone()
        assert before is not None
        for key in ("one", "two"):
            session.execute("INSERT INTO agentforge.projects (key, name) VALUES (%(key)s, %(key)s)", {"key": key})
            session.execute(POISON.encode(), {"key": key, "functions": functions})
            session.execute("SELECT agentforge.grant_permission('rob', 'read', %s)", (key,))
        assert victim.execute(scope.encode()).fetchone() == (before[0], before[1] + 2)


def test_a_model_is_what_it_was_made_as_and_there_are_not_any_number(world: World) -> None:
    ensure = "SELECT agentforge.ensure_embedding_model('m', '1', {})"
    with world.session("eve") as session:
        assert session.execute(ensure.format(2).encode()).fetchone() == (1,)
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="is stored with 2 components"):
            session.execute(ensure.format(3).encode())
        world.admin.execute(
            "INSERT INTO embedding_models (name, version, dimension) SELECT 'many', n::text, 2 "
            "FROM generate_series(1, 100) AS n"
        )
        assert refused(session, "SELECT agentforge.ensure_embedding_model('more', '1', 2)") == "InsufficientPrivilege"
    with world.session("root") as session:
        session.execute("SELECT agentforge.ensure_embedding_model('more', '1', 2)")


MEANS = "SELECT agentforge.ensure_centred_model('m', 'w', 2, {centres}, {anew})"


def centres(*rows: tuple[str, int, list[Any]]) -> sql.Composable:
    return sql.Literal(json.dumps([dict(zip(("language", "pieces", "mean"), row, strict=True)) for row in rows]))


def test_nobody_changes_the_means_by_which_others_are_centred(world: World) -> None:
    def ensure(session: psycopg.Connection[Any], mean: list[float | None], anew: bool = False) -> int:
        statement = sql.SQL(MEANS).format(centres=centres(("", 1, mean)), anew=anew)
        row = session.execute(statement).fetchone()
        assert row is not None
        return int(row[0])

    with world.session("wim") as session:
        first = ensure(session, [1, 0])
        for statement in (
            "UPDATE agentforge.embedding_centres SET mean = '{0,1}'",
            "INSERT INTO agentforge.embedding_centres VALUES (1, 'python', 1, '{0,1}')",
            "DELETE FROM agentforge.embedding_centres",
        ):
            assert refused(session, statement) == "InsufficientPrivilege"
    with world.session("eve") as session:
        assert ensure(session, [0, 1]) == first
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only admins may"):
            ensure(session, [0, 1], anew=True)
        assert session.execute("SELECT mean FROM agentforge.embedding_centres").fetchall() == [([1.0, 0.0],)]
    with world.session("root") as session:
        second = ensure(session, [0, 1], anew=True)
        assert second != first
        assert ensure(session, [1, 0]) == second
        assert ensure(session, [0, 1], anew=True) == second
    with world.session(None) as session:
        assert session.execute("SELECT count(*) FROM agentforge.embedding_centres").fetchone() == (0,)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [("python", 1, [1, 0])],
        [("", 1, [1, 0]), ("", 1, [0, 1])],
        [("", 0, [1, 0])],
        [("", 1, [1, 0, 0])],
        [("", 1, [1, None])],
        [("", 1, [9, 0])],
        [("", 1, [float("nan"), 0])],
    ],
    ids=str,
)
def test_what_is_no_set_of_means_is_refused(shared_world: World, rows: list[Any]) -> None:
    with shared_world.session("wim") as session:
        statement = sql.SQL(MEANS).format(centres=centres(*rows), anew=False).as_string()
        assert refused(session, statement.replace("NaN", '"NaN"')) == "InvalidParameterValue"


def test_means_that_are_no_vectors_are_refused_and_those_of_before_are_counted_anew(world: World) -> None:
    """Two rows of one component are two components, and whoever used the model then could take nothing away."""
    statement = sql.SQL(MEANS).format(centres=centres(("", 1, [[0.1], [0.1]])), anew=False).as_string()
    migration = next(each for each in migrations() if each.name == "0029_means")
    with world.session("eve") as session:
        assert refused(session, statement) == "CheckViolation"
        world.admin.execute("ALTER TABLE embedding_centres DROP CONSTRAINT embedding_centres_mean_check")
        bad = session.execute(statement.encode()).fetchone()
        world.admin.execute(migration.sql)
        good = session.execute(sql.SQL(MEANS).format(centres=centres(("", 1, [1, 0])), anew=False)).fetchone()
        assert good != bad
        world.admin.execute("ALTER TABLE embedding_centres DROP CONSTRAINT embedding_centres_mean_check")
        world.admin.execute(migration.sql)
        assert session.execute("SELECT model_id FROM embedding_centres").fetchall() == [good]


def test_what_a_role_set_for_all_its_sessions_is_found(world: World) -> None:
    """Anybody may change the defaults of his own login role, which others may share."""
    with psycopg.connect(world.app_url, autocommit=True) as session:
        session.execute("ALTER ROLE CURRENT_USER SET statement_timeout = '7s'")
        role = session.info.user
    [finding] = [found for found in health_checks(world.admin) if found.id == "roles" and found.subject == role]
    assert (finding.severity, finding.value) == ("info", ["statement_timeout=7s"])
    assert finding.remedy.startswith(f"ALTER ROLE {role} RESET ALL;")
