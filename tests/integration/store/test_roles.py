"""Who may set a database up, and what is said to who may not."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest
from fix_database import NewDatabase
from fix_people import Login
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from agentforge.cli.database import open_as_owner, open_database
from agentforge.errors import DatabaseError
from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.embedded.server import Server
from agentforge.store.migrate import migrate, migrations
from agentforge.store.roles import missing_steps, set_application_password

OWNERS = """
    SELECT DISTINCT r.rolname FROM pg_roles AS r JOIN (
        SELECT relowner AS owner FROM pg_class
        WHERE relnamespace = 'agentforge'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
        UNION ALL SELECT proowner FROM pg_proc WHERE pronamespace = 'agentforge'::regnamespace AND prolang <> 13
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    ) AS o ON o.owner = r.oid
"""


def test_everything_belongs_to_the_owner_and_nothing_to_the_application(database_url: str) -> None:
    with connect(DatabaseSettings(url=database_url)) as connection:
        migrate(connection)
        assert connection.execute(OWNERS.encode()).fetchall() == [("agentforge_owner",)]
        roles = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles "
            "WHERE rolname IN ('agentforge_app', 'agentforge_owner') ORDER BY 1"
        ).fetchall()
    assert roles == [("agentforge_app",) + (False,) * 4, ("agentforge_owner",) + (False,) * 4]


def test_who_may_not_is_told_what_to_run_and_that_is_enough(new_database: NewDatabase, login: Login) -> None:
    database_url = new_database()
    mine = DatabaseSettings(url=login.url(database_url))
    with pytest.raises(DatabaseError, match="may not set the database up") as caught, connect(mine) as connection:
        migrate(connection)
    statements = [line.strip() for line in caught.value.hint.splitlines()[1:]]
    assert statements[0].endswith(";")
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
    with connect(mine) as connection:
        assert migrate(connection) == tuple(migration.name for migration in migrations())
        assert missing_steps(connection) == []
    with open_database(mine, print) as connection:
        assert connection.execute("SELECT current_user::text, current_user_role()").fetchone() == (
            "agentforge_app",
            "admin",
        )
    with open_as_owner(mine, print) as connection:
        assert connection.execute("SELECT current_user::text").fetchone() == ("agentforge_owner",)


def test_the_owner_of_a_database_who_may_create_roles_needs_nobody(folder: Path) -> None:
    server = Server(str(folder))
    with server.client():
        admin = server.ensure_running()
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("CREATE ROLE dba LOGIN CREATEROLE PASSWORD 'dba-password'")
            connection.execute("CREATE DATABASE team OWNER dba")
        team = make_conninfo("", **{**conninfo_to_dict(admin), "dbname": "team"})
        with psycopg.connect(team, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
        parameters = {name: value for name, value in conninfo_to_dict(team).items() if name != "passfile"}
        url = make_conninfo("", **{**parameters, "user": "dba", "password": "dba-password"})
        with connect(DatabaseSettings(url=url)) as connection:
            assert migrate(connection)[0] == "0001_spine"
            set_application_password(connection, "app-password")
        with open_as_owner(DatabaseSettings(url=url), print) as connection:
            assert connection.execute(OWNERS.encode()).fetchall() == [("agentforge_owner",)]
        app = make_conninfo("", **{**parameters, "user": "agentforge_app", "password": "app-password"})
        with open_database(DatabaseSettings(url=app), print, needs_user=False) as connection:
            assert connection.execute("SELECT current_user_id()").fetchone() == (None,)


def test_what_to_run_names_types_wherever_they_are_looked_for(migrated_url: str) -> None:
    with connect(DatabaseSettings(url=migrated_url)) as connection:
        connection.execute("ALTER FUNCTION search_features OWNER TO CURRENT_USER")
        ((statement, _),) = missing_steps(connection)
        connection.execute("SET search_path = pg_catalog")
        connection.execute(statement.encode())
        assert missing_steps(connection) == []


def test_an_owner_who_may_not_give_the_application_a_password_is_told_who_may(migrated_url: str, login: Login) -> None:
    login.administer("GRANT agentforge_owner TO {}", sql.Identifier(login.name))
    with (
        connect(DatabaseSettings(url=login.url(migrated_url))) as connection,
        pytest.raises(DatabaseError, match=f"^{login.name} may not give agentforge_app a password") as caught,
    ):
        set_application_password(connection, "app-password")
    assert "administrator" in caught.value.hint


def test_a_role_outside_is_told_whom_to_ask(migrated_url: str, login: Login) -> None:
    mine = DatabaseSettings(url=login.url(migrated_url))
    with (
        pytest.raises(DatabaseError, match=f"The role {login.name} may not use agentforge") as caught,
        open_database(mine, print),
    ):
        pass
    assert f"GRANT agentforge_app TO {login.name}" in caught.value.hint
    with pytest.raises(DatabaseError, match="does not own the schema"), open_as_owner(mine, print):
        pass


def test_who_works_in_a_database_is_not_told_to_own_it(migrated_url: str, login: Login) -> None:
    """A member of both roles is bound by no policy."""
    login.administer("GRANT agentforge_app TO {}", sql.Identifier(login.name))
    with (
        connect(DatabaseSettings(url=login.url(migrated_url))) as connection,
        pytest.raises(DatabaseError, match="does not own it") as caught,
    ):
        migrate(connection)
    assert "GRANT" not in caught.value.hint


def test_an_application_that_is_newer_than_the_schema_asks_for_its_owner(migrated_url: str, login: Login) -> None:
    with connect(DatabaseSettings(url=migrated_url)) as connection:
        connection.execute("DELETE FROM schema_migrations WHERE name = %s", (migrations()[-1].name,))
    login.administer("GRANT agentforge_app TO {}", sql.Identifier(login.name))
    mine = DatabaseSettings(url=login.url(migrated_url))
    with pytest.raises(DatabaseError, match=migrations()[-1].name) as caught, open_database(mine, print):
        pass
    assert "agentforge db migrate" in caught.value.hint


def test_databases_of_one_server_are_set_up_at_the_same_time(new_database: NewDatabase) -> None:
    applied: list[int] = []

    def run(url: str) -> None:
        with connect(DatabaseSettings(url=url)) as connection:
            applied.append(len(migrate(connection)))

    urls = [new_database() for _ in range(3)]
    threads = [threading.Thread(target=run, args=(url,)) for url in urls for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == [0] * 3 + [len(migrations())] * 3
