"""How good a graph of vectors is by how it was built: recall and milliseconds by hnsw.ef_search.

    python benchmarks/graph.py --cache DIR --sources DIR... [--rows 100000] [--m 16] [--ef-construction 400]
        [--widths 40 60 100]

Copies the vectors of benchmarks/search.py's database into a table of its own, builds the index there (two workers
beside the leader), and asks for the ten nearest of 200 functions, the function itself not counted.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import psycopg
from filling import database
from psycopg import sql

NEAREST = 10
QUERIES = 200
TOLERANCE = 1e-4
TABLE = "CREATE UNLOGGED TABLE graph (function_id bigint, embedding halfvec({}))"
COPY = "INSERT INTO graph SELECT function_id, embedding FROM function_embeddings_1 ORDER BY function_id"
INDEX = "CREATE INDEX graph_hnsw ON graph USING hnsw (embedding halfvec_cosine_ops) WITH (m = {}, ef_construction = {})"
FIND = """
    SELECT function_id FROM graph ORDER BY embedding <=> %s::halfvec({dimension}) LIMIT {limit}
"""


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--sources", type=Path, nargs="*", default=[])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--m", type=int, default=16)
    parser.add_argument("--ef-construction", type=int, default=400)
    parser.add_argument("--widths", type=int, nargs="+", default=[40, 60, 100])
    arguments = parser.parse_args()
    filled, corpus = database(arguments.cache, arguments.rows, arguments.sources)
    vectors = corpus.vectors.astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = {int(function_id): row for row, function_id in enumerate(filled.function_ids)}
    chosen = np.random.default_rng(5).choice(len(vectors), QUERIES, replace=False)
    with psycopg.connect(filled.url, autocommit=True, options="-c search_path=agentforge") as connection:
        seconds, size = build(connection, vectors.shape[1], arguments.m, arguments.ef_construction)
        print(f"built in {seconds:.0f} s, {size / len(vectors):.0f} bytes a row")
        query = sql.SQL(FIND).format(dimension=sql.Literal(vectors.shape[1]), limit=sql.Literal(NEAREST + 1))
        for width in arguments.widths:
            connection.execute("SELECT set_config('hnsw.ef_search', %s, false)", (str(width),))
            recalls, times = [], []
            for row in chosen:
                text = f"[{','.join(map(str, corpus.vectors[row].tolist()))}]"
                started = time.perf_counter()
                found = [rows[function_id] for (function_id,) in connection.execute(query, (text,)).fetchall()]
                times.append((time.perf_counter() - started) * 1e3)
                recalls.append(recall(vectors, int(row), found))
            p50, p95 = np.percentile(times, [50, 95])
            print(f"ef_search {width:4}: recall {np.mean(recalls):.4f}, p50 {p50:.1f} ms, p95 {p95:.1f} ms")
        connection.execute("DROP TABLE graph")


def build(connection: psycopg.Connection, dimension: int, m: int, ef_construction: int) -> tuple[float, int]:
    """The table with its index; seconds and bytes of the index."""
    connection.execute("DROP TABLE IF EXISTS graph")
    connection.execute(sql.SQL(TABLE).format(sql.Literal(dimension)))
    connection.execute(COPY)
    connection.execute("SET maintenance_work_mem = '2GB'")
    started = time.perf_counter()
    connection.execute(sql.SQL(INDEX).format(sql.Literal(m), sql.Literal(ef_construction)))
    seconds = time.perf_counter() - started
    size = connection.execute("SELECT pg_relation_size('graph_hnsw')").fetchone()
    connection.execute("SET hnsw.iterative_scan = relaxed_order")
    return seconds, size[0]


def recall(vectors: np.ndarray, row: int, found: list[int]) -> float:
    """The share of the ten nearest that were found, equal ones counted alike."""
    similar = vectors @ vectors[row]
    similar[row] = -np.inf
    worst = np.partition(similar, -NEAREST)[-NEAREST]
    return min(NEAREST, sum(bool(similar[other] >= worst - TOLERANCE) for other in found)) / NEAREST


if __name__ == "__main__":
    main()
