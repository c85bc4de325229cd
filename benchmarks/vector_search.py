"""An exact scan over vectors against an HNSW index, on the embedded server.

    python benchmarks/vector_search.py 30000 100000

prints, for each number of rows of 256 dimensions: the best of five searches for 50 neighbours by either way, the
seconds that the index takes to build, and what it adds to each row inserted later. The vectors are random ones around
a tenth as many centres.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from pgvector import HalfVector
from pgvector.psycopg import register_vector

from agentforge.cli.database import open_database
from agentforge.store.connection import DatabaseSettings

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

DIMENSION = 256
EXACT = "SELECT id FROM vectors ORDER BY (embedding <=> %s) + 0 LIMIT 50"
APPROXIMATE = "SELECT id FROM vectors ORDER BY embedding::halfvec(256) <=> %s::halfvec(256) LIMIT 50"
BUILD = "CREATE INDEX ON vectors USING hnsw ((embedding::halfvec(256)) halfvec_cosine_ops)"
INSERT = "INSERT INTO vectors SELECT -id, embedding FROM vectors WHERE id < 1000"


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(connection: Connection, rows: int) -> None:
    """Fill a table and print one line."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((rows // 10, DIMENSION), dtype=np.float32)
    vectors = centres[random.integers(0, len(centres), rows)]
    vectors += 0.5 * random.standard_normal((rows, DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    connection.execute("DROP TABLE IF EXISTS vectors")
    connection.execute("CREATE TABLE vectors (id integer, embedding halfvec)")
    with connection.cursor() as cursor, cursor.copy("COPY vectors FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["int4", "halfvec"])
        for index, vector in enumerate(vectors.astype(np.float16)):
            copy.write_row((index, HalfVector(vector)))
    wanted = (HalfVector(vectors[5].astype(np.float16)),)
    exact = min(seconds(lambda: connection.execute(EXACT, wanted).fetchall()) for _ in range(5))
    build = seconds(lambda: connection.execute(BUILD))
    connection.execute("SET hnsw.ef_search = 100")
    connection.execute("SET hnsw.iterative_scan = relaxed_order")
    search = min(seconds(lambda: connection.execute(APPROXIMATE, wanted).fetchall()) for _ in range(5))
    insert = seconds(lambda: connection.execute(INSERT))
    print(
        f"{rows:>9,} rows  exact {exact * 1e3:6.1f} ms  hnsw {search * 1e3:6.1f} ms  "
        f"build {build:6.1f} s  insert {insert:5.2f} ms a row"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        settings = DatabaseSettings(data_dir=f"{folder}/data", linger_seconds=0)
        with open_database(settings, print) as connection:
            register_vector(connection)
            for argument in sys.argv[1:] or ["30000"]:
                measure(connection, int(argument))
