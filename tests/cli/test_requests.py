"""Every command that uses the database leaves a row of what became of it, and none is disturbed by that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest
from fix_people import World

from agentforge.cli.database import open_database
from agentforge.cli.init import run_init
from agentforge.cli.maintenance import run_migrate
from agentforge.errors import DatabaseError, UsageError
from agentforge.store.connection import DatabaseSettings
from agentforge.store.requests import Request
from agentforge.store.session import NotLoggedIn

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


@pytest.fixture
def log(migrated_url: str) -> Iterator[Connection]:
    with open_database(DatabaseSettings(url=migrated_url), print) as connection:
        yield connection


def rows(connection: Connection, table: str) -> list[tuple[object, ...]]:
    columns = {"api_requests": "endpoint, method, response_status", "error_logs": "error_type, error_message"}[table]
    query = psycopg.sql.SQL("SELECT {}, request_id FROM {} ORDER BY id").format(
        psycopg.sql.SQL(columns), psycopg.sql.Identifier(table)
    )
    return connection.execute(query).fetchall()


def run(url: str, request: Request, error: BaseException | None = None) -> None:
    with open_database(DatabaseSettings(url=url), print, request):
        if error is not None:
            raise error


def test_a_command_is_logged_with_its_status(log: Connection, migrated_url: str) -> None:
    request = Request("analyze", status=1)
    run(migrated_url, request)
    assert rows(log, "api_requests") == [("analyze", "CLI", 1, request.id)]
    assert rows(log, "error_logs") == []


def test_a_fault_of_the_user_is_no_error_of_ours(log: Connection, migrated_url: str) -> None:
    request = Request("similar")
    with pytest.raises(UsageError):
        run(migrated_url, request, UsageError("There is no function x."))
    assert rows(log, "api_requests") == [("similar", "CLI", 2, request.id)]
    assert rows(log, "error_logs") == []


def test_an_unexpected_error_is_logged_and_its_number_is_shown(log: Connection, migrated_url: str) -> None:
    request = Request("similar")
    with pytest.raises(ValueError, match="odd") as caught:
        run(migrated_url, request, ValueError("odd"))
    assert str(request.id) in caught.value.__notes__[0]
    assert rows(log, "error_logs") == [("ValueError", "odd", request.id)]
    assert rows(log, "api_requests") == [("similar", "CLI", 3, request.id)]


def test_a_log_that_cannot_be_written_disturbs_nothing(log: Connection, migrated_url: str) -> None:
    log.execute("RESET ROLE")
    log.execute("DROP TABLE api_requests")
    run(migrated_url, Request("similar"))
    with log.transaction():
        log.execute("LOCK TABLE error_logs IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(ValueError, match="odd"):
            run(migrated_url, Request("similar"), ValueError("odd"))


def test_a_command_of_nobody_is_logged_too(world: World) -> None:
    request = Request("similar")
    with pytest.raises(NotLoggedIn), open_database(DatabaseSettings(url=world.app_url), print, request):
        pytest.fail("there is no user")
    logged = world.admin.execute("SELECT endpoint, response_status, user_id FROM api_requests").fetchall()
    assert ("similar", 2, None) in logged


def test_a_setup_and_a_migration_are_commands(database_url: str) -> None:
    settings = DatabaseSettings(url=database_url)
    assert run_init(settings, None, as_json=True) == 0
    assert run_migrate(settings, as_json=True) == 0
    with psycopg.connect(database_url, options="-c search_path=agentforge") as connection:
        assert [row[:3] for row in rows(connection, "api_requests")] == [
            ("db init", "CLI", 0),
            ("db migrate", "CLI", 0),
        ]


def test_the_number_of_a_database_error_is_shown_as_well(log: Connection, migrated_url: str) -> None:
    request = Request("similar")
    with (
        pytest.raises(DatabaseError, match=str(request.id)),
        open_database(DatabaseSettings(url=migrated_url), print, request) as connection,
    ):
        connection.execute("SELECT 1 / 0")
    assert rows(log, "error_logs") == [("DivisionByZero", "division by zero", request.id)]
