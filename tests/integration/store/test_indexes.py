"""Each hot query can use the index that was made for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from agentforge.cli.database import open_database
from agentforge.store.connection import DatabaseSettings
from agentforge.store.lifecycle import ensure_model
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

PROJECT = {"project_id": 1, "branch": "main"}
SCOPE = {"project_ids": [1], "branches": ["main"]}


FILL = """
    INSERT INTO projects (key, name) SELECT 'p' || n, 'p' FROM generate_series(1, 400) AS n;
    INSERT INTO project_analyses (project_id, branch, engine_version, status, completed_at)
    SELECT id, 'main', '0', 'completed', now() FROM projects, generate_series(1, 5);
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
        'h' || f.id, 'c' FROM file_analyses AS f, generate_series(1, 3) AS n
    WHERE f.superseded_by IS NULL;
    INSERT INTO function_embeddings SELECT id, project_id, 1, '[1,2]' FROM functions;
    INSERT INTO function_duplicates
    SELECT project_id, min(id), max(id), 1 FROM functions GROUP BY project_id, file_analysis_id;
    INSERT INTO code_violations (project_id, branch, file_path, rule_id, rule_name, category, severity, confidence,
        line_number, column_number, end_line, end_column, message, suggestion, function_name, line_hash, fingerprint,
        introduced_by)
    SELECT project_id, branch, file_path, 'r', 'r', 'quality', 'low', 'high', n, 1, n, 1, 'm', '', '', 'h',
        encode(sha256((id || ' ' || n)::text::bytea), 'hex'), project_analysis_id
    FROM file_analyses, generate_series(1, 3) AS n
    WHERE superseded_by IS NULL;
    ANALYZE;
"""
HOT = [
    ("analyses", "previous", PROJECT, "project_analyses_(project|latest)"),
    ("analyses", "current_files", PROJECT, "file_analyses_current"),
    ("analyses", "fail_stale", PROJECT, "project_analyses_(project|latest|key|status)"),
    ("load", "unresolved_violations", {**PROJECT, "paths": ["f1"]}, "code_violations_path"),
    (
        "report",
        "severities",
        {**PROJECT, "analysis_id": 1},
        "code_violations_(open|path|unresolved_fingerprint|severity)",
    ),
    ("report", "duplicates", {**PROJECT, "limit": 10}, "function_duplicates_(project|pkey)"),
    ("similar", "searched_projects", {}, "project_analyses_latest"),
    ("similar", "functions_named", {**SCOPE, "name": "save"}, "functions_name"),
    ("similar", "vector_by_hash", {"code_hash": "h1", "model_id": 1}, "functions_code_hash"),
    (
        "similar",
        "vector_of",
        {"function_id": 1, "model": None},
        "function_embeddings_1_(function_id|pkey)",
    ),
]


@pytest.fixture
def database(migrated_url: str) -> Iterator[Connection]:
    """Four hundred projects of twenty files."""
    with open_database(DatabaseSettings(url=migrated_url), print) as connection:
        ensure_model(connection, "m", "1", 2)
        connection.execute("RESET ROLE")
        connection.execute(FILL.encode())
        connection.execute("SET ROLE agentforge_app")
        yield connection


def plan(connection: Connection, file: str, query: str, parameters: dict[str, Any]) -> str:
    rows = connection.execute(b"EXPLAIN " + load(file)[query], parameters).fetchall()
    return "\n".join(line for (line,) in rows)


def test_hot_queries_use_their_index(database: Connection) -> None:
    plans = {query: (plan(database, file, query, parameters), index) for file, query, parameters, index in HOT}
    wrong = [
        f"{query}:\n{found}" for query, (found, index) in plans.items() if not re.search(f"(using|on) {index}", found)
    ]
    assert not wrong, "\n\n".join(wrong)


def test_a_search_reads_one_partition_and_no_approximate_index(database: Connection) -> None:
    ensure_model(database, "other", "1", 3)
    database.execute("RESET ROLE")
    database.execute("SELECT ensure_vector_index(id) FROM embedding_models")
    database.execute("SET ROLE agentforge_app")
    parameters = {**SCOPE, "vector": "[1,2]", "model_id": 1, "only": None, "fetch": 10, "language": None}
    found = plan(database, "similar", "nearest", parameters)
    assert "function_embeddings_1" in found
    assert "function_embeddings_2" not in found
    assert "hnsw" not in found
