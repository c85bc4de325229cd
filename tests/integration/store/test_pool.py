"""One pool serves many people: none of them ever works as another, on a server and behind PgBouncer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from fix_people import World
from psycopg.conninfo import conninfo_to_dict

from agentforge.cli.database import open_database
from agentforge.errors import DatabaseError
from agentforge.store.connection import DatabaseSettings
from agentforge.store.pool import Pool
from agentforge.store.requests import Request
from agentforge.store.retry import ATTEMPTS
from agentforge.store.session import NotLoggedIn

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

LEFT = """
    SELECT coalesce(current_setting('agentforge.session_token', true), '')
        || coalesce(current_setting('agentforge.request_id', true), ''), current_user, session_user
"""


def pool(url: str, **options: Any) -> Pool:
    return Pool(DatabaseSettings(url=url), **options)


def keys(connection: Connection) -> list[str]:
    return [key for (key,) in connection.execute("SELECT key FROM projects ORDER BY key").fetchall()]


def add_note(connection: Connection, note: str) -> None:
    connection.execute("UPDATE projects SET description = concat(description, %s::text) WHERE key = 'open'", (note,))


@pytest.fixture
def one(world: World) -> Iterator[Pool]:
    """A pool of one connection, so that all share it."""
    with pool(world.app_url, size=1) as opened:
        yield opened


def test_two_people_share_a_connection_and_see_their_own(one: Pool, world: World) -> None:
    seen = []
    for user in ("rob", "ann", "eve", "rob"):
        with one.transaction(world.tokens[user]) as connection:
            seen.append((connection.info.backend_pid, keys(connection)))
    assert [found for _, found in seen] == [["open"], ["closed", "open"], [], ["open"]]
    assert len({pid for pid, _ in seen}) == 1


def test_a_failed_transaction_changes_nothing_and_leaves_no_identity(one: Pool, world: World) -> None:
    with pytest.raises(DatabaseError), one.transaction(world.tokens["ann"]) as connection:
        add_note(connection, "x")
        connection.execute("SELECT 1 / 0")
    with pytest.raises(KeyError), one.transaction(world.tokens["ann"]) as connection:
        add_note(connection, "x")
        raise KeyError
    assert world.admin.execute("SELECT description FROM projects WHERE key = 'open'").fetchone() == (None,)
    assert left_on(one) == ("", world_role(world), world_role(world))
    with one.transaction(world.tokens["eve"]) as connection:
        assert keys(connection) == []


def left_on(opened: Pool) -> Any:
    assert opened._pool is not None
    with opened._pool.connection() as connection:
        return connection.execute(LEFT.encode()).fetchone()


def world_role(world: World) -> str:
    return str(conninfo_to_dict(world.app_url)["user"])


def test_an_operator_s_connection_is_the_application_s_inside_a_transaction_only(world: World) -> None:
    with pool(world.url, size=1) as opened:
        with opened.transaction(world.tokens["rob"]) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("agentforge_app",)
            assert keys(connection) == ["open"]
        token, user, session = left_on(opened)
        assert (token, user) == ("", session)
        with opened.transaction("") as connection:  # the local user
            assert keys(connection) == ["closed", "open"]


@pytest.mark.parametrize("token", ["", "no such token"])
def test_nobody_is_refused(one: Pool, world: World, token: str) -> None:
    with pytest.raises(NotLoggedIn), one.transaction(token):
        pytest.fail("there is no user")
    with one.transaction(world.tokens["rob"]) as connection:
        assert keys(connection) == ["open"]


def test_a_connection_that_the_server_ended_is_replaced(one: Pool, world: World) -> None:
    with one.transaction(world.tokens["rob"]) as connection:
        pid = connection.info.backend_pid
    world.admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    with one.transaction(world.tokens["rob"]) as connection:
        assert keys(connection) == ["open"]


def test_who_waits_too_long_for_a_connection_is_told_so(world: World) -> None:
    with (
        pool(world.app_url, size=1, timeout=1.0) as opened,
        opened.transaction(world.tokens["rob"]),
        pytest.raises(DatabaseError, match="became free"),
        opened.transaction(world.tokens["ann"]),
    ):
        pytest.fail("there is one connection")


def test_deadlocked_work_is_done_again(world: World) -> None:
    """Two transactions update the same two rows in opposite order; both come to an end, and both count."""
    met = threading.Barrier(2, timeout=10)
    failures: list[BaseException] = []

    def work(order: tuple[str, str]) -> None:
        calls = []

        def update(connection: Connection) -> None:
            calls.append(order)
            for key in order:
                connection.execute("UPDATE projects SET description = concat(description, 'x') WHERE key = %s", (key,))
                if len(calls) == 1 and key == order[0]:
                    met.wait()

        try:
            opened.run(world.tokens["ann"], update)
        except BaseException as error:
            failures.append(error)

    with pool(world.app_url, size=2) as opened:
        threads = [threading.Thread(target=work, args=(order,)) for order in (("open", "closed"), ("closed", "open"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert world.admin.execute("SELECT DISTINCT description FROM projects").fetchall() == [("xx",)]


def test_what_cannot_be_serialised_is_tried_a_bounded_number_of_times(world: World) -> None:
    database = conninfo_to_dict(world.app_url)["dbname"]
    world.admin.execute(f"ALTER DATABASE {database} SET default_transaction_isolation = 'repeatable read'".encode())
    calls = []

    def update(connection: Connection, spoilt: int) -> None:
        calls.append(spoilt)
        keys(connection)  # takes the snapshot
        if len(calls) <= spoilt:
            add_note(world.admin, "a")
        add_note(connection, "b")

    with pool(world.app_url) as opened:
        opened.run(world.tokens["ann"], lambda connection: update(connection, 2))
        assert len(calls) == 3
        calls.clear()
        with pytest.raises(DatabaseError, match="could not serialize"):
            opened.run(world.tokens["ann"], lambda connection: update(connection, ATTEMPTS))
    assert len(calls) == ATTEMPTS
    notes = world.admin.execute("SELECT description FROM projects WHERE key = 'open'").fetchone()
    assert notes == ("aab" + "a" * ATTEMPTS,)


def test_a_schema_that_is_behind_is_refused(world: World) -> None:
    world.admin.execute("DELETE FROM schema_migrations WHERE name LIKE '0010%'")
    with pytest.raises(DatabaseError, match="older"), pool(world.app_url):
        pytest.fail("the schema is behind")


def test_behind_pgbouncer_people_share_a_server_connection_and_see_their_own(bouncer: str, world: World) -> None:
    expected = {"rob": ["open"], "ann": ["closed", "open"], "eve": []}
    wrong: list[Any] = []
    servers = set()

    def ask(user: str) -> None:
        for _ in range(12):  # often enough for psycopg to prepare statements, were it allowed to
            with opened.transaction(world.tokens[user]) as connection:
                row = connection.execute("SELECT pg_backend_pid()").fetchone()
                servers.add(row[0] if row else None)
                if (found := keys(connection)) != expected[user]:
                    wrong.append((user, found))

    with pool(bouncer, size=3) as opened:
        threads = [threading.Thread(target=ask, args=(user,)) for user in expected]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert len(servers) == 1


def test_behind_pgbouncer_nothing_is_left_for_the_next_client(bouncer: str, world: World) -> None:
    with pool(bouncer, size=1) as opened, pytest.raises(DatabaseError), opened.transaction(world.tokens["ann"]) as lent:
        lent.execute("SELECT 1 / 0")
    with psycopg.connect(bouncer, autocommit=True) as stranger:
        assert stranger.execute(LEFT.encode()).fetchone() == ("", world_role(world), world_role(world))
        assert stranger.execute("SELECT count(*) FROM agentforge.projects").fetchone() == (0,)


def test_a_command_behind_pgbouncer_is_its_user_s_and_leaves_nothing(
    bouncer: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = DatabaseSettings(url=bouncer)
    for user, expected in (("rob", ["open"]), ("ann", ["closed", "open"]), ("eve", [])):
        monkeypatch.setenv("AGENTFORGE_TOKEN", world.tokens[user])
        request = Request("similar")
        with open_database(settings, print, request, needs_session=False) as connection:
            assert keys(connection) == expected
        logged = world.admin.execute("SELECT user_id FROM api_requests WHERE request_id = %s", (request.id,))
        assert logged.fetchall() == [(world.users[user],)]
    with psycopg.connect(bouncer, autocommit=True) as stranger:
        assert stranger.execute(LEFT.encode()).fetchone() == ("", world_role(world), world_role(world))
    with pytest.raises(DatabaseError, match="through a pooler"), open_database(settings, print):
        pytest.fail("an analysis needs a session of its own")
