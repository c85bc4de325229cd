"""What a test of faults needs: the stored state as plain values, what must always hold of it, and gates in the way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from fix_embedded import wait_until
from psycopg import sql

from agentforge.cli import run

COMMAND = str(Path(sys.executable).parent / "agentforge")

COPIED = "def total(items):\n    result = 0\n    for item in items:\n        if item > 3:\n            result += item\n\
        else:\n            result -= item\n    print(result)\n    return result\n"
BEFORE = {"a.py": COPIED, "run.py": "import subprocess\n\nsubprocess.call(input(), shell=True)\n", "old.py": "x = 1\n"}
# Adds a copy of a function, brings a violation, mends another and takes a file away.
AFTER = {"b.py": COPIED, "run.py": "import hashlib\n\nprint(eval(input()), hashlib.md5(b''))\n", "old.py": None}

# Everything of the analyses, without ids and times.
STATE = """
    SELECT 'file', f.file_path, f.content_hash, (f.superseded_by IS NULL)::text, f.function_count::text
    FROM agentforge.file_analyses AS f
    UNION ALL
    SELECT 'function', a.file_path, f.qualified_name, encode(f.code_hash, 'hex'), md5(e.embedding::text)
    FROM agentforge.functions AS f JOIN agentforge.file_analyses AS a ON a.id = f.file_analysis_id
    LEFT JOIN agentforge.function_embeddings AS e ON e.function_id = f.id
    UNION ALL
    SELECT 'chunk', a.file_path, c.name, encode(c.code_hash, 'hex'), md5(e.embedding::text)
    FROM agentforge.code_chunks AS c JOIN agentforge.file_analyses AS a ON a.id = c.file_analysis_id
    LEFT JOIN agentforge.code_embeddings AS e ON e.chunk_id = c.id
    UNION ALL
    SELECT 'violation', file_path, rule_id, fingerprint, status FROM agentforge.code_violations
    UNION ALL
    SELECT 'duplicate', encode(f.code_hash, 'hex'), encode(g.code_hash, 'hex'), '', ''
    FROM agentforge.function_duplicates AS d
    JOIN agentforge.functions AS f ON f.id = d.function_id
    JOIN agentforge.functions AS g ON g.id = d.other_function_id
    ORDER BY 1, 2, 3, 4, 5
"""

# Each finds rows only where something is half-written.
HALF_WRITTEN = {
    "a file of a run that did not end well": """
        SELECT f.file_path FROM agentforge.file_analyses AS f
        JOIN agentforge.project_analyses AS a ON a.id IN (f.project_analysis_id, f.superseded_by)
        WHERE a.status <> 'completed'
    """,
    "a violation of a run that did not end well": """
        SELECT v.rule_id FROM agentforge.code_violations AS v
        JOIN agentforge.project_analyses AS a ON a.id IN (v.introduced_by, v.reopened_by, v.resolved_by)
        WHERE a.status <> 'completed'
    """,
    "a file without its functions": """
        SELECT f.file_path FROM agentforge.file_analyses AS f WHERE f.superseded_by IS NULL AND f.function_count
            <> (SELECT count(*) FROM agentforge.functions AS g WHERE g.file_analysis_id = f.id)
    """,
    "a function without its vector": """
        SELECT f.qualified_name FROM agentforge.functions AS f
        WHERE NOT EXISTS (SELECT FROM agentforge.function_embeddings AS e WHERE e.function_id = f.id)
    """,
    "code outside functions without its vector": """
        SELECT c.name FROM agentforge.code_chunks AS c
        WHERE NOT EXISTS (SELECT FROM agentforge.code_embeddings AS e WHERE e.chunk_id = c.id)
    """,
    "an open violation in a file that is gone": """
        SELECT v.file_path FROM agentforge.code_violations AS v
        WHERE v.resolved_at IS NULL AND NOT EXISTS (
            SELECT FROM agentforge.file_analyses AS f WHERE f.project_id = v.project_id AND f.branch = v.branch
            AND f.file_path = v.file_path AND f.superseded_by IS NULL)
    """,
    "two current versions of a file": """
        SELECT file_path FROM agentforge.file_analyses WHERE superseded_by IS NULL
        GROUP BY project_id, branch, file_path HAVING count(*) > 1
    """,
    "measurements of other runs than those that ended well": """
        SELECT id FROM agentforge.project_analyses AS a WHERE (status = 'completed') <> EXISTS (
            SELECT FROM agentforge.performance_metrics AS m
            WHERE m.metric_name = 'analysis.phase.seconds' AND (m.tags ->> 'analysis_id')::bigint = a.id)
    """,
}


def write_tree(root: Path, files: dict[str, Any]) -> None:
    """Write files, and remove those without text."""
    root.mkdir(exist_ok=True)
    for name, text in files.items():
        if text is None:
            (root / name).unlink()
        else:
            (root / name).write_text(text)


def analyze(root: Path, url: str) -> int:
    """The exit code of `agentforge analyze` on a tree, in this process."""
    return run(["analyze", str(root), "--quiet", "--database-url", url])


def stored(url: str) -> list[tuple[Any, ...]]:
    """What is stored; fails where a part of it is half-written."""
    with psycopg.connect(url, autocommit=True) as connection:
        for what, query in HALF_WRITTEN.items():
            assert connection.execute(query.encode()).fetchall() == [], what
        return connection.execute(STATE.encode()).fetchall()


def ends(url: str) -> list[str]:
    """How the runs ended, in their order."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute("SELECT status FROM agentforge.project_analyses ORDER BY id").fetchall()
    return [status for (status,) in rows]


def wait_until_alone(url: str) -> None:
    """Wait until no other session is in the database: a server needs a moment to notice that a client is gone."""
    query = (
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND backend_type = 'client backend'"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        assert wait_until(lambda: connection.execute(query).fetchone() is None), "a session stays"


def environment(**variables: str) -> dict[str, str]:
    """That of a command which is to use a database of the test's, and no other."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "AGENTFORGE_"))}
    return {**kept, "NO_COLOR": "1", **variables}


def start_command(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    """The installed command, in a process of its own."""
    return subprocess.Popen(
        [COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**variables),
    )


@contextmanager
def gate(url: str, table: str, mode: str) -> Iterator[psycopg.Connection[Any]]:
    """Hold a lock on a table of the schema, so that whoever wants a stronger one waits, until the block ends."""
    with psycopg.connect(url) as connection:
        statement = sql.SQL("LOCK TABLE agentforge.{} IN {} MODE")
        connection.execute(statement.format(sql.Identifier(table), sql.SQL(mode)))
        yield connection
        connection.rollback()


def wait_at(url: str, table: str, mode: str = "") -> None:
    """Wait until a session waits for a lock on a table, in a certain mode where one is given."""
    query = (
        "SELECT FROM pg_locks WHERE NOT granted AND relation = %s::regclass AND mode LIKE %s AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        parameters = (f"agentforge.{table}", f"{mode}%")
        assert wait_until(lambda: connection.execute(query, parameters).fetchone() is not None), f"nobody at {table}"
