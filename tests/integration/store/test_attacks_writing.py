"""An attacker with a psql prompt and the application role changes no row that is not his, and gives himself nothing."""

from __future__ import annotations

import contextlib
import itertools
import random
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from fix_people import World
from psycopg import sql

if TYPE_CHECKING:
    Session = psycopg.Connection[Any]

# Every function that the application may call. A new one needs a test of what it lets an attacker do.
CALLABLE = {
    "administered_projects",
    "current_user_id",
    "current_user_role",
    "current_username",
    "ensure_centred_model",
    "ensure_embedding_model",
    "functions_by_words",
    "grant_permission",
    "granted_to_administer",
    "granted_to_read",
    "granted_to_write",
    "is_operator",
    "login",
    "login_challenge",
    "logout",
    "nearest_functions",
    "permission_list",
    "readable_projects",
    "reads_everything",
    "revoke_permission",
    "revoke_session",
    "scan_limit",
    "search_features",
    "search_scope",
    "search_vectors",
    "search_width",
    "search_words",
    "session_list",
    "slow_statements",
    "split_words",
    "user_add",
    "user_list",
    "user_remove",
    "user_set_active",
    "user_set_password",
    "user_set_role",
    "waiver_holds",
    "vector_indexes",
    "whoami",
    "without_meaning",
    "writable_projects",
    "writes_everything",
}
OURS = """
    SELECT p.oid::regprocedure::text, p.proname::text, has_function_privilege('agentforge_app', p.oid, 'EXECUTE'),
           p.prosecdef, coalesce(p.proconfig::text, ''),
           EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) WHERE grantee = 0)
    FROM pg_proc AS p
    WHERE p.pronamespace = 'agentforge'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
"""
ATTEMPTS = (
    "UPDATE agentforge.{} SET id = id",
    "UPDATE agentforge.{} SET created_at = now()",
    "DELETE FROM agentforge.{}",
    "TRUNCATE agentforge.{} CASCADE",
    "INSERT INTO agentforge.{} DEFAULT VALUES",
    "LOCK TABLE agentforge.{} IN ACCESS EXCLUSIVE MODE",
    "ALTER TABLE agentforge.{} DISABLE ROW LEVEL SECURITY",
    "DROP TABLE agentforge.{} CASCADE",
    "CREATE TRIGGER t AFTER INSERT ON agentforge.{} EXECUTE FUNCTION agentforge.set_updated_at()",
    "CREATE RULE r AS ON INSERT TO agentforge.{} DO INSTEAD NOTHING",
)
LEVELS = ("read", "write", "admin")
ROLES = ("admin", "developer", "auditor", "viewer")


def changes(world: World, user: str | None, statement: str) -> str | None:
    """Run a statement as a user; the name of the error, None where there was none."""
    with world.session(user) as session:
        try:
            session.execute(statement.encode())
        except psycopg.Error as error:
            return type(error).__name__
    return None


def test_functions_are_closed_but_for_those_that_are_meant(shared_world: World) -> None:
    found = shared_world.admin.execute(OURS.encode()).fetchall()
    assert {name for _, name, callable_, *_ in found if callable_} == CALLABLE
    assert [signature for signature, *_, public in found if public] == []
    unsafe = [
        signature for signature, _, _, definer, config, _ in found if definer and "search_path=pg_catalog" not in config
    ]
    assert unsafe == [], "a function with its owner's rights looks names up where nobody else can put any"


def test_calling_functions_changes_nothing(world: World) -> None:
    before = world.contents()
    for signature, name, *_ in world.admin.execute(OURS.encode()).fetchall():
        if name == "logout":
            continue  # ends the caller's own session, as it should
        arguments = ", ".join("NULL" for part in signature.split("(", 1)[1].rstrip(")").split(",") if part)
        error = changes(world, "eve", f"SELECT agentforge.{name}({arguments})")
        assert name in CALLABLE or error is not None, signature
    assert changes(world, "rob", "SELECT agentforge.ensure_embedding_model('mine', '1', 3)") == "InsufficientPrivilege"
    assert changes(world, None, "SELECT agentforge.ensure_embedding_model('mine', '1', 3)") == "InsufficientPrivilege"
    assert world.contents() == before


@pytest.mark.parametrize("user", [None, "eve", "rob", "aud"])
def test_who_may_not_write_changes_no_row(shared_world: World, user: str | None) -> None:
    before = shared_world.contents()
    tables = [
        *shared_world.scoped(),
        "projects",
        "users",
        "user_sessions",
        "quality_rules",
        "embedding_models",
        "embedding_centres",
    ]
    with shared_world.session(user) as session:
        for table, statement in itertools.product(tables, ATTEMPTS):
            with contextlib.suppress(psycopg.Error):
                session.execute(sql.SQL(statement).format(sql.Identifier(table)))
    assert shared_world.contents() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE agentforge.code_violations SET status = 'waived', waiver_kind = 'inline', waiver_reason = 'mine'",
        "UPDATE agentforge.violation_waivers SET ended_at = now()",
        "UPDATE agentforge.functions SET code = 'mine'",
        "UPDATE agentforge.projects SET name = 'mine'",
        "DELETE FROM agentforge.projects",
        "DELETE FROM agentforge.project_analyses",
        "DELETE FROM agentforge.compliance_reports",
        "MERGE INTO agentforge.functions AS f USING (VALUES (1)) AS v ON true WHEN MATCHED THEN UPDATE SET code = 'x'",
        "INSERT INTO agentforge.projects (key, name) VALUES ('closed', 'x') ON CONFLICT (key) DO UPDATE SET name = 'x'",
        "WITH d AS (DELETE FROM agentforge.functions RETURNING *) SELECT count(*) FROM d",
    ],
)
def test_a_writer_of_one_project_leaves_the_other_alone(world: World, statement: str) -> None:
    closed = "SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {} AS t WHERE {} = %s"

    def digest() -> list[Any]:
        places = [(table, "project_id") for table in world.scoped()] + [("projects", "id")]
        return [
            world.admin.execute(
                sql.SQL(closed).format(sql.Identifier(table), sql.Identifier(column)), (world.projects["closed"],)
            ).fetchone()
            for table, column in places
        ]

    before = digest()
    changes(world, "wim", statement)
    assert digest() == before


def test_no_row_moves_to_another_project_or_points_there(shared_world: World) -> None:
    mine, other = shared_world.projects["open"], shared_world.projects["closed"]
    before = shared_world.contents()
    for table in shared_world.scoped():
        move = f"UPDATE agentforge.{table} SET project_id = {other} WHERE project_id = {mine}"
        assert changes(shared_world, "wim", move) in {"InsufficientPrivilege", "ForeignKeyViolation"}, move
    for table, column, parent in (
        ("functions", "file_analysis_id", "file_analyses"),
        ("file_analyses", "project_analysis_id", "project_analyses"),
        ("file_analyses", "superseded_by", "project_analyses"),
        ("code_violations", "file_analysis_id", "file_analyses"),
        ("code_violations", "introduced_by", "project_analyses"),
        ("code_violations", "resolved_by", "project_analyses"),
        ("code_violations", "waiver_id", "violation_waivers"),
        ("function_duplicates", "other_function_id", "functions"),
    ):
        row = shared_world.admin.execute(
            sql.SQL("SELECT min(id) FROM {} WHERE project_id = %s").format(sql.Identifier(parent)), (other,)
        ).fetchone()
        assert row is not None
        seen = [
            changes(shared_world, "wim", f"UPDATE agentforge.{table} SET {column} = {target} WHERE project_id = {mine}")
            for target in (row[0], 999_999_999)
        ]
        assert seen == ["ForeignKeyViolation"] * 2, f"{table}.{column} tells whether a row is there"
    assert shared_world.contents() == before


@pytest.mark.parametrize("user", ["eve", "wim", "rob", "aud", "ann"])
def test_nobody_gives_himself_anything(shared_world: World, user: str) -> None:
    before = shared_world.contents()
    me, root = shared_world.users[user], shared_world.users["root"]
    closed = shared_world.projects["closed"]
    for statement in (
        f"INSERT INTO agentforge.user_permissions (user_id, project_id, permission) VALUES ({me}, {closed}, 'admin')",
        "UPDATE agentforge.user_permissions SET permission = 'admin'",
        "DELETE FROM agentforge.user_permissions",
        "UPDATE agentforge.users SET role = 'admin'",
        "UPDATE agentforge.users SET is_active = true, password_digest = '$argon2id$mine'",
        "INSERT INTO agentforge.users (username, role) VALUES ('mallory', 'admin')",
        f"INSERT INTO agentforge.user_sessions (user_id, token_digest, expires_at) VALUES ({me}, sha256('x'), now())",
        "UPDATE agentforge.user_sessions SET expires_at = 'infinity'",
        f"INSERT INTO agentforge.projects (key, name, created_by) VALUES ('mine', 'mine', {root})",
        f"UPDATE agentforge.projects SET created_by = {me}",
        "INSERT INTO agentforge.audit_logs (action, resource_type) VALUES ('INSERT', 'forged')",
        "UPDATE agentforge.audit_logs SET action = 'forged'",
        "DELETE FROM agentforge.audit_logs",
        f"INSERT INTO agentforge.api_requests (endpoint, method, request_id, user_id) "
        f"VALUES ('x', 'x', gen_random_uuid(), {root})",
        "INSERT INTO agentforge.violation_waivers (project_id, rule_id, file_path, fingerprint, reason, "
        f"created_by_name) VALUES ({shared_world.projects['open']}, 'r', 'p', repeat('0', 64), 'mine', 'root')",
        "UPDATE agentforge.violation_waivers SET reason = 'another'",
        "DELETE FROM agentforge.violation_waivers",
        f"INSERT INTO agentforge.violation_events (project_id, violation_id, event) "
        f"VALUES ({shared_world.projects['open']}, 1, 'fixed')",
        "DELETE FROM agentforge.violation_events",
        "INSERT INTO agentforge.schema_migrations (name, checksum) VALUES ('9999', 'x')",
        "UPDATE agentforge.partition_settings SET retention = '1 month'",
    ):
        assert changes(shared_world, user, statement) == "InsufficientPrivilege", statement
    assert shared_world.contents() == before


def test_who_creates_a_project_administers_it(world: World) -> None:
    with world.session("eve") as session:
        session.execute("INSERT INTO agentforge.projects (key, name) VALUES ('mine', 'mine')")
        (project,) = session.execute("SELECT id FROM agentforge.projects").fetchone() or (None,)
        assert session.execute("SELECT agentforge.administered_projects()").fetchone() == ([project],)
    for user in ("rob", "aud", None):
        assert changes(world, user, "INSERT INTO agentforge.projects (key, name) VALUES ('no', 'no')") is not None


def test_nothing_is_copied_in_past_the_policies(shared_world: World) -> None:
    with (
        shared_world.session("ann") as session,
        pytest.raises(psycopg.errors.FeatureNotSupported, match="row-level security"),
        session.cursor() as cursor,
        cursor.copy("COPY agentforge.standards_compliance (project_id) FROM STDIN") as copy,
    ):
        copy.write("1\n")


def expected(role: str, granted: dict[str, str], projects: set[str]) -> tuple[set[str], set[str], set[str]]:
    """The rules, in plain Python: what a user reads, writes and administers."""
    if role == "admin":
        return projects, projects, projects
    if role == "auditor":
        return projects, set(), set()
    read = set(granted)
    if role == "viewer":
        return read, set(), set()
    return (
        read,
        {key for key, level in granted.items() if level in ("write", "admin")},
        {key for key, level in granted.items() if level == "admin"},
    )


@pytest.mark.parametrize("seed", range(3))
def test_random_permissions_give_what_the_rules_say(world: World, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(3):
        world.project(f"p{number}")
    names = {project: key for key, project in world.projects.items()}
    tables = set(world.scoped()) - {"user_permissions", "audit_logs"}
    for number in range(8):
        role = chance.choice(ROLES)
        granted = {key: chance.choice(LEVELS) for key in world.projects if chance.random() < 0.5}
        world.user(f"u{number}", role, **granted)
        read, write, administer = expected(role, granted, set(world.projects))
        with world.session(f"u{number}") as session:
            for table in sorted(tables):
                rows = session.execute(
                    sql.SQL("SELECT DISTINCT project_id FROM agentforge.{}").format(sql.Identifier(table))
                ).fetchall()
                assert {names[project] for (project,) in rows} == read, (role, granted, table)
            assert written(session, "UPDATE agentforge.code_violations SET message = message RETURNING project_id") == {
                world.projects[key] for key in write
            }
            assert inserted(session, world) == write
            trail = session.execute(
                "SELECT DISTINCT project_id FROM agentforge.audit_logs WHERE resource_type = 'secret'"
            )
            sees_trail = read if role in ("admin", "auditor") else administer
            assert {names[project] for (project,) in trail.fetchall()} == sees_trail, (role, granted)


def written(session: Session, statement: str) -> set[int]:
    """The projects of the rows that a statement changes; it is rolled back."""
    with session.transaction(force_rollback=True):
        return {project for (project,) in session.execute(statement.encode()).fetchall()}


def inserted(session: Session, world: World) -> set[str]:
    """The projects into which a row can be put."""
    statement = """
        INSERT INTO agentforge.standards_compliance (project_id, standard_name, compliance_score, total_checks,
            passed_checks, failed_checks) VALUES (%s, 'x', 1, 1, 1, 0)
    """
    found = set()
    for key, project in world.projects.items():
        try:
            with session.transaction(force_rollback=True):
                session.execute(statement.encode(), (project,))
                found.add(key)
        except psycopg.errors.InsufficientPrivilege:
            continue
    return found
