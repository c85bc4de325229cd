"""Partitions are made ahead and dropped in time, whatever cron did meanwhile."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest

from agentforge.cli.database import open_as_owner
from agentforge.store.audit_key import read_key
from agentforge.store.connection import DatabaseSettings
from agentforge.store.maintenance import STEPS, Options, Step, maintain
from agentforge.store.partitions import partitions

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

TABLES = {"api_requests", "audit_logs", "error_logs", "performance_metrics"}
INSERT = "INSERT INTO performance_metrics (metric_name, metric_value, recorded_at) VALUES ('m', 1, %s)"


@pytest.fixture
def database(migrated_url: str) -> Iterator[Connection]:
    with open_as_owner(DatabaseSettings(url=migrated_url), print) as connection:
        yield connection


def rollover(connection: Connection, at: str, months: int = 1) -> list[tuple[str, int]]:
    return connection.execute(
        "SELECT * FROM rollover_partitions('performance_metrics', %s, %s::timestamptz)", (months, at)
    ).fetchall()


def rows_by_partition(connection: Connection) -> dict[str, int]:
    return dict(
        connection.execute("SELECT tableoid::regclass::text, count(*) FROM performance_metrics GROUP BY 1").fetchall()
    )


def test_a_run_makes_the_months_ahead_once(database: Connection) -> None:
    steps = maintain(database, Options(months_ahead=2))
    assert steps is not None
    assert [step.name for step in steps] == [
        "rollover",
        "retention",
        "sessions",
        "refresh",
        "chain",
        "analyze",
        "indexes",
        "neighbours",
        "health",
    ]
    assert all(step.error is None for step in steps)
    made = [item for item in partitions(database) if not item.is_default]
    assert {item.table for item in made} == TABLES
    assert len(made) == 3 * len(TABLES)
    again = maintain(database, Options(months_ahead=2))
    assert again is not None
    assert again[0].done == ""


@pytest.mark.parametrize(
    ("at", "made"),
    [
        ("2026-12-31 23:59:59.999+00", ["performance_metrics_y2026m12", "performance_metrics_y2027m01"]),
        ("2027-01-01 00:00:00+00", ["performance_metrics_y2027m01", "performance_metrics_y2027m02"]),
        ("2027-01-01 00:30:00+02", ["performance_metrics_y2026m12", "performance_metrics_y2027m01"]),
        ("2028-02-29 12:00:00+00", ["performance_metrics_y2028m02", "performance_metrics_y2028m03"]),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Auckland"])
def test_months_are_those_of_utc_in_any_zone(database: Connection, at: str, made: list[str], zone: str) -> None:
    database.execute("SELECT set_config('timezone', %s, false)", (zone,))
    assert [name for name, _ in rollover(database, at)] == made
    ranges = [
        (item.start, item.end) for item in partitions(database) if item.table == "performance_metrics" and item.start
    ]
    assert ranges[0][1] == ranges[1][0], "no gap, no overlap"


def test_strays_move_out_of_the_default_after_a_year_without_cron(database: Connection) -> None:
    for at in (
        "2025-03-30 01:59:59+00",
        "2025-03-31 23:59:59.999999+00",
        "2025-04-01 00:00:00+00",
        "2026-01-15 12:00:00+00",
    ):
        database.execute(INSERT, (at,))
    assert rows_by_partition(database) == {"performance_metrics_default": 4}
    assert rollover(database, "2026-02-10", 0) == [
        ("performance_metrics_y2025m03", 2),
        ("performance_metrics_y2025m04", 1),
        ("performance_metrics_y2026m01", 1),
        ("performance_metrics_y2026m02", 0),
    ]
    assert rows_by_partition(database) == {
        "performance_metrics_y2025m03": 2,
        "performance_metrics_y2025m04": 1,
        "performance_metrics_y2026m01": 1,
    }


def test_rows_go_to_their_partition_and_are_numbered_on(database: Connection) -> None:
    database.execute(INSERT, ("2026-05-05 00:00:00+00",))
    rollover(database, "2026-05-05")
    database.execute(INSERT, ("2026-06-05 00:00:00+00",))
    assert rows_by_partition(database) == {"performance_metrics_y2026m05": 1, "performance_metrics_y2026m06": 1}
    assert database.execute("SELECT array_agg(id ORDER BY id) FROM performance_metrics").fetchone() == ([1, 2],)


def test_retention_drops_whole_months_and_nothing_younger(database: Connection) -> None:
    rollover(database, "2024-01-15", 1)
    rollover(database, "2099-01-15", 0)
    dry = maintain(database, Options(dry_run=True))
    assert dry is not None
    assert dry[1].done == "would drop performance_metrics_y2024m01, performance_metrics_y2024m02"
    done = maintain(database, Options())
    assert done is not None
    assert done[1].done == "dropped performance_metrics_y2024m01, performance_metrics_y2024m02"
    assert "performance_metrics_y2099m01" in {item.name for item in partitions(database)}


def test_a_detached_partition_can_be_kept(database: Connection) -> None:
    database.execute(INSERT, ("2020-01-15 00:00:00+00",))
    rollover(database, "2020-01-15", 0)
    maintain(database, Options(keep_detached=True))
    assert rows_by_partition(database).keys().isdisjoint({"performance_metrics_y2020m01"})
    assert database.execute("SELECT count(*) FROM performance_metrics_y2020m01").fetchone() == (1,)


def test_expired_sessions_go_and_others_stay(database: Connection) -> None:
    database.execute("INSERT INTO users (username, password_digest) VALUES ('ada', '$argon2id$x')")
    for days in (-1, 1):
        database.execute(
            "INSERT INTO user_sessions (user_id, token_digest, created_at, expires_at) SELECT id, sha256(%s), "
            "now() - interval '2 days', now() + make_interval(days => %s) FROM users WHERE username = 'ada'",
            (str(days).encode(), days),
        )
    steps = maintain(database, Options())
    assert steps is not None
    assert steps[2].done == "deleted 1 expired sessions"
    assert database.execute("SELECT count(*) FROM user_sessions").fetchone() == (1,)


def test_a_second_run_does_nothing(database: Connection, migrated_url: str) -> None:
    with psycopg.connect(migrated_url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(1095124047, -1)")
        assert maintain(database, Options()) is None
        other.execute("SELECT pg_advisory_unlock_all()")
    assert maintain(database, Options()) is not None


def test_a_step_that_fails_does_not_stop_the_others(database: Connection, migrated_url: str) -> None:
    with psycopg.connect(migrated_url, options="-c search_path=agentforge") as writer:
        writer.execute(INSERT, ("2026-05-05 00:00:00+00",))  # holds the default until it commits
        writer.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        database.execute("SET agentforge.lock_attempts = 2")
        steps = maintain(database, Options())
    assert steps is not None
    assert steps[0].error is not None
    assert "lock timeout" in steps[0].error
    assert [step.error for step in steps[1:]] == [None] * (len(STEPS) - 1)


def test_writers_go_on_while_partitions_are_made(database: Connection, migrated_url: str) -> None:
    stop = threading.Event()
    written = []

    def write() -> None:
        with psycopg.connect(migrated_url, autocommit=True, options="-c search_path=agentforge") as connection:
            while not stop.is_set():
                connection.execute(INSERT, ("2026-05-05 00:00:00+00",))
                written.append(1)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for month in range(1, 13):
            rollover(database, f"2026-{month:02}-01", 1)
    finally:
        stop.set()
        thread.join()
    assert sum(rows_by_partition(database).values()) == len(written) > 0


@pytest.mark.parametrize(
    "view",
    ["slow_queries", "index_usage_stats", "daily_compliance_summary", "weekly_performance_summary", "partitions"],
)
def test_views_can_be_read(database: Connection, view: str) -> None:
    assert database.execute(psycopg.sql.SQL("SELECT * FROM {}").format(psycopg.sql.Identifier(view))).description


def test_the_summaries_hold_what_was_measured(database: Connection) -> None:
    for value, at in ((1, "2026-05-04 00:00:00+00"), (3, "2026-05-10 23:59:59+00"), (9, "2026-05-11 00:00:00+00")):
        database.execute(
            "INSERT INTO performance_metrics (metric_name, metric_value, recorded_at) VALUES ('m', %s, %s)", (value, at)
        )
    database.execute("SELECT refresh_materialized_views()")
    found = database.execute(
        "SELECT week_start::date::text, avg_value, sample_count FROM weekly_performance_summary "
        "WHERE metric_name = 'm' ORDER BY 1"
    ).fetchall()
    assert found == [("2026-05-04", 2.0, 2), ("2026-05-11", 9.0, 1)]


def only(connection: Connection, step: str, options: Options | None = None) -> Step:
    steps = maintain(connection, options or Options(), {step})
    assert steps is not None
    return steps[0]


def test_the_audit_trail_is_chained_and_encrypted_where_there_is_a_key(database: Connection) -> None:
    database.execute("INSERT INTO projects (key, name) VALUES ('p', 'a name')")
    key = read_key(base64.b64encode(bytes(32)).decode())
    done = only(database, "chain", Options(audit_key=key))
    assert done.error is None
    assert re.fullmatch(r"encrypted \d+ rows of the audit trail, chained \d+ rows of the audit trail", done.done)
    values = "SELECT count(*) FROM audit_logs WHERE new_values::text LIKE '%a name%'"
    assert database.execute(values.encode()).fetchone() == (0,)
    assert "encrypted" not in only(database, "chain", Options(audit_key=key)).done
    forgotten = str(only(database, "chain").error)
    assert "no key is given. Give that key (--encryption-key-file FILE)" in forgotten, "a key that is forgotten is told"


def test_many_partitions_are_not_all_named(database: Connection) -> None:
    done = only(database, "rollover", Options(months_ahead=4)).done
    assert re.match(r"made (\w+, ){2}\w+ \.\.\. \w+, 20 in all", done)


def test_what_is_critical_is_a_failure(database: Connection) -> None:
    assert only(database, "health").error is None
    database.execute("ALTER TABLE projects DISABLE ROW LEVEL SECURITY")
    assert "projects" in str(only(database, "health").error)


def test_each_step_is_recorded_with_its_seconds(database: Connection) -> None:
    steps = maintain(database, Options())
    assert steps is not None
    recorded = database.execute(
        "SELECT tags ->> 'step', metric_value > 0, metric_unit, tags ->> 'error' FROM performance_metrics "
        "WHERE metric_name = 'maintenance.step.seconds' ORDER BY id"
    ).fetchall()
    assert recorded == [(step.name, True, "s", step.error) for step in steps]


def test_statistics_of_partitioned_tables_are_renewed_as_a_whole(database: Connection) -> None:
    database.execute(
        "INSERT INTO performance_metrics (metric_name, metric_value) SELECT 'm', n FROM generate_series(1, 2000) AS n"
    )
    database.execute("SELECT pg_stat_force_next_flush()")
    assert "analysed" in only(database, "analyze").done
    counted = "SELECT reltuples::int FROM pg_class WHERE oid = 'performance_metrics'::regclass"
    assert database.execute(counted.encode()).fetchone() == (2000,)


def test_a_view_without_its_data_is_filled(database: Connection) -> None:
    database.execute("REFRESH MATERIALIZED VIEW weekly_performance_summary WITH NO DATA")
    assert only(database, "refresh").error is None
    assert database.execute("SELECT count(*) FROM weekly_performance_summary").fetchone() is not None
