"""What is wrong with a database is found, named and given a remedy; what is well is not complained of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.health import Finding, database_status, health_checks
from agentforge.store.maintenance import Options, maintain
from agentforge.store.migrate import migrate, migrations
from agentforge.store.session import work_as_owner

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

# What is no fault of the database: the tests' server is one for things to be thrown away, or one that somebody gave.
OF_THE_SERVER = {"settings", "memory"}
LAST = migrations()[-1].name
FAULTS = [
    ("INSERT INTO schema_migrations (name, checksum) VALUES ('9999_x', '')", "critical", "migrations", "9999_x"),
    (f"UPDATE schema_migrations SET checksum = '' WHERE name = '{LAST}'", "critical", "migrations", LAST),
    (f"DELETE FROM schema_migrations WHERE name = '{LAST}'", "warning", "migrations", LAST),
    ("ALTER TABLE functions DISABLE ROW LEVEL SECURITY", "critical", "row_security", "functions"),
    ("ALTER TABLE projects NO FORCE ROW LEVEL SECURITY", "critical", "row_security", "projects"),
    ("GRANT SELECT ON audit_logs_default TO agentforge_app", "critical", "grants", "audit_logs_default"),
    ("GRANT SELECT ON daily_compliance_summary TO agentforge_app", "critical", "grants", "daily_compliance_summary"),
    ("GRANT SELECT ON projects TO PUBLIC", "critical", "grants", "projects"),
    ("GRANT EXECUTE ON FUNCTION is_operator() TO PUBLIC", "warning", "grants", "agentforge.is_operator()"),
    ("GRANT CREATE ON SCHEMA agentforge TO agentforge_app", "critical", "grants", "agentforge"),
    ("ALTER FUNCTION current_user_id() RESET search_path", "critical", "functions", "agentforge.current_user_id()"),
    (
        "GRANT EXECUTE ON FUNCTION search_features TO PUBLIC",
        "warning",
        "grants",
        "agentforge.search_features(agentforge.halfvec,integer,bigint[],pg_catalog.text,integer,bigint[])",
    ),
    ("ALTER FUNCTION search_features OWNER TO CURRENT_USER", "warning", "owners", "search_features"),
    ("ALTER TABLE projects OWNER TO CURRENT_USER", "warning", "owners", "projects"),
    ("ALTER TABLE projects OWNER TO agentforge_app", "critical", "owners", "projects"),
    ("ALTER ROLE agentforge_app BYPASSRLS", "critical", "roles", "agentforge_app"),
    (
        """SELECT retire_partition(partition_name) FROM partitions
           WHERE table_name = 'audit_logs' AND range_start > now()""",
        "warning",
        "partitions",
        "audit_logs",
    ),
    (
        "INSERT INTO error_logs (error_type, error_message, created_at) VALUES ('E', 'm', '2020-01-01')",
        "info",
        "defaults",
        "error_logs",
    ),
    ("UPDATE performance_metrics SET recorded_at = recorded_at - interval '3 days'", "warning", "maintenance", ""),
    (
        """UPDATE performance_metrics SET tags = tags || '{"error": "boom"}' WHERE tags ->> 'step' = 'refresh'""",
        "warning",
        "maintenance",
        "refresh",
    ),
    (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'functions_name'::regclass",
        "warning",
        "invalid_indexes",
        "functions_name",
    ),
    (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'function_embeddings_1_hnsw'::regclass",
        "warning",
        "vector_indexes",
        "function_embeddings_1_hnsw",
    ),
    ("CREATE SEQUENCE ends AS integer; SELECT setval('ends', 2000000000)", "critical", "sequences", "ends"),
    (
        """CREATE INDEX useless ON embedding_models (name);
           INSERT INTO embedding_models (name, version, dimension)
           SELECT md5(n::text), '1', 2 FROM generate_series(1, 40000) AS n;
           UPDATE schema_migrations SET applied_at = now() - interval '8 days'""",
        "info",
        "unused_indexes",
        "useless",
    ),
    ("SET LOCAL work_mem = '1GB'", "warning", "settings", "work_mem"),
    ("SET LOCAL jit = on", "info", "settings", "jit"),
    ("SET LOCAL log_statement = 'all'", "warning", "settings", "log_statement"),
    ("SET LOCAL work_mem = '900GB'", "warning", "memory", "work_mem"),
]


@pytest.fixture(scope="module")
def well(shared_database: str) -> Iterator[Connection]:
    """A database in which all is well, with a vector index."""
    with connect(DatabaseSettings(url=shared_database)) as connection:
        migrate(connection)
        work_as_owner(connection, "")
        maintain(connection, Options())
        connection.execute("RESET ROLE")
        connection.execute("SELECT ensure_embedding_model('hashed', '1', 2), ensure_vector_index(1)")
        yield connection


def worse_than_info(findings: tuple[Finding, ...]) -> list[Finding]:
    return [
        finding
        for finding in findings
        if finding.severity in ("warning", "critical")
        and finding.id not in OF_THE_SERVER
        and (finding.id, finding.subject) != ("extensions", "vector")
    ]


def test_a_database_in_which_all_is_well_gets_no_warning(well: Connection) -> None:
    findings = health_checks(well)
    assert worse_than_info(findings) == []
    assert len({finding.id for finding in findings}) > 20
    assert [finding for finding in findings if "not looked at" in finding.what] == []
    assert [finding for finding in findings if finding.severity == "warning" and not finding.remedy] == []


@pytest.mark.parametrize(("statement", "severity", "check", "subject"), FAULTS, ids=[fault[0][:60] for fault in FAULTS])
def test_a_fault_is_found_and_named(well: Connection, statement: str, severity: str, check: str, subject: str) -> None:
    with well.transaction(force_rollback=True):
        well.execute(statement.encode())
        findings = health_checks(well)
    found = [finding for finding in findings if (finding.id, finding.subject) == (check, subject)]
    assert severity in [finding.severity for finding in found], found
    assert all(finding.remedy for finding in found if finding.severity == severity)
    assert worse_than_info(findings) == [] or severity != "info"


REMEDIES = [fault for fault in FAULTS if fault[2] in ("row_security", "grants", "functions", "owners", "roles")]


@pytest.mark.parametrize("fault", REMEDIES, ids=[fault[0][:60] for fault in REMEDIES])
def test_the_sql_of_a_remedy_mends_the_fault(well: Connection, fault: tuple[str, str, str, str]) -> None:
    with well.transaction(force_rollback=True):
        well.execute(fault[0].encode())
        for finding in health_checks(well):
            if (finding.id, finding.subject) == fault[2:] and finding.severity == fault[1]:
                well.execute("SET LOCAL search_path = pg_catalog")
                well.execute(finding.remedy.encode())
        well.execute("SET LOCAL search_path = agentforge, pg_catalog")
        assert worse_than_info(health_checks(well)) == []


def test_pgvector_that_was_moved_is_found_and_the_remedy_puts_it_back(well: Connection, shared_database: str) -> None:
    home = well.execute("SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'vector'").fetchone()
    assert home is not None
    well.execute("CREATE SCHEMA elsewhere")
    well.execute("ALTER EXTENSION vector SET SCHEMA elsewhere")
    with connect(DatabaseSettings(url=shared_database)) as connection:
        found = [item for item in health_checks(connection) if item.id == "vector_schema"]
        assert "listed_neighbours" in {item.subject for item in found}
        remedy = f"ALTER EXTENSION vector SET SCHEMA {home[0]};"
        assert {(item.severity, item.remedy) for item in found} == {("critical", remedy)}
        connection.execute(remedy.encode())
        connection.execute("DROP SCHEMA elsewhere")
        assert [item.severity for item in health_checks(connection) if item.id == "vector_schema"] == ["ok"]


def test_dead_rows_and_rows_that_the_planner_never_saw_are_found(well: Connection) -> None:
    well.execute("CREATE TABLE agentforge.scratch WITH (autovacuum_enabled = off) AS SELECT generate_series(1, 30000)")
    try:
        well.execute("DELETE FROM agentforge.scratch WHERE generate_series <= 15000")
        well.execute("SELECT pg_stat_force_next_flush()")
        found = [finding for finding in health_checks(well) if finding.subject == "scratch"]
        assert {finding.remedy for finding in found if finding.id == "dead_rows"} == {
            "VACUUM (ANALYZE) agentforge.scratch;",
            "ANALYZE agentforge.scratch;",
        }
    finally:
        well.execute("DROP TABLE agentforge.scratch")


def test_settings_of_the_embedded_server_are_as_they_should_be(well: Connection) -> None:
    name = well.execute("SELECT current_setting('cluster_name')").fetchone()
    findings = [finding for finding in health_checks(well) if finding.id in OF_THE_SERVER]
    assert findings
    if name == ("agentforge",):
        thrown_away = {finding.subject for finding in findings if finding.severity not in ("ok", "info")}
        assert thrown_away == {"fsync", "full_page_writes"}


@pytest.mark.parametrize("place", ["DATABASE {database}", "ROLE CURRENT_USER IN DATABASE {database}"])
def test_a_setting_is_changed_where_it_was_made(database_url: str, place: str) -> None:
    database = sql.Identifier(str(conninfo_to_dict(database_url)["dbname"]))
    wrong = {("settings", "jit"), ("settings", "work_mem"), ("memory", "work_mem")}
    with psycopg.connect(database_url, autocommit=True) as admin:
        for setting in ("jit = on", "work_mem = '900GB'"):
            admin.execute(sql.SQL(f"ALTER {place} SET {setting}").format(database=database))
        with connect(DatabaseSettings(url=database_url)) as before:
            found = [item for item in health_checks(before) if (item.id, item.subject) in wrong]
        assert {(item.id, item.subject) for item in found if item.severity != "ok"} == wrong
        for item in found:
            admin.execute(item.remedy.encode())
    with connect(DatabaseSettings(url=database_url)) as after:
        findings = health_checks(after)
    assert {item for item in findings if (item.id, item.subject) in wrong and item.severity != "ok"} == set()


def test_a_setting_of_the_client_is_no_matter_of_the_server(database_url: str) -> None:
    with connect(DatabaseSettings(url=make_conninfo(database_url, options="-c jit=on"))) as connection:
        remedies = [item.remedy for item in health_checks(connection) if (item.id, item.subject) == ("settings", "jit")]
    assert remedies == ["Take it out of the database URL or PGOPTIONS."]


def test_a_setting_of_the_command_line_is_changed_there(well: Connection) -> None:
    with well.transaction(force_rollback=True):  # what a server that was started with -c jit=on says
        well.execute("CREATE TABLE agentforge.pg_settings AS SELECT * FROM pg_catalog.pg_settings")
        well.execute("UPDATE pg_settings SET setting = 'on', source = 'command line' WHERE name = 'jit'")
        remedies = [item.remedy for item in health_checks(well) if (item.id, item.subject) == ("settings", "jit")]
    assert remedies == ["Set jit = 'off' where the server is started: its command line has it."]


def test_a_role_that_may_see_little_is_told_what_was_not_looked_at(well: Connection, shared_database: str) -> None:
    with connect(DatabaseSettings(url=shared_database)) as connection:
        connection.execute("CREATE ROLE test_health_nobody")
        try:
            connection.execute("SET ROLE test_health_nobody")
            findings = health_checks(connection)
            status = database_status(connection)
        finally:
            connection.execute("RESET ROLE; DROP ROLE test_health_nobody")
    hidden = {finding.id for finding in findings if "not looked at" in finding.what}
    assert {"migrations", "maintenance"} <= hidden
    assert [finding for finding in findings if "not looked at" in finding.what and finding.severity != "info"] == []
    assert {"version", "size", "connections", "row_security"} <= {finding.id for finding in findings}
    assert (status.schema_version, status.has_schema, status.last_maintenance) == (None, True, None)


def test_the_application_s_role_gets_no_false_alarm(well: Connection) -> None:
    well.execute("SET ROLE agentforge_app")
    try:
        findings = health_checks(well)
    finally:
        well.execute("RESET ROLE")
    assert worse_than_info(findings) == []
    remedies = {finding.remedy for finding in findings if finding.id == "sessions"}
    assert "GRANT pg_read_all_stats TO agentforge_app;" in remedies


def test_an_empty_database_is_told_how_to_begin(database_url: str) -> None:
    with connect(DatabaseSettings(url=database_url)) as connection:
        findings = health_checks(connection)
        status = database_status(connection)
    first = next(finding for finding in findings if finding.id == "migrations")
    assert (first.severity, first.remedy) == ("warning", "agentforge db init")
    assert [finding for finding in findings if "not looked at" in finding.what] == []
    assert (status.schema_version, status.has_schema) == (None, False)
    assert status.pending == tuple(migration.name for migration in migrations())


@pytest.mark.parametrize(("kept", "said"), [(1, "the migration"), (2, "2 migrations are pending, ")])
def test_migrations_that_are_pending_are_one_finding(well: Connection, kept: int, said: str) -> None:
    missing = [migration.name for migration in migrations()][-kept:]
    with well.transaction(force_rollback=True):
        well.execute("DELETE FROM schema_migrations WHERE name = ANY (%s)", (missing,))
        (found,) = [item for item in health_checks(well) if item.id == "migrations"]
    assert found.what.startswith(said)
    assert missing[0] in found.what
    assert missing[-1] in found.what
    assert (found.severity, found.remedy) == ("warning", "agentforge db migrate")


def test_a_hundred_partitions_cost_no_more_statements_than_a_few(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    execute = psycopg.Cursor.execute
    monkeypatch.setattr(
        psycopg.Cursor, "execute", lambda *query, **more: asked.append(query[1]) or execute(*query, **more)
    )
    with connect(DatabaseSettings(url=database_url)) as connection:
        migrate(connection)
        work_as_owner(connection, "")
        counts = []
        for months in (1, 24):
            maintain(connection, Options(months_ahead=months))
            partitions = connection.execute("SELECT count(*) FROM partitions").fetchone()
            asked.clear()
            health_checks(connection)
            counts.append((partitions, len(asked)))
    (few, before), (many, after) = counts
    assert few < (40,) < (100,) < many
    assert before == after > 0


def test_a_lost_connection_is_no_finding(database_url: str) -> None:
    settings = DatabaseSettings(url=database_url)
    with psycopg.connect(database_url, autocommit=True) as admin, connect(settings) as other:
        admin.execute("SELECT pg_terminate_backend(%s)", (other.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            health_checks(other)
