"""An attacker with a psql prompt and the application role reads no row that is not his."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from fix_people import World
from psycopg import sql

if TYPE_CHECKING:
    Session = psycopg.Connection[Any]

SECRET = re.compile("secret", re.IGNORECASE)
LEAK = """
    CREATE FUNCTION pg_temp.leak(anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0000001 AS
    $$ BEGIN RAISE NOTICE 'leaked %', $1; RETURN true; END $$
"""


def visible(session: Session, table: str) -> int:
    try:
        row = session.execute(sql.SQL("SELECT count(*) FROM agentforge.{}").format(sql.Identifier(table))).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return 0
    assert row is not None
    return int(row[0])


def attempt(session: Session, statement: str) -> None:
    """Run a statement, whatever becomes of it."""
    try:
        session.execute(statement.encode())
    except psycopg.Error:
        session.rollback()


def test_the_world_has_rows_in_every_table_of_projects(shared_world: World) -> None:
    for table in shared_world.scoped():
        found = shared_world.admin.execute(
            sql.SQL("SELECT count(DISTINCT project_id) FROM {}").format(sql.Identifier(table))
        ).fetchone()
        assert found == (2,), table


def test_policies_bind_everybody_on_every_table_of_projects(shared_world: World) -> None:
    unbound = shared_world.admin.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'agentforge'::regnamespace AND relname = ANY (%s) "
        "AND NOT (relrowsecurity AND relforcerowsecurity)",
        ([*shared_world.scoped(), "projects", "users", "user_sessions", "api_requests", "error_logs"],),
    ).fetchall()
    assert unbound == []
    granted = shared_world.admin.execute(
        "SELECT c.relname, g.privilege_type FROM pg_class AS c, aclexplode(c.relacl) AS g "
        "WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relispartition AND g.grantee <> c.relowner"
    ).fetchall()
    assert granted == [], "a partition is reached through its parent alone"


@pytest.mark.parametrize("user", [None, "eve"])
def test_a_stranger_sees_nothing_of_projects(shared_world: World, user: str | None) -> None:
    with shared_world.session(user) as session:
        assert {table: visible(session, table) for table in shared_world.scoped()} == dict.fromkeys(
            shared_world.scoped(), 0
        )
        assert visible(session, "projects") == 0


def test_a_reader_sees_his_project_in_every_table_and_no_other(shared_world: World) -> None:
    hidden = {"user_permissions", "audit_logs"}  # of administrators and of oneself
    with shared_world.session("rob") as session:
        for table in set(shared_world.scoped()) - hidden:
            rows = session.execute(
                sql.SQL("SELECT DISTINCT project_id FROM agentforge.{}").format(sql.Identifier(table))
            ).fetchall()
            assert rows == [(shared_world.projects["open"],)], table


IDENTITIES = [
    "SET app.current_user_id = '1'",
    "SET agentforge.current_user_id = '1'",
    "SET agentforge.user_id = '1'",
    "SET agentforge.session_token = ''",
    "RESET agentforge.session_token",
    "RESET ALL",
    "DISCARD ALL",
    "SET row_security = off",
    "SET session_replication_role = replica",
    "SET ROLE agentforge_owner",
    "SET ROLE NONE",
    "SET ROLE postgres",
    "RESET ROLE",
    "SET SESSION AUTHORIZATION agentforge_owner",
    "SET SESSION AUTHORIZATION DEFAULT",
    "SET search_path = pg_temp, agentforge",
    "SELECT set_config('role', 'agentforge_owner', false)",
    "SELECT set_config('is_superuser', 'on', false)",
    "SELECT set_config('session_authorization', 'agentforge_owner', false)",
    "SELECT set_config('agentforge.session_token', encode(sha256('x'), 'hex'), false)",
    "SELECT set_config('agentforge.session_token', repeat('x', 1000000), false)",
    "GRANT agentforge_owner TO CURRENT_USER",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER TABLE agentforge.functions DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE agentforge.functions OWNER TO CURRENT_USER",
    "CREATE POLICY mine ON agentforge.functions USING (true)",
    "DROP POLICY functions_read ON agentforge.functions",
    "CREATE OR REPLACE FUNCTION agentforge.current_user_id() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    "ALTER FUNCTION agentforge.current_user_id() SECURITY INVOKER",
    "CREATE FUNCTION agentforge.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE agentforge.mine AS SELECT * FROM agentforge.functions",
    "CREATE TABLE public.users (id bigint, username text, role text, is_active boolean)",
    "CREATE TEMP TABLE users AS SELECT 1::bigint AS id, 'local' AS username, 'admin' AS role, true AS is_active",
    "CREATE TEMP TABLE user_sessions AS SELECT 1::bigint AS user_id, ''::bytea AS token_digest, now() AS expires_at",
    "CREATE FUNCTION pg_temp.current_user_id() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    "CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT ''x''::bytea'",
    "CREATE FUNCTION pg_temp.pg_has_role(name, name, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "CREATE FUNCTION pg_temp.eq(bytea, bytea) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "CREATE OPERATOR pg_temp.= (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = pg_temp.eq)",
    "CREATE VIEW pg_temp.v AS SELECT * FROM agentforge.functions",
    "CREATE EXTENSION dblink",
    "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw",
    "DO LANGUAGE plpgsql $$ BEGIN PERFORM set_config('role', 'agentforge_owner', false); END $$",
]


def test_no_setting_role_or_object_makes_somebody_else_of_him(world: World) -> None:
    for statement in IDENTITIES:
        with world.session("eve") as session:
            attempt(session, statement)
            attempt(session, "SET search_path = pg_temp, agentforge, public")
            seen = {table: visible(session, table) for table in ("functions", "code_violations", "projects")}
            assert set(seen.values()) == {0}, statement
            try:
                user = session.execute("SELECT agentforge.current_user_id()").fetchone()
            except psycopg.errors.InsufficientPrivilege:
                continue  # with row_security off, whoever is bound by a policy is refused
            assert user in ((None,), (world.users["eve"],)), statement


def test_a_row_of_a_function_is_not_seen_by_a_function_of_his_own(shared_world: World) -> None:
    notices: list[str] = []
    with shared_world.session("eve") as session:
        session.add_notice_handler(lambda notice: notices.append(str(notice.message_primary)))
        session.execute(LEAK.encode())
        for table, column in (("functions", "code"), ("code_violations", "message"), ("projects", "key")):
            query = sql.SQL("SELECT * FROM agentforge.{} WHERE pg_temp.leak({})")
            session.execute(query.format(sql.Identifier(table), sql.Identifier(column)))
        for view in ("daily_compliance", "weekly_performance"):
            query = sql.SQL("SELECT * FROM agentforge.{} WHERE pg_temp.leak(project_id)")
            assert session.execute(query.format(sql.Identifier(view))).fetchall() == []
    assert notices == []


def test_an_error_message_quotes_no_row(shared_world: World) -> None:
    with shared_world.session("eve") as session:
        for query in (
            "SELECT code::integer FROM agentforge.functions",
            "SELECT 1 / (length(code) - length(code)) FROM agentforge.functions",
            "SELECT * FROM agentforge.code_violations WHERE message::date = now()",
            "SELECT key::bigint FROM agentforge.projects",
        ):
            assert session.execute(query.encode()).fetchall() == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM agentforge.daily_compliance_summary",
        "SELECT * FROM agentforge.weekly_performance_summary",
        "SELECT * FROM agentforge.function_embeddings_1",
        "SELECT * FROM agentforge.code_embeddings_1",
        "SELECT * FROM agentforge.audit_logs_default",
        "SELECT * FROM agentforge.performance_metrics_default",
        "SELECT password_digest FROM agentforge.users",
        "SELECT token_digest FROM agentforge.user_sessions",
        "SELECT * FROM agentforge.users",
        "SELECT u FROM agentforge.users AS u",
        "SELECT to_jsonb(s) FROM agentforge.user_sessions AS s",
        "SELECT 1 FROM agentforge.users WHERE password_digest LIKE '$argon2%'",
        "SELECT 1 FROM agentforge.user_sessions ORDER BY token_digest",
        "COPY agentforge.users TO STDOUT",
        "COPY agentforge.functions TO '/tmp/stolen'",
        "COPY agentforge.functions TO PROGRAM 'cat'",
        "SELECT last_value FROM agentforge.functions_id_seq",
        "SELECT * FROM pg_catalog.pg_statistic",
        "SELECT * FROM pg_catalog.pg_authid",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT lo_import('/etc/passwd')",
        "TABLE agentforge.audit_logs_default",
    ],
)
def test_what_is_not_granted_is_refused(shared_world: World, query: str) -> None:
    with shared_world.session("ann") as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute(query.encode())


def test_statistics_show_no_values(shared_world: World) -> None:
    with shared_world.session("eve") as session:
        shown = session.execute(
            "SELECT tablename, attname FROM pg_stats WHERE schemaname = 'agentforge' AND tablename = ANY (%s)",
            ([*shared_world.scoped(), "projects", "users"],),
        ).fetchall()
        assert shown == []
        plan = session.execute("EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM agentforge.functions").fetchall()
        assert "secret code" not in str(plan)
        assert session.execute("SELECT * FROM agentforge.slow_queries").fetchall() == []
        assert session.execute("SELECT * FROM agentforge.index_usage_stats").fetchall() == []


def test_copies_samples_and_places_are_bound_too(shared_world: World) -> None:
    with shared_world.session("eve") as session:
        with session.cursor() as cursor, cursor.copy("COPY agentforge.functions TO STDOUT") as copy:
            assert list(copy) == []
        for query in (
            "SELECT ctid, tableoid FROM agentforge.functions",
            "SELECT * FROM agentforge.functions TABLESAMPLE SYSTEM (100)",
            "SELECT * FROM agentforge.functions WHERE ctid = '(0,1)'",
            "SELECT * FROM agentforge.functions FOR KEY SHARE",
            "SELECT xmin FROM agentforge.projects",
        ):
            try:
                assert session.execute(query.encode()).fetchall() == []
            except psycopg.errors.InsufficientPrivilege:
                continue


def test_a_prepared_plan_does_not_outlive_the_user(shared_world: World) -> None:
    with shared_world.session("ann") as session:
        session.execute("PREPARE mine AS SELECT count(*) FROM agentforge.functions")
        for _ in range(7):
            assert session.execute("EXECUTE mine").fetchone() == (4,)
        session.execute("SELECT set_config('agentforge.session_token', %s, false)", (shared_world.tokens["eve"],))
        assert session.execute("EXECUTE mine").fetchone() == (0,)


@pytest.mark.parametrize("approximate", [False, True])
def test_the_index_of_vectors_shows_no_vector(world: World, approximate: bool) -> None:
    world.admin.execute("SELECT ensure_vector_index(id) FROM embedding_models")
    query = """
        SELECT function_id, project_id FROM agentforge.function_embeddings WHERE model_id = 1
        ORDER BY embedding::halfvec(2) <=> '[1,2]'::halfvec(2) LIMIT 10
    """
    for user, projects in (("eve", set()), ("rob", {world.projects["open"]}), ("ann", set(world.projects.values()))):
        with world.session(user) as session:
            if approximate:
                session.execute("SET enable_seqscan = off")
                session.execute("SET hnsw.iterative_scan = relaxed_order")
            assert {project for _, project in session.execute(query.encode()).fetchall()} == projects


def test_a_search_by_words_and_structure_shows_what_may_be_read(world: World) -> None:
    world.admin.execute("UPDATE function_embeddings SET lacks_meaning = true")
    nearest = """
        SELECT project_id FROM agentforge.nearest_functions(
            NULL, '[1,2]', 1, NULL, NULL, NULL, NULL, NULL, NULL, 1000, true)
    """
    lacking = "SELECT functions FROM agentforge.without_meaning(NULL, 1, NULL, NULL)"
    for user, projects in (("eve", set()), ("rob", {world.projects["open"]}), ("ann", set(world.projects.values()))):
        with world.session(user) as session:
            found = [project for (project,) in session.execute(nearest.encode()).fetchall()]
            assert set(found) == projects
            assert session.execute(lacking.encode()).fetchone() == (len(found),)


@pytest.mark.parametrize("features_only", [False, True])
def test_nobody_searches_by_a_function_that_he_may_not_read(world: World, features_only: bool) -> None:
    """What is near to it among his own would tell what it is like."""
    nearest = """
        SELECT count(*) FROM agentforge.nearest_functions(
            %s, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 10, %s)
    """
    closed = world.admin.execute(
        "SELECT min(function_id) FROM function_embeddings WHERE project_id = %s", (world.projects["closed"],)
    ).fetchone()
    assert closed is not None
    for user, finds in (("rob", False), ("eve", False), ("ann", True)):
        with world.session(user) as session:
            found = session.execute(nearest.encode(), (closed[0], features_only)).fetchone()
            assert found is not None
            assert bool(found[0]) == finds


def test_an_ended_session_a_disabled_user_and_a_digest_are_nobody(world: World) -> None:
    world.admin.execute("UPDATE users SET is_active = false WHERE username = 'wim'")
    world.admin.execute(
        "UPDATE user_sessions SET created_at = now() - interval '2 h', expires_at = now() - interval '1 s' "
        "WHERE user_id = %s",
        (world.users["ann"],),
    )
    for user in ("wim", "ann"):
        with world.session(user) as session:
            assert session.execute("SELECT agentforge.current_user_id()").fetchone() == (None,)
            assert visible(session, "functions") == 0
    with world.session(None) as session:
        digest = world.admin.execute(
            "SELECT encode(token_digest, 'hex') FROM user_sessions WHERE user_id = %s", (world.users["rob"],)
        ).fetchone()
        session.execute("SELECT set_config('agentforge.session_token', %s, false)", digest)
        assert session.execute("SELECT agentforge.current_user_id()").fetchone() == (None,)


def test_nobody_else_sees_the_token_while_it_is_used(shared_world: World) -> None:
    with shared_world.session("ann") as used, shared_world.session("eve") as session:
        used.execute("SELECT agentforge.current_user_id()")
        shown = session.execute("SELECT query FROM pg_stat_activity").fetchall()
        shown += session.execute("SELECT setting FROM pg_settings").fetchall()
        assert shared_world.tokens["ann"] not in str(shown)


def test_people_see_themselves_and_auditors_everybody(shared_world: World) -> None:
    for user, names in (("eve", {"eve"}), ("ann", {"ann"}), ("aud", {"local", *shared_world.users}), (None, set())):
        with shared_world.session(user) as session:
            assert {name for (name,) in session.execute("SELECT username FROM agentforge.users").fetchall()} == names


def test_the_trail_is_for_auditors_and_administrators_of_the_project(shared_world: World) -> None:
    count = "SELECT count(*) FROM agentforge.audit_logs WHERE resource_type = 'secret'"
    for user, rows in (("aud", 2), ("ann", 2), ("wim", 0), ("rob", 0), ("eve", 0)):
        with shared_world.session(user) as session:
            assert session.execute(count.encode()).fetchone() == (rows,)
