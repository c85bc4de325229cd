"""Each hot query can use the index that was made for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from fix_database import NewCopy, copy_of

from agentforge.cli.database import open_database
from agentforge.store.connection import DatabaseSettings
from agentforge.store.lifecycle import ensure_model
from agentforge.store.queries import load
from agentforge.store.similar import Filters, Search, StoredVector
from agentforge.store.text_search import TextSearch, Wanted

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

PROJECT = {"project_id": 1, "branch": "main"}
SCOPE = {"project_ids": [1], "branches": ["main"]}
COMPARED = {**SCOPE, "analysis_ids": [1], "has_previous": [True], "min_lines": 6, "language": None, "tests": False}
NAMES = "-c search_path=agentforge,public"
AT = {"path": "f1", "file_name": "f1", "line": 1, "content_hash": None}


FILL = """
    INSERT INTO projects (key, name) SELECT 'p' || n, 'p' FROM generate_series(1, 400) AS n;
    INSERT INTO project_analyses (project_id, branch, engine_version, status, completed_at, results)
    SELECT id, 'main', '0', 'completed', now(), '{"functions": {"python": 40, "go": 20}}'
    FROM projects, generate_series(1, 5);
    INSERT INTO file_analyses (project_id, project_analysis_id, superseded_by, branch, file_path, content_hash,
        engine_version, file_size, physical_lines, lines_of_code, comment_lines, blank_lines, function_count,
        class_count, complexity_score, quality_score, security_score, model_id)
    SELECT a.project_id, a.first, CASE WHEN version > 0 THEN a.first END, 'main', 'f' || n, repeat('0', 64), '0', 1, 1,
        1, 0, 0, 1, 0, 100, n % 100, 100, 1
    FROM (SELECT project_id, min(id) AS first FROM project_analyses GROUP BY project_id) AS a,
        generate_series(1, 20) AS n, generate_series(0, 4) AS version;
    INSERT INTO functions (project_id, file_analysis_id, function_name, qualified_name, function_signature, start_line,
        end_line, lines_of_code, parameters, cyclomatic, cognitive, nesting, distinct_operators, distinct_operands,
        operators, operands, halstead_volume, halstead_difficulty, halstead_effort, maintainability_index, code_hash,
        code)
    SELECT f.project_id, f.id, 'n' || f.id, 'n' || f.id, 's', n, n, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100,
        sha256(f.id::text::bytea), 'c' FROM file_analyses AS f, generate_series(1, 3) AS n
    WHERE f.superseded_by IS NULL;
    INSERT INTO function_embeddings
    SELECT id, project_id, 1, ARRAY[cos(angle), sin(angle)]::real[]::vector::halfvec, 'main',
        CASE WHEN start_line = 3 THEN 'go' ELSE 'python' END
    FROM functions, LATERAL (SELECT (id * 7919 % 1009) * 0.003) AS spread (angle)
    WHERE file_analysis_id % 3 = 0;
    INSERT INTO function_idioms SELECT project_id, id, 'memoisation' FROM functions WHERE file_analysis_id % 20 = 0;
    INSERT INTO function_duplicates
    SELECT project_id, min(id), max(id), 1 FROM functions GROUP BY project_id, file_analysis_id;
    INSERT INTO code_violations (project_id, branch, file_path, rule_id, rule_name, category, severity, confidence,
        line_number, column_number, end_line, end_column, message, suggestion, function_name, line_hash, fingerprint,
        introduced_by)
    SELECT project_id, branch, file_path, 'r', 'r', 'quality', 'low', 'high', n, 1, n, 1, 'm', '', '', 'h',
        encode(sha256((id || ' ' || n)::text::bytea), 'hex'), project_analysis_id
    FROM file_analyses, generate_series(1, 3) AS n
    WHERE superseded_by IS NULL;
    INSERT INTO violation_waivers (project_id, rule_id, file_path, fingerprint, reason)
    SELECT DISTINCT ON (project_id) project_id, rule_id, file_path, fingerprint, 'r' FROM code_violations;
    UPDATE code_violations AS v SET status = 'waived', waiver_kind = 'stored', waiver_id = w.id
    FROM violation_waivers AS w WHERE w.project_id = v.project_id AND w.fingerprint = v.fingerprint;
    ANALYZE;
"""
LACKING = "function_embeddings_1_project_id_function_id_idx"
HOT = [
    ("analyses", "previous", PROJECT, "project_analyses_(project|latest)"),
    ("analyses", "current_files", PROJECT, "file_analyses_current"),
    ("analyses", "fail_stale", PROJECT, "project_analyses_(project|latest|key|status)"),
    ("load", "unresolved_violations", {**PROJECT, "paths": ["f1"]}, "code_violations_path"),
    ("imports", "unresolved", {**PROJECT, "tool": "t"}, "code_violations_imported"),
    (
        "report",
        "severities",
        {**PROJECT, "analysis_id": 1},
        "code_violations_(open|path|unresolved_fingerprint|severity|key)",
    ),
    (
        "report",
        "worst_violations",
        {**PROJECT, "analysis_id": 1, "limit": 10},
        "code_violations_worst",
    ),
    ("waivers", "apply", {**PROJECT, "analysis_id": 1}, "code_violations_waived_fingerprint"),
    ("waivers", "apply", {**PROJECT, "analysis_id": 1}, "code_violations_unresolved_fingerprint"),
    ("waivers", "expire", {**PROJECT, "analysis_id": 1}, "code_violations_(waiver|waived_fingerprint)"),
    ("violations", "beginning_with", {"prefix": "01234567", "project_ids": None}, "code_violations_fingerprint"),
    ("violations", "history", {"id": 1, "project_id": 1}, "violation_events_violation"),
    ("report", "duplicates", {**PROJECT, "limit": 10}, "function_duplicates_(project|pkey)"),
    ("duplicates", "compared_projects", {}, "project_analyses_latest"),
    ("duplicates", "candidates", {**COMPARED, "model_id": 1}, "file_analyses_(current|path)"),
    ("duplicates", "candidates", {**COMPARED, "model_id": 1}, "functions_file"),
    ("duplicates", "not_embedded", {**SCOPE, "model_id": 1}, "file_analyses_(current|path)"),
    ("similar", "functions_named", {"name": "save"}, "functions_name"),
    ("similar", "functions_at", AT, "file_analyses_name"),
    ("similar", "functions_at", AT, "functions_file"),
    ("similar", "vector_by_hash", {"code_hash": "00" * 32, "model_id": 1}, "functions_code_hash"),
    (
        "similar",
        "model_of",
        {"function_id": 1, "model": None},
        "function_embeddings_1_(function_id|pkey)",
    ),
    ("similar", "left_out", {"model_id": 1, "project_ids": None, "language": None}, "project_analyses_latest"),
    ("similar", "left_out", {"model_id": 1, "project_ids": None, "language": None}, "file_analyses_model"),
    ("patterns", "functions", SCOPE, "file_analyses_(current|path)"),
    ("patterns", "functions", SCOPE, "functions_file"),
    ("patterns", "insert_idioms", PROJECT, "file_analyses_(current|path)"),
    ("patterns", "insert_idioms", PROJECT, "functions_file"),
    ("report", "idiom_counts", PROJECT, "function_idioms_"),
    ("report", "idioms", PROJECT, "function_idioms_"),
    ("meaning", "lacking", {"project_id": 1, "model_id": 1}, LACKING),
    ("meaning", "claim_lacking", {"project_id": 1, "model_id": 1, "after": 0, "most": 100}, LACKING),
    ("meaning", "claim_lacking", {"project_id": 1, "model_id": 1, "after": 0, "most": 100}, "functions_code_hash"),
]


@pytest.fixture(scope="module")
def filled_url(shared_migrated_url: str) -> str:
    """Four hundred projects of twenty files. It is copied, not used."""
    with psycopg.connect(
        shared_migrated_url, autocommit=True, options="-c search_path=agentforge,public"
    ) as connection:
        ensure_model(connection, "m", "1", 2, ())
        connection.execute(FILL.encode())
    return shared_migrated_url


@pytest.fixture
def database(filled_url: str, new_copy: NewCopy) -> Iterator[Connection]:
    with open_database(DatabaseSettings(url=new_copy(filled_url)), print) as connection:
        yield connection


def plan(connection: Connection, file: str, query: str, parameters: dict[str, Any]) -> str:
    rows = connection.execute(b"EXPLAIN " + load(file)[query], parameters).fetchall()
    return "\n".join(line for (line,) in rows)


def test_hot_queries_use_their_index(database: Connection) -> None:
    database.execute(load("patterns")["create_incoming"])
    plans = [(query, plan(database, file, query, parameters), index) for file, query, parameters, index in HOT]
    wrong = [f"{query}:\n{found}" for query, found, index in plans if not re.search(f"(using|on) {index}", found)]
    assert not wrong, "\n\n".join(wrong)


@pytest.fixture(scope="module")
def indexed_url(server_url: str, filled_url: str) -> Iterator[str]:
    """With another model, and indexes of the vectors of both. It is copied, not used."""
    with copy_of(filled_url, server_url) as url:
        with psycopg.connect(url, autocommit=True, options=NAMES) as connection:
            ensure_model(connection, "other", "1", 3, ())
            connection.execute("SELECT ensure_vector_index(id) FROM embedding_models")
            connection.execute("ANALYZE function_embeddings")
        yield url


@pytest.fixture
def indexed(indexed_url: str, new_copy: NewCopy) -> Iterator[Connection]:
    with open_database(DatabaseSettings(url=new_copy(indexed_url)), print) as connection:
        yield connection


def scans(connection: Connection, name: str = "function_embeddings_1_hnsw") -> int:
    """How often an index, or a table in whatever way, was read."""
    connection.execute("SELECT pg_stat_force_next_flush()")
    row = connection.execute(
        "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = %(name)s UNION ALL "
        "SELECT seq_scan + idx_scan FROM pg_stat_user_tables WHERE relname = %(name)s",
        {"name": name},
    ).fetchone()
    return int(row[0]) if row else -1


def limit_scans(connection: Connection, rows: int) -> None:
    """Let searches scan up to so many candidates."""
    connection.execute("RESET ROLE")
    connection.execute(
        f"CREATE OR REPLACE FUNCTION scan_limit(rows bigint) RETURNS bigint IMMUTABLE PARALLEL SAFE RETURN {rows}"
    )
    connection.execute("SET ROLE agentforge_app")


def test_a_search_reads_one_partition_and_no_approximate_index_unless_it_means_to(indexed: Connection) -> None:
    search, vector = Search(indexed), StoredVector(1, "m", "[0.6,0.8]")
    other, partition = scans(indexed, "function_embeddings_2"), "function_embeddings_1"
    scope = "function_embeddings_1_project_id_branch_file_type_model_id_idx"
    limit_scans(indexed, 10**9)
    for number in range(8):  # of which the last have a plan that serves all filters
        before = scans(indexed), scans(indexed, partition)
        for filters in FILTERS.values():
            assert search.nearest(vector, filters, None)
        assert scans(indexed) == before[0], number
        assert scans(indexed, partition) >= before[1] + len(FILTERS), number
        # PostgreSQL 17 reads the whole partition where all or half of it is wanted.
        before_few = scans(indexed, scope)
        assert search.nearest(vector, FILTERS["a few projects"], None)
        assert scans(indexed, scope) > before_few, number
    limit_scans(indexed, 2_000)
    before = scans(indexed), scans(indexed, scope)
    assert search.nearest(vector, FILTERS["all"], None)
    assert (scans(indexed), scans(indexed, scope)) == (before[0] + 1, before[1])
    assert scans(indexed, "function_embeddings_2") == other


def test_words_are_found_by_their_index(database: Connection) -> None:
    """Its plan lies inside a function, where EXPLAIN does not look: a policy in front would keep it from the index."""
    search = TextSearch(database, Search(database))
    wanted = Wanted(None, None, None, tests=True, limit=10)
    (name,) = database.execute("SELECT function_name FROM functions ORDER BY id DESC LIMIT 1").fetchone() or ("",)
    before = scans(database, "functions_words")
    assert len(search.by_words(f"{name} unheard", wanted)) == 3
    assert scans(database, "functions_words") == before + 2, "once for each word"


FILTERS = {
    "all": Filters(None, None, 10, -1.0),
    "half of the projects": Filters(tuple(range(1, 401, 2)), None, 10, -1.0),
    "a language": Filters(None, "go", 10, -1.0),
    "a few projects": Filters((3, 5, 7), None, 10, -1.0),
}


def test_what_the_index_finds_is_what_a_scan_finds(indexed: Connection) -> None:
    """Whatever the filter; a search in few candidates, or without a valid index, does not ask the index at all."""
    search, vector = Search(indexed), StoredVector(1, "m", "[0.6,0.8]")
    for name, filters in FILTERS.items():
        before = scans(indexed)
        limit_scans(indexed, 10**9)
        exact = [match.score for match in search.nearest(vector, filters, None)]
        assert scans(indexed) == before, name
        limit_scans(indexed, 2_000)
        found = [match.score for match in search.nearest(vector, filters, None)]
        assert found == pytest.approx(exact, abs=1e-3), name
        assert (scans(indexed) > before) == (name != "a few projects"), name
    before = scans(indexed)
    indexed.execute("RESET ROLE")
    indexed.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'function_embeddings_1_hnsw'::regclass")
    indexed.execute("SET ROLE agentforge_app")
    assert len(search.nearest(vector, FILTERS["all"], None)) == 10
    assert scans(indexed) == before


def value(connection: Connection, expression: str) -> Any:
    row = connection.execute(b"SELECT " + expression.encode()).fetchone()
    return row[0] if row else None


def test_more_candidates_are_scanned_where_more_rows_are_in_the_index(database: Connection) -> None:
    limits = [value(database, f"scan_limit({rows})") for rows in (0, 25_000, 100_000, 500_000)]
    assert limits == [10_000, 10_000, 21_706, 72_579]


def test_the_index_is_searched_more_widely_where_fewer_rows_are_candidates(database: Connection) -> None:
    for rows, candidates, width in (
        (100_000, 100_000, 70),
        (100_000, 50_000, 155),
        (500_000, 500_000, 199),
        (100_000, 1, 1000),
        (100_000, 0, 1000),
        (0, 30_000, 60),  # a table that was never analysed
    ):
        assert value(database, f"search_width({rows}, {candidates})") == width
    for rows, candidates, width in ((500_000, 150_000, 88), (500_000, 75_000, 444), (500_000, 50_000, 1000)):
        assert value(database, f"search_width({rows}, {candidates}, true)") == width, "after a list"


def test_functions_that_are_younger_than_the_index_are_found(indexed: Connection) -> None:
    """They are not in it, so whoever writes them does not pay for it; and they are among the nearest all the same."""
    indexed.execute("RESET ROLE")
    before = value(indexed, "pg_relation_size('function_embeddings_1_hnsw')")
    made = indexed.execute(
        "WITH made AS (INSERT INTO functions (project_id, file_analysis_id, function_name, qualified_name, "
        "function_signature, start_line, end_line, lines_of_code, parameters, cyclomatic, cognitive, nesting, "
        "distinct_operators, distinct_operands, operators, operands, halstead_volume, halstead_difficulty, "
        "halstead_effort, maintainability_index, code_hash, code) "
        "SELECT project_id, file_analysis_id, 'y', 'y', 's', start_line, end_line, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, "
        "100, code_hash, code FROM functions ORDER BY id LIMIT 2000 RETURNING id, project_id) "
        "INSERT INTO function_embeddings SELECT id, project_id, 1, '[0.6,0.8]', 'main', 'python' FROM made "
        "RETURNING function_id"
    ).fetchall()
    assert value(indexed, "pg_relation_size('function_embeddings_1_hnsw')") == before
    limit_scans(indexed, 2_000)
    used = scans(indexed)
    found = Search(indexed).nearest(StoredVector(1, "m", "[0.6,0.8]"), FILTERS["all"], None)
    assert scans(indexed) == used + 1
    assert {match.function.id for match in found} <= {function_id for (function_id,) in made}
