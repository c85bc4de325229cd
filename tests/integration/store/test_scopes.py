"""What each user was granted stands in one row, whoever grants or revokes, and however."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import psycopg
import pytest
from fix_people import World

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

WRONG = """
    SELECT u.username, s.readable, s.writable, s.administered
    FROM users AS u LEFT JOIN user_scopes AS s ON s.user_id = u.id
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(p.project_id ORDER BY p.project_id), '{}') AS readable,
               coalesce(array_agg(p.project_id ORDER BY p.project_id) FILTER (WHERE permission <> 'read'), '{}')
                   AS writable,
               coalesce(array_agg(p.project_id ORDER BY p.project_id) FILTER (WHERE permission = 'admin'), '{}')
                   AS administered
        FROM user_permissions AS p WHERE p.user_id = u.id
    ) AS granted
    WHERE (coalesce(s.readable, '{}'), coalesce(s.writable, '{}'), coalesce(s.administered, '{}'))
          IS DISTINCT FROM (granted.readable, granted.writable, granted.administered)
"""
INSERT = """
    INSERT INTO user_permissions (user_id, project_id, permission) VALUES (%s, %s, %s)
    ON CONFLICT (user_id, project_id) DO UPDATE SET permission = EXCLUDED.permission
"""


def wrong(admin: Connection) -> list[tuple[object, ...]]:
    return admin.execute(WRONG.encode()).fetchall()


def test_it_follows_every_change_of_permissions(world: World) -> None:
    chance = random.Random(3)
    admin, users = world.admin, list(world.users.values())
    for number in range(6):
        world.project(f"more {number}")
    projects = list(world.projects.values())
    assert wrong(admin) == []
    for _ in range(30):
        user, project = chance.choice(users), chance.choice(projects)
        kind = chance.random()
        if kind < 0.6:
            admin.execute(INSERT.encode(), (user, project, chance.choice(("read", "write", "admin"))))
        elif kind < 0.8:
            admin.execute("DELETE FROM user_permissions WHERE user_id = %s", (user,))
        else:
            admin.execute("UPDATE user_permissions SET permission = 'write' WHERE project_id = %s", (project,))
        assert wrong(admin) == []
    admin.execute("DELETE FROM projects WHERE key = 'more 0'")
    admin.execute("DELETE FROM users WHERE username = 'wim'")
    assert wrong(admin) == []
    admin.execute("TRUNCATE user_permissions")
    assert wrong(admin) == []
    assert admin.execute("SELECT count(*) FROM user_scopes WHERE readable <> '{}'").fetchone() == (0,)


def test_nobody_learns_more_than_his_own(world: World) -> None:
    every = "SELECT granted_to_read(), granted_to_write(), granted_to_administer()"
    one, both = [world.projects["open"]], sorted(world.projects.values())
    for user, expected in (
        ("ann", (both, both, both)),
        ("wim", (one, one, [])),
        ("rob", (one, [], [])),  # granted to write, but a viewer
        ("eve", ([], [], [])),
        ("aud", ([], [], [])),  # everything is his to read, by his role
        (None, ([], [], [])),
    ):
        with world.session(user) as session:
            assert session.execute(every.encode()).fetchone() == expected, user
            for statement in ("SELECT * FROM user_scopes", "SELECT renew_scopes('{1}')"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    session.execute(statement.encode())
    with world.session("ann") as session:
        world.admin.execute("UPDATE users SET is_active = false WHERE username = 'ann'")
        assert session.execute(every.encode()).fetchone() == ([], [], [])


def test_two_grants_at_once_are_both_seen(world: World) -> None:
    eve, failures = world.users["eve"], list[BaseException]()
    url = world.admin.info.dsn
    password = world.admin.info.password

    def grant() -> None:
        try:
            with psycopg.connect(url, password=password, options="-c search_path=agentforge,public") as second:
                second.execute(INSERT.encode(), (eve, world.projects["closed"], "read"))
        except BaseException as error:
            failures.append(error)

    with psycopg.connect(url, password=password, options="-c search_path=agentforge,public") as first:
        first.execute(INSERT.encode(), (eve, world.projects["open"], "write"))
        other = threading.Thread(target=grant)
        other.start()
        other.join(0.3)  # it waits for the first, or has not come so far
        first.commit()
        other.join(20)
    assert failures == []
    assert wrong(world.admin) == []
    with world.session("eve") as session:
        keys = session.execute("SELECT key FROM projects ORDER BY key").fetchall()
    assert keys == [("closed",), ("open",)]
