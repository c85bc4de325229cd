"""Every write leaves a row of audit: who, what, when, from where; and no secret."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from fix_bench import SHELL, Bench
from table_rows import DIGEST, ROWS

from agentforge.cli.database import open_as_owner
from agentforge.store.connection import DatabaseSettings

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

TABLES = """
SELECT c.relname, coalesce(parent.relname, c.relname), (SELECT a.attname FROM pg_attribute AS a
           WHERE a.attrelid = p.partrelid AND a.attnum = p.partattrs[0] AND p.partstrat = 'r'),
       coalesce(s.range_start, '2001-01-01'), c.relispartition
FROM pg_class AS c LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
LEFT JOIN pg_class AS parent ON parent.oid = i.inhparent
LEFT JOIN pg_partitioned_table AS p ON p.partrelid = parent.oid
LEFT JOIN partitions AS s ON s.partition_oid = c.oid
WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relkind IN ('r', 'p')
ORDER BY c.relispartition, c.relname
"""


@pytest.fixture
def owner(migrated_url: str) -> Iterator[Connection]:
    """A connection as the owner of the schema."""
    with open_as_owner(DatabaseSettings(url=migrated_url), print) as connection:
        connection.execute("SET application_name = 'a test'")
        yield connection


def insert(table: str, row: dict[str, str], suffix: str = "") -> bytes:
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(row.values())}){suffix}".encode()


def written(connection: Connection, statement: bytes) -> list[tuple[Any, ...]]:
    """What a statement leaves in the trail: (action, resource type, rows)."""
    last = connection.execute("SELECT coalesce(max(id), 0) FROM audit_logs").fetchone()
    connection.execute(statement)
    query = "SELECT action, resource_type, row_count FROM audit_logs WHERE id > %s ORDER BY id"
    return connection.execute(query, last if b"TRUNCATE audit_logs" not in statement else (0,)).fetchall()


def entries(connection: Connection, resource: str) -> list[tuple[Any, ...]]:
    query = "SELECT action, old_values, new_values FROM audit_logs WHERE resource_type = %s ORDER BY id"
    return connection.execute(query, (resource,)).fetchall()


def test_every_write_to_every_table_and_partition_leaves_a_row(owner: Connection) -> None:
    owner.execute("SELECT ensure_embedding_model('m', '1', 2)")
    for (table,) in owner.execute("SELECT table_name FROM partition_settings").fetchall():
        owner.execute("SELECT rollover_partitions(%s, 1)", (table,))
    tables = owner.execute(TABLES).fetchall()
    kept = [name for name, *_, is_partition in tables if not is_partition]
    assert not set(kept) - ROWS.keys(), "a new table wants audit triggers, and a row in ROWS"
    assert len(tables) - len(kept) >= 4 * 3 + 2, "partitions and defaults"
    for name in (name for name in ROWS if name in kept):
        for _ in range(2 if name == "functions" else 1):  # a pair needs two
            owner.execute(insert(name, ROWS[name][0], " ON CONFLICT DO NOTHING"))
    for table, parent, time_column, start, _ in tables:
        row, change = ROWS[parent]
        if time_column:
            row = {**row, time_column: f"'{start.isoformat()}'"}
        with owner.transaction(force_rollback=True):
            owner.execute(insert(table, row, " ON CONFLICT DO NOTHING"))
            for statement in (
                f"UPDATE {table} SET {change}",
                "DELETE FROM {} WHERE {} = {}".format(table, *next(iter(row.items()))),
                insert(table, row).decode(),
                f"TRUNCATE {table} CASCADE",
            ):
                action = statement.split()[0]
                left = [
                    (found, rows) for found, resource, rows in written(owner, statement.encode()) if resource == table
                ]
                assert action in dict(left), f"{action} on {table} left {left}"
                assert action == "TRUNCATE" or dict(left)[action] >= 1


def test_a_row_says_who_what_when_and_from_where(bench: Bench) -> None:
    request = uuid.uuid4()
    token = log_in(bench, "developer")
    with psycopg.connect(bench.url, autocommit=True, application_name="their tool") as connection:
        work_as(connection, token)
        connection.execute("SELECT set_config('agentforge.request_id', %s, false)", (str(request),))
        connection.execute("INSERT INTO agentforge.projects (key, name) VALUES ('k', 'n')")
        me = connection.execute("SELECT agentforge.current_user_id(), inet_client_addr(), now()").fetchone()
        connection.execute("SELECT set_config('agentforge.request_id', 'no uuid', false)")
        connection.execute("UPDATE agentforge.projects SET description = 'd'")
    assert me is not None
    rows = bench.rows(
        "SELECT user_id, database_user = session_user, ip_address, user_agent, request_id, resource_id, project_id, "
        "new_values, abs(extract(epoch FROM created_at - now())) < 60 FROM audit_logs WHERE resource_type = 'projects' "
        "ORDER BY id"
    )
    made, changed = rows
    assert made[:5] == (me[0], True, me[1], "their tool", request)
    assert made[5] == made[6] is not None
    assert made[7]["name"] == "n"
    assert made[8]
    assert (changed[0], changed[4], changed[7]) == (me[0], None, {"description": "d"})


def log_in(bench: Bench, role: str) -> str:
    """The token of a new user's session."""
    token = secrets.token_urlsafe(32)
    bench.administer(f"INSERT INTO users (username, role, password_digest) VALUES ('u{role}', '{role}', '{DIGEST}')")
    bench.administer(
        "INSERT INTO user_sessions (user_id, token_digest, expires_at) SELECT id, "
        f"sha256('{token}'), now() + interval '1 hour' FROM users WHERE username = 'u{role}'"
    )
    return token


def work_as(connection: psycopg.Connection[Any], token: str) -> None:
    connection.execute("SET ROLE agentforge_app")
    connection.execute("SELECT set_config('agentforge.session_token', %s, false)", (token,))


def test_what_ends_the_session_that_does_it_still_says_who(bench: Bench) -> None:
    token = log_in(bench, "viewer")
    with psycopg.connect(bench.url, autocommit=True) as connection:
        connection.execute("SELECT set_config('agentforge.session_token', %s, false)", (token,))
        me = connection.execute("SELECT agentforge.current_user_id()").fetchone()
        with connection.transaction(force_rollback=True):
            connection.execute("UPDATE agentforge.users SET is_active = false WHERE username = 'uviewer'")
            disabled = connection.execute(
                "SELECT user_id FROM agentforge.audit_logs ORDER BY id DESC LIMIT 1"
            ).fetchone()
        connection.execute("DELETE FROM agentforge.user_sessions")
        ended = connection.execute("SELECT user_id FROM agentforge.audit_logs ORDER BY id DESC LIMIT 1").fetchone()
    assert me == disabled == ended
    assert me is not None
    assert me[0] is not None


def test_changed_columns_only(owner: Connection) -> None:
    owner.execute("INSERT INTO projects (key, name) VALUES ('k', 'before')")
    owner.execute("UPDATE projects SET name = 'after', key = 'k'")
    owner.execute("UPDATE projects SET name = 'after'")  # moves updated_at alone
    owner.execute("DELETE FROM projects WHERE name = 'nobody'")
    assert entries(owner, "projects")[1:] == [("UPDATE", {"name": "before"}, {"name": "after"})]
    owner.execute("UPDATE partition_settings SET retention = '7 years' WHERE table_name = 'audit_logs'")
    assert entries(owner, "partition_settings") == [
        ("UPDATE", {"table_name": "audit_logs", "retention": "2 years"}, {"retention": "7 years"})
    ]


def test_an_update_of_many_rows_pairs_old_and_new(owner: Connection) -> None:
    owner.execute("INSERT INTO projects (key, name) SELECT 'k' || n, 'n' || n FROM generate_series(1, 500) AS n")
    owner.execute("UPDATE projects SET name = name || 'x', description = key WHERE id % 2 = 0")
    pairs = [(old, new) for action, old, new in entries(owner, "projects") if action == "UPDATE"]
    assert len(pairs) == 250
    assert all(new["name"] == old["name"] + "x" and new["description"][1:] == old["name"][1:] for old, new in pairs)


def test_no_secret_enters_and_a_new_column_shows_nothing(owner: Connection) -> None:
    owner.execute("ALTER TABLE users ADD COLUMN recovery_code text")
    owner.execute("INSERT INTO users (username, email, password_digest) VALUES ('ada', 'ada@x', %s)", (DIGEST,))
    owner.execute(
        "UPDATE users SET password_digest = %s, recovery_code = 'sesame' WHERE username = 'ada'", (DIGEST + "2",)
    )
    owner.execute(
        "INSERT INTO user_sessions (user_id, token_digest, expires_at) "
        "SELECT max(id), sha256('token'), now() + interval '1 day' FROM users"
    )
    owner.execute("DELETE FROM users WHERE username = 'ada'")
    everything = owner.execute("SELECT string_agg(a::text, ' ') FROM audit_logs AS a").fetchone()
    digest = owner.execute("SELECT encode(sha256('token'), 'hex'), encode(sha256('token'), 'base64')").fetchone()
    assert everything is not None
    assert digest is not None
    for secret in (DIGEST, "ada@x", "sesame", *digest):
        assert secret not in everything[0]
    assert entries(owner, "users")[-2][1:] == (
        {"password_digest": "[redacted]", "recovery_code": "[redacted]"},
        {"password_digest": "[redacted]", "recovery_code": "[redacted]"},
    )


def test_an_analysis_leaves_a_row_a_statement_with_counts(bench: Bench) -> None:
    bench.write("a.py", SHELL + "\n\n" + "".join(f"def f{n}(a):\n    return a + {n}\n\n\n" for n in range(5)))
    bench.analyze()
    bench.write("a.py", SHELL)
    bench.analyze()
    rows = bench.rows("SELECT action, row_count FROM audit_logs WHERE resource_type = 'functions' ORDER BY id")
    assert rows == [("INSERT", 6), ("DELETE", 6), ("INSERT", 1)]
    counted = bench.rows(
        "SELECT resource_type, count(*), count(DISTINCT project_id), bool_and(old_values IS NULL) FROM audit_logs "
        "WHERE action = 'INSERT' AND resource_type IN ('function_embeddings', 'file_analyses', 'code_violations') "
        "GROUP BY 1 ORDER BY 1"
    )
    assert counted == [
        ("code_violations", 1, 1, True),
        ("file_analyses", 2, 1, True),
        ("function_embeddings", 2, 1, True),
    ]
    cascaded = bench.rows(
        "SELECT row_count FROM audit_logs WHERE action = 'DELETE' AND resource_type = 'function_embeddings'"
    )
    assert cascaded == [(6,)], "what goes by a cascade is counted, too, and once"


def test_a_waiver_is_shown_with_its_row(bench: Bench) -> None:
    bench.write("a.py", SHELL)
    bench.analyze()
    bench.rows("UPDATE code_violations SET line_number = line_number RETURNING 1")
    bench.rows(
        "UPDATE code_violations SET status = 'waived', waiver_kind = 'inline', waiver_reason = 'why' "
        "WHERE rule_id LIKE '%602%' RETURNING 1"
    )
    shown = bench.rows(
        "SELECT old_values, new_values, row_count, project_id IS NOT NULL FROM audit_logs "
        "WHERE resource_type = 'code_violations' AND resource_id IS NOT NULL"
    )
    old = {"status": "open", "waiver_kind": None, "waiver_reason": None}
    assert shown == [(old, {"status": "waived", "waiver_kind": "inline", "waiver_reason": "why"}, 1, True)] * len(shown)
    assert shown


def test_the_application_can_neither_change_the_trail_nor_avoid_it(bench: Bench) -> None:
    bench.rows("INSERT INTO projects (key, name) VALUES ('k', 'n') RETURNING 1")
    for statement in (
        "INSERT INTO audit_logs (action, resource_type) VALUES ('x', 'y')",
        "UPDATE audit_logs SET action = 'x'",
        "DELETE FROM audit_logs",
        "TRUNCATE audit_logs",
        "INSERT INTO audit_logs_default (action, resource_type) VALUES ('x', 'y')",
        "DELETE FROM audit_logs_default",
        "SELECT * FROM audit_chain",
        "DELETE FROM audit_chain",
        "TRUNCATE audit_chain",
        "SELECT drop_chain('2026-01-01')",
        "SELECT add_audit_entry('x', 'y')",
        "SELECT audit_table('projects', 'statement')",
        "ALTER TABLE projects DISABLE TRIGGER audit_update",
        "DROP TRIGGER audit_update ON projects",
        "SET session_replication_role = replica",
        "CREATE TEMPORARY TABLE t (id bigint); CREATE TRIGGER t AFTER INSERT ON t EXECUTE FUNCTION write_audit('row')",
    ):
        with psycopg.connect(bench.url, options="-c search_path=agentforge") as connection:
            connection.execute("SET SESSION AUTHORIZATION agentforge_app")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())


def test_a_write_from_a_trigger_of_the_attackers_is_audited(bench: Bench) -> None:
    with psycopg.connect(bench.url, autocommit=True, options="-c search_path=agentforge") as connection:
        work_as(connection, log_in(bench, "developer"))
        connection.execute("INSERT INTO projects (key, name) VALUES ('k', 'n')")
        connection.execute("CREATE TEMPORARY TABLE t (depth integer)")
        connection.execute(
            "CREATE FUNCTION pg_temp.act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF NEW.depth > 0 THEN INSERT INTO pg_temp.t VALUES (NEW.depth - 1); RETURN NULL; END IF; "
            "UPDATE agentforge.projects SET description = 'by a trigger'; "
            "INSERT INTO agentforge.performance_metrics (metric_name, metric_value) VALUES ('m', 1); "
            "RETURN NULL; END $$"
        )
        connection.execute("CREATE TRIGGER t AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION pg_temp.act()")
        connection.execute("INSERT INTO t VALUES (3)")
    found = bench.rows("SELECT resource_type, new_values FROM audit_logs ORDER BY id DESC LIMIT 2")
    assert found == [("performance_metrics", None), ("projects", {"description": "by a trigger"})]


def test_rounding_numbers_in_the_session_hides_no_change(bench: Bench) -> None:
    bench.rows("INSERT INTO projects (key, name) VALUES ('k', 'n') RETURNING 1")
    bench.rows(
        "INSERT INTO standards_compliance (project_id, standard_name, compliance_score, total_checks, passed_checks, "
        "failed_checks) SELECT id, 's', 80.1, 0, 0, 0 FROM projects RETURNING 1"
    )
    bench.rows("SELECT set_config('extra_float_digits', '-15', false)")
    bench.rows("UPDATE standards_compliance SET compliance_score = 80.4 RETURNING 1")
    bench.rows("SELECT set_config('extra_float_digits', '1', false)")
    shown = bench.rows("SELECT old_values, new_values FROM audit_logs WHERE resource_type = 'standards_compliance'")
    assert shown[1] == ({"compliance_score": 80.1}, {"compliance_score": 80.4})


def test_a_rolled_over_default_leaves_a_row_of_the_move_and_loses_none(owner: Connection) -> None:
    owner.execute("INSERT INTO projects (key, name) VALUES ('k', 'n')")
    before = owner.execute("SELECT id FROM audit_logs ORDER BY id").fetchall()
    owner.execute("SELECT rollover_partitions('audit_logs')")
    moved = owner.execute(
        "SELECT action, row_count FROM audit_logs WHERE resource_type LIKE 'audit_logs_y%'"
    ).fetchall()
    assert moved == [("MOVE", len(before))]
    after = owner.execute("SELECT id, tableoid::regclass::text FROM audit_logs ORDER BY id").fetchall()
    assert [(row[0],) for row in after[: len(before)]] == before
    assert [row[0] for row in after] == list(range(after[0][0], after[-1][0] + 1)), "nor of those about the move itself"
    assert not {table for _, table in after} & {"audit_logs_default"}
    enabled = owner.execute(
        "SELECT DISTINCT tgenabled FROM pg_trigger "
        "WHERE tgrelid = 'audit_logs_default'::regclass AND tgname LIKE 'audit%'"
    ).fetchall()
    assert enabled == [("O",)]
