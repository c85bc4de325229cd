"""A month of commits to a database of benchmarks/filling.py: functions change, go and come, meaning is filled in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
from corpus import Corpus, Database, changed_vectors
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from agentforge.cli.database import open_as_owner
from agentforge.store.connection import DatabaseSettings
from agentforge.store.maintenance import Options, maintain

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAYS, COMMITS, MOST = 22, 25, 14
KINDS, SHARES = ("changed", "filled", "added", "removed"), (0.6, 0.15, 0.15, 0.1)
COLUMNS = """
    project_id, file_analysis_id, function_name, qualified_name, function_signature, lines_of_code, parameters,
    cyclomatic, cognitive, nesting, distinct_operators, distinct_operands, operators, operands, halstead_volume,
    halstead_difficulty, halstead_effort, maintainability_index, code_hash, code
"""
MADE = f"""
    WITH made AS (
        INSERT INTO functions (start_line, end_line, {COLUMNS})
        SELECT start_line + shift, end_line + shift, {COLUMNS}
        FROM functions JOIN change USING (id), LATERAL (SELECT CASE kind WHEN 'added' THEN 100 ELSE 0 END) AS s (shift)
        WHERE kind IN ('changed', 'added') ORDER BY row
        RETURNING id, project_id, file_analysis_id
    ), numbered AS (
        SELECT m.*, c.vector FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM made) AS m
        JOIN (SELECT vector, row_number() OVER (ORDER BY row) AS n FROM change WHERE kind IN ('changed', 'added')) AS c
        USING (n)
    )
    INSERT INTO function_embeddings (function_id, project_id, model_id, branch, file_type, embedding)
    SELECT n.id, n.project_id, %(model)s, a.branch, a.file_type, n.vector
    FROM numbered AS n JOIN file_analyses AS a ON a.id = n.file_analysis_id ORDER BY n.id
    RETURNING function_id
"""
GONE = "DELETE FROM functions USING change WHERE functions.id = change.id AND kind IN ('changed', 'removed')"
FILLED = """
    UPDATE function_embeddings AS e SET embedding = c.vector FROM change AS c
    WHERE e.function_id = c.id AND e.model_id = %(model)s AND c.kind = 'filled'
"""
SIZES = """
    SELECT 'index of vectors ' || c.relname, pg_relation_size(c.oid) FROM pg_class AS c
    WHERE c.relkind = 'i' AND c.relname ~ '^function_embeddings_[0-9]+_hnsw'
    UNION ALL SELECT 'lists of neighbours', pg_total_relation_size('agentforge.function_neighbours')
"""


@dataclass(slots=True)
class State:
    """The database as it is now: what `search.measure` needs."""

    filled: Database
    corpus: Corpus
    random: np.random.Generator

    def day(self, connection: psycopg.Connection[Any]) -> int:
        """The commits of a day; returns how many functions they touched."""
        filled, random = self.filled, self.random
        alive = np.flatnonzero(filled.wanted)
        rows: set[int] = set()
        for _ in range(COMMITS):
            project = filled.projects[random.choice(alive)]
            own = alive[filled.projects[alive] == project]
            first = int(random.integers(len(own)))
            rows.update(own[first : first + int(random.integers(1, MOST))].tolist())
        touched = np.array(sorted(rows))
        kinds = random.choice(KINDS, len(touched), p=SHARES)
        vectors = changed_vectors(self.corpus, touched, random)
        with connection.transaction():
            connection.execute(
                "CREATE TEMPORARY TABLE change (row integer, id bigint, kind text, vector halfvec) ON COMMIT DROP"
            )
            with connection.cursor() as cursor, cursor.copy("COPY change FROM STDIN (FORMAT binary)") as copy:
                copy.set_types(["int4", "int8", "text", "halfvec"])
                for row, kind, vector in zip(touched.tolist(), kinds.tolist(), vectors, strict=True):
                    copy.write_row((row, int(filled.function_ids[row]), kind, HalfVector(vector)))
            parameters = {"model": filled.model_id}
            made = np.array([row[0] for row in connection.execute(MADE, parameters).fetchall()], np.int64)
            connection.execute(FILLED, parameters)
            connection.execute(GONE)
        self._follow(touched, kinds, vectors, np.sort(made))
        return len(touched)

    def _follow(
        self, touched: NDArray[np.int64], kinds: NDArray[np.str_], vectors: NDArray[Any], made: NDArray[np.int64]
    ) -> None:
        """Do the same to the arrays."""
        filled, corpus = self.filled, self.corpus
        new = touched[np.isin(kinds, ("changed", "added"))]
        is_added = kinds[np.isin(kinds, ("changed", "added"))] == "added"
        replaced = np.isin(kinds, ("changed", "filled"))
        corpus.vectors[touched[replaced]] = vectors[replaced]
        filled.function_ids[new[~is_added]] = made[~is_added]
        filled.wanted[touched[kinds == "removed"]] = False
        copied = new[is_added]
        self.corpus = replace(
            corpus,
            vectors=np.concatenate([corpus.vectors, vectors[kinds == "added"]]),
            origin=np.concatenate([corpus.origin, corpus.origin[copied]]),
        )
        self.filled = replace(
            filled,
            function_ids=np.concatenate([filled.function_ids, made[is_added]]),
            projects=np.concatenate([filled.projects, filled.projects[copied]]),
            wanted=np.concatenate([filled.wanted, filled.wanted[copied]]),
            languages=np.concatenate([filled.languages, filled.languages[copied]]),
        )


@contextmanager
def copied(filled: Database) -> Iterator[Database]:
    """The same database under another name, for as long as it takes."""
    parts = conninfo_to_dict(filled.url)
    name = f"{parts['dbname']}_month"
    administer = make_conninfo("", **{**parts, "dbname": "postgres"})
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(administer, autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(str(parts["dbname"])))
        )
        try:
            yield replace(filled, url=make_conninfo("", **{**parts, "dbname": name}))
        finally:
            connection.execute(drop)


def night(filled: Database) -> tuple[float, str]:
    """`db maintain`, as far as vectors go: CPU seconds here and what was done."""
    with open_as_owner(DatabaseSettings(url=filled.url), print) as connection:
        connection.execute("ANALYZE function_embeddings")
        spent = time.process_time()
        steps = maintain(connection, Options(), {"indexes", "neighbours"}) or ()
        return time.process_time() - spent, "; ".join(step.error or step.done for step in steps if step.done)


def sizes(filled: Database) -> list[tuple[str, int]]:
    """Bytes of each index of vectors, and of the lists."""
    with psycopg.connect(filled.url) as connection:
        return [(str(name), int(size)) for name, size in connection.execute(SIZES).fetchall()]


def connected(filled: Database) -> psycopg.Connection[Any]:
    """A superuser's connection, which commits each statement."""
    connection = psycopg.connect(filled.url, autocommit=True, options="-c search_path=agentforge,public")
    register_vector(connection)
    return connection
