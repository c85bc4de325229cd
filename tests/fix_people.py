"""Login roles, users with sessions, and projects with rows in every table, for tests of who sees and changes what."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from fix_database import copy_of
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.lifecycle import ensure_model

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

SCOPED = """
    SELECT c.relname::text FROM pg_class AS c
    WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'project_id' AND NOT attisdropped)
    ORDER BY 1
"""
PROJECT = """
    INSERT INTO projects (key, name) VALUES (%(key)s, %(key)s) RETURNING id
"""
ROWS = """
    INSERT INTO project_analyses (project_id, branch, engine_version, status, completed_at)
    VALUES (%(p)s, 'main', '0', 'completed', now());
    INSERT INTO file_analyses (project_id, project_analysis_id, branch, file_path, content_hash, engine_version,
        file_size, physical_lines, lines_of_code, comment_lines, blank_lines, function_count, class_count,
        complexity_score, quality_score, security_score, model_id, file_type)
    SELECT %(p)s, max(id), 'main', 'secret.py', repeat('0', 64), '0', 1, 1, 1, 0, 0, 1, 0, 100, 100, 100, 1, 'python'
    FROM project_analyses WHERE project_id = %(p)s;
    INSERT INTO functions (project_id, file_analysis_id, function_name, qualified_name, function_signature, start_line,
        end_line, lines_of_code, parameters, cyclomatic, cognitive, nesting, distinct_operators, distinct_operands,
        operators, operands, halstead_volume, halstead_difficulty, halstead_effort, maintainability_index, code_hash,
        code)
    SELECT %(p)s, f.id, 'secret_' || n, 'secret_' || n, 's', n, n, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100,
        decode(md5(f.id || ' ' || n), 'hex'), 'secret code of project ' || %(p)s
    FROM file_analyses AS f, generate_series(1, 2) AS n WHERE f.project_id = %(p)s;
    INSERT INTO function_embeddings SELECT id, project_id, 1, '[1,2]', 'main', 'python' FROM functions
    WHERE project_id = %(p)s;
    INSERT INTO code_chunks (project_id, file_analysis_id, kind, name, start_line, end_line, code_hash, code)
    SELECT %(p)s, id, 'module', 'secret', 1, 1, decode(md5(id::text), 'hex'), 'secret code' FROM file_analyses
    WHERE project_id = %(p)s;
    INSERT INTO code_embeddings SELECT id, project_id, 1, '[1,2]' FROM code_chunks WHERE project_id = %(p)s;
    INSERT INTO function_idioms SELECT %(p)s, min(id), 'secret' FROM functions WHERE project_id = %(p)s;
    INSERT INTO function_duplicates
    SELECT %(p)s, min(id), max(id), 1 FROM functions WHERE project_id = %(p)s;
    INSERT INTO code_violations (project_id, branch, file_path, rule_id, rule_name, category, severity, confidence,
        line_number, column_number, end_line, end_column, message, suggestion, function_name, line_hash, fingerprint,
        introduced_by, file_analysis_id)
    SELECT %(p)s, 'main', 'secret.py', 'r', 'r', 'security', 'high', 'high', 1, 1, 1, 1, 'secret', '', '', 'h',
        encode(sha256(id::text::bytea), 'hex'), project_analysis_id, id FROM file_analyses WHERE project_id = %(p)s;
    INSERT INTO violation_waivers (project_id, rule_id, file_path, fingerprint, reason)
    SELECT project_id, rule_id, file_path, fingerprint, 'secret' FROM code_violations WHERE project_id = %(p)s;
    UPDATE code_violations AS v SET status = 'waived', waiver_kind = 'stored', waiver_id = w.id
    FROM violation_waivers AS w WHERE v.project_id = %(p)s AND w.project_id = %(p)s;
    INSERT INTO standards_compliance (project_id, standard_name, compliance_score, total_checks, passed_checks,
        failed_checks) VALUES (%(p)s, 'secret', 90, 1, 1, 0);
    INSERT INTO compliance_reports (project_id, report_type, report_period_start, report_period_end,
        detailed_results) VALUES (%(p)s, 'monthly', '2026-01-01', '2026-02-01', '"secret"');
    INSERT INTO performance_metrics (project_id, metric_name, metric_value) VALUES (%(p)s, 'secret', 1);
    INSERT INTO audit_logs (action, resource_type, project_id) VALUES ('INSERT', 'secret', %(p)s);
"""


class Login:
    """A login role of its own on the test server."""

    def __init__(self, url: str) -> None:
        self.name, self.password = f"test_{secrets.token_hex(6)}", secrets.token_hex(12)
        self.admin = url
        self.administer("CREATE ROLE {} LOGIN PASSWORD {}", sql.Identifier(self.name), sql.Literal(self.password))

    def administer(self, statement: str, *parts: sql.Composable) -> None:
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*parts))

    def url(self, database: str) -> str:
        options = {name: value for name, value in conninfo_to_dict(database).items() if name != "passfile"}
        return make_conninfo("", **{**options, "user": self.name, "password": self.password})


@contextmanager
def new_login(url: str) -> Iterator[Login]:
    """A role without any privilege, gone afterwards with what it owns in the database."""
    made = Login(url)
    yield made
    made.administer("DROP OWNED BY {} CASCADE", sql.Identifier(made.name))
    made.administer("DROP ROLE {}", sql.Identifier(made.name))


@pytest.fixture
def login(migrated_url: str) -> Iterator[Login]:
    with new_login(migrated_url) as made:
        yield made


class World:
    """A database of projects and people, and a login role of the application without a user.

    Attributes:
        url: of the database, for the superuser.
        admin: a superuser's connection, which sees everything.
        app_url: of the login role.
        projects: name to id.
        tokens: name of a user to the token of his session.
        users: name of a user to his id.
    """

    def __init__(self, url: str, admin: Connection, app_url: str = "") -> None:
        self.url, self.admin, self.app_url = url, admin, app_url
        self.projects: dict[str, int] = {}
        self.tokens: dict[str, str] = {}
        self.users: dict[str, int] = {}

    def project(self, key: str) -> int:
        row = self.admin.execute(PROJECT.encode(), {"key": key}).fetchone()
        assert row is not None
        self.projects[key] = row[0]
        for statement in ROWS.split(";")[:-1]:
            self.admin.execute(statement.encode(), {"p": row[0]})
        return int(row[0])

    def user(self, name: str, role: str, **permissions: str) -> None:
        row = self.admin.execute(
            "INSERT INTO users (username, role, password_digest) VALUES (%s, %s, '$argon2id$x') RETURNING id",
            (name, role),
        ).fetchone()
        assert row is not None
        self.users[name], self.tokens[name] = row[0], secrets.token_urlsafe(32)
        self.admin.execute(
            "INSERT INTO user_sessions (user_id, token_digest, expires_at) "
            "VALUES (%s, sha256(convert_to(%s, 'UTF8')), now() + interval '1 day')",
            (row[0], self.tokens[name]),
        )
        for project, level in permissions.items():
            self.admin.execute(
                "INSERT INTO user_permissions (user_id, project_id, permission) VALUES (%s, %s, %s)",
                (row[0], self.projects[project], level),
            )

    @contextmanager
    def session(self, user: str | None) -> Iterator[psycopg.Connection[Any]]:
        """A psql prompt of the application role, with the token of a user."""
        with psycopg.connect(self.app_url, autocommit=True, options="-c search_path=agentforge,public") as connection:
            if user is not None:
                connection.execute("SELECT set_config('agentforge.session_token', %s, false)", (self.tokens[user],))
            yield connection

    def scoped(self) -> list[str]:
        """The tables whose rows are a project's."""
        return [name for (name,) in self.admin.execute(SCOPED.encode()).fetchall()]

    def contents(self, *but: str) -> dict[str, str]:
        """A digest of every table's rows, but of some."""
        tables = self.admin.execute(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'agentforge'::regnamespace "
            "AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1"
        ).fetchall()
        read = sql.SQL("SELECT md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM agentforge.{} AS t")
        found = {}
        for (name,) in tables:
            if name not in but:
                row = self.admin.execute(read.format(sql.Identifier(name))).fetchone()
                assert row is not None
                found[name] = row[0]
        return found


@pytest.fixture(scope="session")
def first_world(server_url: str, migrated_template: str) -> Iterator[World]:
    """Two projects; ann administers both, wim writes `open`, rob reads it, eve has nothing, aud is an auditor.

    It is copied, not used.
    """
    with copy_of(migrated_template, server_url) as url:
        with connect(DatabaseSettings(url=url)) as admin:
            ensure_model(admin, "m", "1", 2, ())
            made = World(url, admin)
            for key in ("open", "closed"):
                made.project(key)
            made.user("ann", "developer", open="admin", closed="admin")
            made.user("wim", "developer", open="write")
            made.user("rob", "viewer", open="write")
            made.user("eve", "developer")
            made.user("aud", "auditor")
            made.user("root", "admin")
            admin.execute("REFRESH MATERIALIZED VIEW daily_compliance_summary")
            admin.execute("REFRESH MATERIALIZED VIEW weekly_performance_summary")
            admin.execute("ANALYZE")
        yield made


@contextmanager
def copied(world: World, server_url: str) -> Iterator[World]:
    """A copy of a world, and a login role for it."""
    with (
        copy_of(world.url, server_url) as url,
        new_login(url) as login,
        connect(DatabaseSettings(url=url)) as admin,
    ):
        admin.execute(sql.SQL("GRANT agentforge_app TO {}").format(sql.Identifier(login.name)))
        made = World(url, admin, login.url(url))
        made.projects, made.tokens, made.users = dict(world.projects), dict(world.tokens), dict(world.users)
        yield made


@pytest.fixture
def world(first_world: World, server_url: str) -> Iterator[World]:
    """One for a test."""
    with copied(first_world, server_url) as made:
        yield made


@pytest.fixture(scope="module")
def shared_world(first_world: World, server_url: str) -> Iterator[World]:
    """One for the tests of a module that change nothing, or try to in vain."""
    with copied(first_world, server_url) as made:
        yield made
