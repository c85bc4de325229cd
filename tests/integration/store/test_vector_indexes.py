"""Approximate indexes are made when there are many vectors, built anew when bloated, and never left half-made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg
import pytest

from agentforge.cli.database import open_as_owner
from agentforge.store import vector_indexes
from agentforge.store.connection import DatabaseSettings
from agentforge.store.lifecycle import ensure_model
from agentforge.store.maintenance import Options, maintain

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

ROWS = 400
FILL = """
    SELECT ensure_embedding_model('m', '1', 8);
    INSERT INTO projects (key, name) VALUES ('p', 'p');
    INSERT INTO project_analyses (project_id, branch, engine_version) SELECT id, 'main', '0' FROM projects;
    INSERT INTO file_analyses (project_id, project_analysis_id, branch, file_path, content_hash, engine_version,
        file_size, physical_lines, lines_of_code, comment_lines, blank_lines, function_count, class_count,
        complexity_score, quality_score, security_score, model_id)
    SELECT project_id, id, 'main', 'f', repeat('0', 64), '0', 1, 1, 1, 0, 0, 1, 0, 100, 100, 100, 1
    FROM project_analyses;
    INSERT INTO functions (project_id, file_analysis_id, function_name, qualified_name, function_signature, start_line,
        end_line, lines_of_code, parameters, cyclomatic, cognitive, nesting, distinct_operators, distinct_operands,
        operators, operands, halstead_volume, halstead_difficulty, halstead_effort, maintainability_index, code_hash,
        code)
    SELECT project_id, id, 's', 's', 's()', 1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, sha256(n::text::bytea), 'c'
    FROM file_analyses, generate_series(1, 400) AS n;
    INSERT INTO function_embeddings (function_id, project_id, model_id, branch, file_type, embedding)
    SELECT id, project_id, 1, 'main', 'python', ARRAY[id, id % 7, id % 11, id % 13, 1, 2, 3, 4]::real[]::vector::halfvec
    FROM functions;
    ANALYZE function_embeddings;
"""
VALID = """
    SELECT c.relname, i.indisvalid FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    JOIN pg_am AS a ON a.oid = c.relam AND a.amname = 'hnsw'
"""


@pytest.fixture
def database(migrated_url: str) -> Iterator[Connection]:
    with open_as_owner(DatabaseSettings(url=migrated_url), print) as connection:
        connection.execute(FILL.encode())
        yield connection


def test_an_index_is_made_when_there_are_rows_enough(database: Connection) -> None:
    assert vector_indexes.wanted(database, ROWS + 1) == []
    [task] = vector_indexes.wanted(database, ROWS)
    vector_indexes.do(database, task)
    assert database.execute(VALID.encode()).fetchall() == [("function_embeddings_1_hnsw", True)]
    assert vector_indexes.wanted(database, ROWS) == []
    database.execute("SELECT ensure_vector_index(1)")
    assert len(database.execute(VALID.encode()).fetchall()) == 1, "both ways make the same index"


def test_an_index_waits_a_day_for_meaning(database: Connection) -> None:
    database.execute("UPDATE function_embeddings SET lacks_meaning = true WHERE function_id <= 5")
    assert vector_indexes.wanted(database, ROWS) == []
    database.execute("UPDATE file_analyses SET created_at = now() - interval '25 hours'")
    assert len(vector_indexes.wanted(database, ROWS)) == 1


def test_an_index_whose_rows_have_changed_is_built_anew_once(database: Connection) -> None:
    database.execute("SELECT ensure_vector_index(1)")
    assert vector_indexes.bloated(database) == []
    for _ in range(3):
        database.execute("UPDATE function_embeddings SET embedding = embedding")
    database.execute("SELECT pg_stat_force_next_flush()")
    before = database.execute("SELECT pg_relation_filenode('function_embeddings_1_hnsw')").fetchone()
    steps = maintain(database, Options(dry_run=True), {"indexes"})
    assert steps is not None
    assert steps[0].done == "function_embeddings_1_hnsw would be built anew"
    steps = maintain(database, Options(), {"indexes"})
    assert steps is not None
    assert (steps[0].done, steps[0].error) == ("function_embeddings_1_hnsw built anew", None)
    assert database.execute("SELECT pg_relation_filenode('function_embeddings_1_hnsw')").fetchone() != before
    assert vector_indexes.bloated(database) == [], "what was done is remembered"


def test_autovacuum_leaves_an_index_of_vectors_to_maintenance(database: Connection) -> None:
    options = "SELECT reloptions FROM pg_class WHERE relname = 'function_embeddings_1'"
    maintain(database, Options(), {"indexes"})
    assert database.execute(options).fetchone() == (None,), "it has none"
    database.execute("SELECT ensure_vector_index(1)")
    for _ in range(2):
        maintain(database, Options(), {"indexes"})
        assert database.execute(options).fetchone() == (["vacuum_index_cleanup=off"],)
    rows = "SELECT pg_relation_size('function_embeddings_1'), pg_relation_size('function_embeddings_1_pkey')"
    for _ in range(3):
        database.execute("UPDATE function_embeddings SET embedding = embedding")
        database.execute("VACUUM function_embeddings_1")
        grown = database.execute(rows).fetchone()
    database.execute("SELECT pg_stat_force_next_flush()")
    steps = maintain(database, Options(), {"indexes"})
    assert steps is not None
    assert steps[0].done == "function_embeddings_1_hnsw built anew"
    for _ in range(3):
        database.execute("UPDATE function_embeddings SET embedding = embedding")
        database.execute("VACUUM function_embeddings_1")
    assert database.execute(rows).fetchone() == grown, "the room of what had gone was free in the other indexes, too"


def test_what_an_interrupted_statement_left_is_dropped(database: Connection) -> None:
    for name in ("function_embeddings_1_hnsw_ccnew", "half"):
        with pytest.raises(psycopg.errors.UniqueViolation):  # as an interrupted build, it leaves an invalid index
            database.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON function_embeddings_1 (project_id)".encode())
    steps = maintain(database, Options(), {"indexes"})
    assert steps is not None
    assert steps[0].done == "function_embeddings_1_hnsw_ccnew dropped, half dropped"
    assert vector_indexes.leftovers(database) == []


@pytest.mark.parametrize("parent", ["function_embeddings", "code_embeddings", "pattern_embeddings"])
def test_every_table_of_vectors_can_have_an_index(database: Connection, parent: str) -> None:
    model = ensure_model(database, "other", "1", 2, ())
    database.execute("SELECT ensure_vector_index(%s, %s)", (model, parent))
    found = database.execute(
        "SELECT i.indisvalid, a.amname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid "
        "JOIN pg_am AS a ON a.oid = c.relam WHERE c.relname = %s",
        (f"{parent}_{model}_hnsw",),
    ).fetchall()
    assert found == [(True, "hnsw")]


def test_an_index_that_is_outgrown_gives_way_to_another(database: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = vector_indexes.wanted
    monkeypatch.setattr(vector_indexes, "wanted", lambda connection: wanted(connection, 1))
    database.execute("SELECT ensure_vector_index(1)")
    assert vector_indexes.wanted(database) == []
    more = next(part for part in FILL.split(";") if "INSERT INTO functions" in part)
    for rows, done in ((10, ""), (90, "function_embeddings_1 made, function_embeddings_1_hnsw dropped")):
        last = database.execute("SELECT max(id) FROM functions").fetchone()
        assert last is not None
        database.execute(more.replace("400", str(rows)).encode())
        database.execute(
            "INSERT INTO function_embeddings (function_id, project_id, model_id, branch, file_type, embedding) "
            "SELECT id, project_id, 1, 'main', 'python', '[1,2,3,4,5,6,7,8]' FROM functions WHERE id > %s",
            last,
        )
        steps = maintain(database, Options(), {"indexes"})
        assert steps is not None
        assert (steps[0].done, steps[0].error) == (done, None)
    assert database.execute(VALID.encode()).fetchall() == [("function_embeddings_1_hnsw_500", True)]
    assert vector_indexes.superseded(database) == []
