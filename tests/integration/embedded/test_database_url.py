"""The fixture that all integration tests stand on."""

from __future__ import annotations

import psycopg

from agentforge.store.connection import DatabaseSettings, connect


def test_each_database_is_fresh_and_empty(new_database):
    first, second = new_database(), new_database()
    with connect(DatabaseSettings(url=first)) as connection:
        connection.execute("CREATE SCHEMA agentforge")
        connection.execute("CREATE EXTENSION vector")
        assert connection.execute("SELECT '[1,2]'::vector <-> '[1,4]'").fetchone() == (2.0,)
        assert connection.execute(
            "SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'vector'"
        ).fetchone() == ("agentforge",)
    with psycopg.connect(second) as connection:
        assert connection.execute("SELECT count(*) FROM pg_extension WHERE extname = 'vector'").fetchone() == (0,)


def test_vector_is_found_where_it_is_installed(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA extensions")
        connection.execute("CREATE EXTENSION vector SCHEMA extensions")
    with connect(DatabaseSettings(url=database_url)) as connection:
        assert connection.execute("SHOW search_path").fetchone() == ("agentforge, pg_catalog, extensions",)
        assert connection.execute("SELECT '[1,2]'::vector <-> '[1,4]'").fetchone() == (2.0,)


def test_a_clone_holds_what_its_template_holds(new_database):
    template = new_database()
    with psycopg.connect(template, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        name = connection.info.dbname
    with psycopg.connect(new_database(template=name)) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
