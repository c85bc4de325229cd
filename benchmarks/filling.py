"""A database for benchmarks: the functions of a corpus in 200 projects of skewed sizes, with people who may see some.

Languages and branches are labels: 1 % of the files are called `lua`, 10 % `go`, the rest `python`; every tenth project
has a branch `old` beside `main`, which holds a fifth of its files.
"""

from __future__ import annotations

import hashlib
import pickle
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psycopg
from corpus import Corpus, Database, User, build, kept
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg.conninfo import make_conninfo

from agentforge.cli.database import open_as_owner, open_database
from agentforge.embed import interface as embedder
from agentforge.store import neighbours, vector_indexes
from agentforge.store.connection import DatabaseSettings
from agentforge.store.embedded.server import Server
from agentforge.store.queries import load

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.store.connection import Connection

PROJECTS = 200
FUNCTIONS_A_FILE = 12
LINES_A_FUNCTION = 200
PLACES = """
    SELECT f.id, substring(a.file_path FROM 'module_([0-9]+)')::integer, f.start_line
    FROM functions AS f JOIN file_analyses AS a ON a.id = f.file_analysis_id
"""


def database(cache: Path, count: int, roots: Sequence[Path]) -> tuple[Database, Corpus]:
    """A database of `count` functions with its vector index, on the embedded server in a folder; made once.

    The server runs on: stop it by `agentforge db stop --data-dir CACHE/server`.
    """
    corpus = build(roots, count, cache)
    server = Server(str(cache / "server"))
    url = make_conninfo(server.start(), dbname=f"bench_{count}")
    with psycopg.connect(server.start(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET shared_buffers = '4GB'")  # as on a server of one's own
        small = connection.execute("SHOW shared_buffers").fetchone() != ("4GB",)
    if small:
        server.stop()
        server.start()
    stored = kept(cache, "database", count)
    if stored.exists():
        return pickle.loads(stored.read_bytes()), corpus
    with psycopg.connect(server.start(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS bench_{count}")
        connection.execute(f"CREATE DATABASE bench_{count}")
    with open_database(DatabaseSettings(url=url), print) as connection:
        connection.execute("RESET ROLE")
        started = time.perf_counter()
        filled = fill(connection, corpus, url)
        print(f"filled in {time.perf_counter() - started:.0f} s", file=sys.stderr)
        connection.execute("SET maintenance_work_mem = '2GB'")
        started = time.perf_counter()
        connection.execute("SELECT ensure_vector_index(%s)", (filled.model_id,))
        print(f"indexed in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    renew(filled)
    stored.write_bytes(pickle.dumps(filled, protocol=5))
    return filled, corpus


def renew(filled: Database) -> None:
    """Put ids right that an earlier benchmark has changed, and maintain the index and the lists of neighbours."""
    with open_as_owner(DatabaseSettings(url=filled.url), print) as connection:
        vector_indexes.spare(connection, [])
        for model in neighbours.due(connection):
            started, spent = time.perf_counter(), time.process_time()
            count = neighbours.update(connection, model)
            wall, cpu = time.perf_counter() - started, time.process_time() - spent
            print(f"{count:,} lists in {wall:.0f} s, {cpu:.0f} s of CPU", file=sys.stderr)
        for function_id, number, line in connection.execute(PLACES).fetchall():
            filled.function_ids[number * FUNCTIONS_A_FILE + (line - 1) // LINES_A_FUNCTION] = function_id


def project_sizes(count: int, projects: int) -> list[int]:
    """Sizes that add up to `count`, the largest some hundred times the smallest (Zipf with exponent 0.9)."""
    weights = 1 / np.arange(1, projects + 1) ** 0.9
    sizes = np.maximum(1, np.floor(count * weights / weights.sum())).astype(int)
    sizes[0] += count - sizes.sum()
    return sizes.tolist()


def fill(connection: Connection, corpus: Corpus, url: str) -> Database:
    """Load a corpus into an empty, migrated database, as a superuser; no vector index is made."""
    register_vector(connection)
    model = embedder.load()
    model_id = connection.execute(
        "SELECT agentforge.ensure_embedding_model(%s, %s, %s, %s)",
        (model.name, model.version, model.dimension, list(model.layout)),
    ).fetchone()[0]
    sizes = project_sizes(len(corpus.vectors), PROJECTS)
    connection.execute(
        "INSERT INTO projects (key, name) SELECT '/srv/p' || n, 'project ' || n FROM generate_series(1, %s) AS n",
        (PROJECTS,),
    )
    project_ids = [row[0] for row in connection.execute("SELECT id FROM projects ORDER BY id")]
    connection.execute(
        "INSERT INTO project_analyses (project_id, branch, engine_version, model_id)"
        " SELECT p.id, b.branch, '1', %s FROM projects AS p,"
        " (VALUES (1, 'old'), (2, 'main')) AS b (turn, branch) WHERE b.branch = 'main' OR p.id %% 10 = 0"
        " ORDER BY b.turn, p.id",
        (model_id,),
    )
    of_function = np.repeat(np.array(project_ids), sizes)
    _files(connection, of_function, model_id)
    _functions(connection, corpus, of_function, model_id)
    for (analysis_id,) in connection.execute("SELECT id FROM project_analyses").fetchall():
        parameters = {"analysis_id": analysis_id, "status": "completed", "error_message": None, "results": "{}"}
        connection.execute(load("analyses")["finish"], parameters)
    connection.execute(
        "INSERT INTO function_duplicates SELECT project_id, id, id + 1, 0.9 FROM functions AS f"
        " WHERE id % 40 = 0"
        " AND EXISTS (SELECT FROM functions AS g WHERE g.id = f.id + 1 AND g.project_id = f.project_id)"
    )
    _violations(connection)
    users = add_users(connection, 100, 0.5)
    connection.execute("VACUUM (ANALYZE)")
    rows = connection.execute(
        "SELECT function_id, branch, file_type FROM function_embeddings ORDER BY function_id"
    ).fetchall()
    return Database(
        url,
        model_id,
        np.array([row[0] for row in rows]),
        of_function,
        np.array([row[1] == "main" for row in rows]),
        np.array([row[2] for row in rows]),
        dict(zip(project_ids, sizes, strict=True)),
        users,
    )


def _files(connection: Connection, of_function: NDArray[np.int64], model_id: int) -> None:
    connection.execute(
        "CREATE TEMPORARY TABLE new_files (project_id bigint, number integer, branch text, file_type text)"
    )
    with connection.cursor() as cursor, cursor.copy("COPY new_files FROM STDIN") as copy:
        for number in range(0, len(of_function), FUNCTIONS_A_FILE):
            file = number // FUNCTIONS_A_FILE
            file_type = "lua" if file % 100 == 0 else "go" if file % 10 == 1 else "python"
            for project in sorted(set(of_function[number : number + FUNCTIONS_A_FILE].tolist())):
                old = project % 10 == 0 and file % 5 == 0
                copy.write_row((project, file, "old" if old else "main", file_type))
    connection.execute(
        "INSERT INTO file_analyses (project_id, project_analysis_id, branch, file_path, file_type, content_hash,"
        " engine_version, file_size, physical_lines, lines_of_code, comment_lines, blank_lines, function_count,"
        " class_count, complexity_score, quality_score, security_score, model_id)"
        " SELECT n.project_id, a.id, n.branch, 'src/package_' || n.number %% 40 || '/module_' || n.number || '.py',"
        " n.file_type, encode(sha256(n.number::text::bytea), 'hex'), '1', 9000, 300, 200, 50, 50, 12, 2, 90, 80, 95, %s"
        " FROM new_files AS n JOIN project_analyses AS a USING (project_id, branch) ORDER BY n.number",
        (model_id,),
    )


def _functions(connection: Connection, corpus: Corpus, of_function: NDArray[np.int64], model_id: int) -> None:
    connection.execute(
        "CREATE TEMPORARY TABLE new_functions (number bigint, project_id bigint, path text, name text, qualified text,"
        " signature text, start_line integer, lines integer, cyclomatic integer, code text, embedding halfvec)"
    )
    with connection.cursor() as cursor, cursor.copy("COPY new_functions FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["int8", "int8", "text", "text", "text", "text", "int4", "int4", "int4", "text", "halfvec"])
        for row, (project, origin) in enumerate(zip(of_function.tolist(), corpus.origin.tolist(), strict=True)):
            piece, number = corpus.pieces[origin], row // FUNCTIONS_A_FILE
            path = f"src/package_{number % 40}/module_{number}.py"
            line = 1 + LINES_A_FUNCTION * (row % FUNCTIONS_A_FILE)
            copy.write_row(
                (
                    *(row, project, path, piece.name, piece.qualified_name, piece.signature, line, piece.lines),
                    *(piece.cyclomatic, piece.code, HalfVector(corpus.vectors[row])),
                )
            )
    connection.execute("ANALYZE new_functions, file_analyses")
    connection.execute(
        "INSERT INTO functions (project_id, file_analysis_id, function_name, qualified_name, function_signature,"
        " start_line, end_line, lines_of_code, parameters, cyclomatic, cognitive, nesting, distinct_operators,"
        " distinct_operands, operators, operands, halstead_volume, halstead_difficulty, halstead_effort,"
        " maintainability_index, code_hash, code)"
        " SELECT n.project_id, a.id, n.name, n.qualified, n.signature, n.start_line, n.start_line + n.lines, n.lines,"
        " 2, n.cyclomatic, n.cyclomatic, 1, 5, 9, 12, 20, 120.5, 4.5, 540.25, 62.5,"
        " sha256(convert_to(n.code || CASE WHEN n.number < %s THEN '' ELSE n.number::text END, 'UTF8')),"
        " n.code FROM new_functions AS n"
        " JOIN file_analyses AS a ON a.project_id = n.project_id AND a.file_path = n.path"
        " ORDER BY n.number",
        (len(corpus.pieces),),
    )
    connection.execute("ANALYZE functions")
    connection.execute(
        "INSERT INTO function_embeddings (function_id, project_id, model_id, branch, file_type, embedding)"
        " SELECT f.id, f.project_id, %s, a.branch, a.file_type, n.embedding"
        " FROM (SELECT id, project_id, file_analysis_id, row_number() OVER (ORDER BY id) - 1 AS number"
        " FROM functions) AS f"
        " JOIN new_functions AS n USING (number) JOIN file_analyses AS a ON a.id = f.file_analysis_id ORDER BY f.id",
        (model_id,),
    )
    connection.execute("DROP TABLE new_functions, new_files")


def _violations(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO code_violations (project_id, file_analysis_id, branch, file_path, rule_id, rule_name, category,"
        " severity, confidence, line_number, column_number, end_line, end_column, message, suggestion, function_name,"
        " line_hash, fingerprint, introduced_by)"
        " SELECT a.project_id, a.id, a.branch, a.file_path, 'AF' || n, 'a rule', 'quality',"
        " (ARRAY['high', 'medium', 'low', 'info'])[1 + (a.id + n) % 4], 'high', n, 1, n, 9, 'What is wrong here.',"
        " 'What to do about it.', '', 'h', encode(sha256((a.id || ' ' || n)::text::bytea), 'hex'),"
        " a.project_analysis_id"
        " FROM file_analyses AS a, generate_series(1, 5) AS n"
    )


def add_users(connection: Connection, count: int, share: float) -> list[User]:
    """Developers with a session each, who may write a random share of the projects; as a superuser."""
    random = np.random.default_rng(1)
    projects = np.array([row[0] for row in connection.execute("SELECT id FROM projects ORDER BY id")])
    users = []
    for number in range(count):
        token = secrets.token_urlsafe(32)
        granted = random.choice(projects, max(1, round(share * len(projects))), replace=False)
        connection.execute(
            "WITH u AS (INSERT INTO users (username, password_digest) VALUES (%s, '$argon2id$none') RETURNING id),"
            " s AS (INSERT INTO user_sessions (user_id, token_digest, expires_at)"
            " SELECT id, %s, now() + interval '1 day' FROM u)"
            " INSERT INTO user_permissions (user_id, project_id, permission)"
            " SELECT u.id, p, 'write' FROM u, unnest(%s) AS p",
            (f"user{number}", hashlib.sha256(token.encode()).digest(), granted.tolist()),
        )
        users.append(User(token, tuple(sorted(granted.tolist()))))
    return users
