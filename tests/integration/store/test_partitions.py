"""Rollover and retention beside writers, odd clocks and interruptions: no row is lost, nobody waits for long."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from agentforge.cli.database import open_as_owner, open_database
from agentforge.errors import UsageError
from agentforge.store import partitions
from agentforge.store.connection import DatabaseSettings
from agentforge.store.maintenance import Options, maintain

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

ERROR = "INSERT INTO error_logs (error_type, error_message, created_at) VALUES ('E', %s, %s)"
ROLLOVER = "SELECT * FROM rollover_partitions('error_logs', %s, %s::timestamptz)"
SHAPE = """
    SELECT 'column', attname || ' ' || atttypid::regtype || ' ' || attnotnull || ' ' || attidentity::text
           || coalesce(pg_get_expr(adbin, adrelid), '')
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT 'index', pg_get_indexdef(indexrelid) || ' parent ' || i.inhparent::regclass
    FROM pg_index LEFT JOIN pg_inherits AS i ON i.inhrelid = indexrelid WHERE indrelid = %(table)s::regclass
    UNION ALL SELECT 'constraint', pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = %(table)s::regclass AND contype <> 'n'
    UNION ALL SELECT 'trigger', tgname || ' ' || tgenabled::text || ' ' || tgtype || ' ' || encode(tgargs, 'escape')
    FROM pg_trigger WHERE tgrelid = %(table)s::regclass AND NOT tgisinternal
    UNION ALL SELECT 'class', relowner::regrole || relpersistence::text || coalesce(relacl::text, '')
                              || coalesce(obj_description(oid, 'pg_class'), '')
    FROM pg_class WHERE oid = %(table)s::regclass
"""


@pytest.fixture
def database(migrated_url: str) -> Iterator[Connection]:
    with open_as_owner(DatabaseSettings(url=migrated_url), print) as connection:
        yield connection


@contextmanager
def another(url: str) -> Iterator[Connection]:
    with psycopg.connect(url, autocommit=True, options="-c search_path=agentforge") as connection:
        yield connection


def months(connection: Connection) -> dict[str, int]:
    """Rows of error_logs by the month or the default in which they lie."""
    rows = connection.execute("SELECT tableoid::regclass::text, count(*) FROM error_logs GROUP BY 1").fetchall()
    return {name.removeprefix("error_logs_"): count for name, count in rows}


def messages(connection: Connection) -> list[str]:
    return sorted(text for (text,) in connection.execute("SELECT error_message FROM error_logs"))


class Writer(threading.Thread):
    """Writes a row after the other until it is told to stop; remembers how long each took."""

    def __init__(self, url: str, at: tuple[str, ...]) -> None:
        super().__init__()
        self.url, self.at = url, at
        self.seconds: list[float] = []
        self.failure: psycopg.Error | None = None
        self.stop = threading.Event()

    def run(self) -> None:
        try:
            with another(self.url) as connection:
                while not self.stop.is_set():
                    started = time.perf_counter()
                    connection.execute(ERROR, ("written", self.at[len(self.seconds) % len(self.at)]))
                    self.seconds.append(time.perf_counter() - started)
                    time.sleep(0.002)
        except psycopg.Error as error:
            self.failure = error

    def __enter__(self) -> Writer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.join()


def test_a_million_strays_are_moved_and_writers_hardly_wait(database: Connection, migrated_url: str) -> None:
    database.execute(
        "INSERT INTO error_logs (error_type, error_message, user_id, created_at) "
        "SELECT 'E', '', NULL, timestamptz '2026-01-01 00:00:00+00' + n * interval '5 seconds' "
        "FROM generate_series(0, 999999) AS n"
    )
    with Writer(migrated_url, ("2026-01-05 00:00:00+00", "2026-02-05 00:00:00+00")) as writer:
        started = time.perf_counter()
        made = partitions.rollover(database, "error_logs", 0)
        took = time.perf_counter() - started
    print(f"moved in {took:.1f} s, longest wait {max(writer.seconds):.2f} s of {len(writer.seconds)} writes")
    assert writer.failure is None
    assert sum(item.rows for item in made) >= 1_000_000
    assert sum(months(database).values()) == 1_000_000 + len(writer.seconds)
    assert "default" not in months(database)
    assert max(writer.seconds) < took / 3, "strays are copied before anybody has to wait"


def test_what_changes_while_strays_are_copied_is_not_lost(database: Connection) -> None:
    for text in ("kept", "changed", "deleted", "deleted, too"):
        database.execute(ERROR, (text, "2025-03-05"))
    low, high = "2025-03-01 00:00:00+00", "2025-04-01 00:00:00+00"
    database.execute("SELECT prepare_partition('error_logs', 'error_logs_y2025m03', %s, %s)", (low, high))
    database.execute("UPDATE error_logs SET error_message = 'changed since' WHERE error_message = 'changed'")
    database.execute("DELETE FROM error_logs WHERE error_message LIKE 'deleted%'")
    database.execute(ERROR, ("new", "2025-03-06"))
    assert months(database) == {"default": 3}, "until it is a partition, its rows are where they were"
    assert database.execute(ROLLOVER, (0, "2025-03-07")).fetchall() == [("error_logs_y2025m03", 3)]
    assert months(database) == {"y2025m03": 3}
    assert messages(database) == ["changed since", "kept", "new"]


def test_what_an_interrupted_rollover_left_is_used_or_dropped(database: Connection) -> None:
    database.execute(ERROR, ("stray", "2025-03-05"))
    for month in (3, 5):
        low, high = f"2025-{month:02}-01 00:00:00+00", f"2025-{month + 1:02}-01 00:00:00+00"
        name = f"error_logs_y2025m{month:02}"
        database.execute("SELECT prepare_partition('error_logs', %s, %s, %s)", (name, low, high))
    partitions.rollover(database, "error_logs", 0)
    assert months(database) == {"y2025m03": 1}
    assert database.execute("SELECT to_regclass('error_logs_y2025m05')").fetchone() == (None,)


def test_few_strays_stay_visible_to_who_began_to_read_before(database: Connection, migrated_url: str) -> None:
    database.execute(ERROR, ("stray", "2025-03-05"))
    with another(migrated_url) as reader, reader.transaction():
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM users")
        partitions.rollover(database, "error_logs", 0)
        assert messages(reader) == ["stray"]


def shape(connection: Connection, table: str) -> list[tuple[Any, ...]]:
    rows = connection.execute(SHAPE, {"table": table}).fetchall()
    return sorted((kind, re.sub(re.escape(table) + "(?=_|$| )", "T", str(text))) for kind, text in rows)


@pytest.mark.parametrize("table", ["api_requests", "audit_logs", "error_logs", "performance_metrics"])
def test_a_new_partition_is_like_its_siblings(database: Connection, table: str) -> None:
    made = [item.name for item in partitions.rollover(database, table, 1)]
    expected = shape(database, f"{table}_default")
    assert len(expected) > 8
    for name in made:
        assert shape(database, name) == expected


def test_a_clock_that_goes_back_makes_the_months_that_it_names(database: Connection) -> None:
    assert [name for name, _ in database.execute(ROLLOVER, (1, "2026-08-15")).fetchall()] == [
        "error_logs_y2026m08",
        "error_logs_y2026m09",
    ]
    assert [name for name, _ in database.execute(ROLLOVER, (1, "2026-07-31")).fetchall()] == ["error_logs_y2026m07"]
    assert database.execute(ROLLOVER, (1, "2026-08-01")).fetchall() == []
    database.execute(ERROR, ("late", "2026-06-30 23:59:59+00"))
    assert database.execute(ROLLOVER, (0, "2026-07-01")).fetchall() == [("error_logs_y2026m06", 1)]


def test_a_partition_that_was_kept_does_not_take_the_place_of_a_new_one(database: Connection) -> None:
    database.execute(ROLLOVER, (0, "2020-01-15"))
    database.execute("SELECT retire_partition('error_logs_y2020m01', keep => true)")
    database.execute(ERROR, ("late", "2020-01-20"))
    assert database.execute(ROLLOVER, (0, "2020-01-15")).fetchall() == [("error_logs_y2020m01_2", 1)]
    assert months(database) == {"y2020m01_2": 1}


def test_times_that_belong_to_no_month_stay_in_the_default(database: Connection) -> None:
    for at in ("infinity", "-infinity", "0044-03-15 00:00:00+00 BC", "20000-01-01 00:00:00+00", "2026-05-05"):
        database.execute(ERROR, (at, at))
    assert database.execute(ROLLOVER, (0, "2026-05-05")).fetchall() == [("error_logs_y2026m05", 1)]
    assert months(database) == {"default": 4, "y2026m05": 1}
    assert database.execute(ROLLOVER, (0, "2026-05-05")).fetchall() == []


def test_many_odd_months_do_not_exhaust_the_locks(database: Connection) -> None:
    database.execute(
        "INSERT INTO error_logs (error_type, error_message, created_at) "
        "SELECT 'E', '', timestamptz '1990-01-01 00:00:00+00' + n * interval '1 month' "
        "FROM generate_series(0, 129) AS n"
    )
    assert len(database.execute(ROLLOVER, (0, "2026-05-05")).fetchall()) == 121
    assert months(database)["default"] == 10, "the rest is for the next run"
    assert len(database.execute(ROLLOVER, (0, "2026-05-05")).fetchall()) == 10


def test_a_snapshot_that_cannot_see_late_rows_is_refused(database: Connection) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="read committed"), database.transaction():
        database.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        database.execute(ROLLOVER, (0, "2026-05-05"))


def test_writers_lose_nothing_while_partitions_come_and_go(database: Connection, migrated_url: str) -> None:
    at = tuple(f"2020-{month:02}-15" for month in range(1, 9))
    with Writer(migrated_url, at) as first, Writer(migrated_url, at[::-1]) as second:
        for month in range(1, 9):
            database.execute(ROLLOVER, (1, f"2020-{month:02}-01"))
        database.execute("SELECT retire_partition('error_logs_y2020m09', keep => true)")
        time.sleep(0.05)
        database.execute("SELECT retire_partition('error_logs_y2020m01', keep => true)")
    assert first.failure is None
    assert second.failure is None
    kept = database.execute("SELECT count(*) FROM error_logs_y2020m01").fetchone()
    assert kept is not None
    assert kept[0] + sum(months(database).values()) == len(first.seconds) + len(second.seconds) > 0


def test_who_holds_the_table_is_waited_for_in_short_turns(database: Connection, migrated_url: str) -> None:
    database.execute("SET agentforge.lock_attempts = 3")
    with another(migrated_url) as holder, holder.transaction():
        holder.execute(ERROR, ("stray", "2025-03-05"))
        with Writer(migrated_url, ("2025-03-06",)) as writer, pytest.raises(psycopg.errors.LockNotAvailable):
            partitions.rollover(database, "error_logs", 0)
    assert writer.failure is None
    assert max(writer.seconds) < 1.5, "nobody waits for all of the attempts"
    partitions.rollover(database, "error_logs", 0)
    assert months(database) == {"y2025m03": 1 + len(writer.seconds)}


@pytest.mark.parametrize(
    ("retention", "shown"), [("18 months", "1 year 6 mons"), ("forever", "forever"), ("1 month", "1 mon")]
)
def test_retention_is_set_by_table(database: Connection, retention: str, shown: str) -> None:
    assert partitions.set_retention(database, "audit_logs", retention) == shown
    assert partitions.retentions(database) == {
        "api_requests": "6 mons",
        "audit_logs": shown,
        "error_logs": "1 year",
        "performance_metrics": "1 year",
    }


@pytest.mark.parametrize(
    ("table", "retention", "reason"),
    [
        ("audit_logs", "29 days", "less than a month"),
        ("audit_logs", "-1 year", "less than a month"),
        ("audit_logs", "soon", "no length of time"),
        ("users", "1 year", "not partitioned"),
    ],
)
def test_a_retention_that_makes_no_sense_is_refused(
    database: Connection, table: str, retention: str, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        partitions.set_retention(database, table, retention)


def test_what_is_kept_for_ever_does_not_expire(database: Connection) -> None:
    database.execute(ROLLOVER, (0, "2001-01-01"))
    assert partitions.expired(database) == ("error_logs_y2001m01",)
    partitions.set_retention(database, "error_logs", "forever")
    assert partitions.expired(database) == ()


def test_without_cron_a_command_mends_what_is_due_once_a_day(database: Connection, migrated_url: str) -> None:
    def use() -> dict[str, int]:
        with open_database(DatabaseSettings(url=migrated_url), print) as connection:
            return months(connection)

    database.execute(ERROR, ("today", "now"))
    assert use() == {"default": 1}, "a month without a partition can wait until tomorrow"
    database.execute(ERROR, ("older", "2001-01-01"))
    assert use() == {f"y{date.today():%Ym%m}": 1, "y2001m01": 1}
    database.execute(ERROR, ("older", "2001-02-01"))
    assert use()["default"] == 1, "it was tried today"
    database.execute("UPDATE performance_metrics SET recorded_at = recorded_at - interval '25 hours'")
    assert use()["y2001m02"] == 1


def test_a_database_that_a_command_makes_has_its_partitions(database_url: str) -> None:
    with open_database(DatabaseSettings(url=database_url), print):
        pass
    with another(database_url) as connection:
        connection.execute("SET search_path = agentforge")
        made = connection.execute(
            "SELECT count(*) FROM partitions WHERE NOT is_default AND range_start <= now()"
        ).fetchone()
        tables = connection.execute("SELECT count(*) FROM partition_settings").fetchone()
    assert made == tables


def test_what_is_due_never_makes_a_command_fail_or_wait(database: Connection, migrated_url: str) -> None:
    database.execute(ERROR, ("stray", "2001-01-01"))
    with another(migrated_url) as holder, holder.transaction():
        holder.execute("SELECT count(*) FROM error_logs")
        started = time.perf_counter()
        with open_database(DatabaseSettings(url=migrated_url), print) as connection:
            assert months(connection) == {"default": 1}
            assert connection.execute("SELECT current_user").fetchone() == ("agentforge_app",)
        assert time.perf_counter() - started < 5
    assert not partitions.is_due(database), "it was tried today"


def test_a_dry_run_names_what_a_run_then_does(database: Connection) -> None:
    database.execute(ROLLOVER, (0, "2001-01-01"))
    dry = maintain(database, Options(dry_run=True))
    wet = maintain(database, Options())
    assert dry is not None
    assert wet is not None
    for before, after in zip(dry[:2], wet[:2], strict=True):
        said = before.done.replace("would make", "made").replace("would drop", "dropped")
        assert said
        assert after.done.startswith(said)
