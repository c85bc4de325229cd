"""What meaning costs, and when: CPU seconds of an analysis without it, of filling it in, and of searches meanwhile.

    python benchmarks/meaning.py SOURCE [--data-dir DIR] [--jobs 2] [--queries 30]

SOURCE is analysed into a database of its own with words and structure only; then meaning is filled in. The client is
this process with its workers, the server is the process of PostgreSQL that serves it. CPU seconds, because wall time
says little on a machine that others use.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import agentforge
from agentforge.cli.database import open_database
from agentforge.embed.interface import load
from agentforge.pipeline.analyze import Request, analyze
from agentforge.pipeline.events import ignore
from agentforge.pipeline.fill import Task, fill
from agentforge.pipeline.stored_models import registered
from agentforge.store import lifecycle
from agentforge.store.connection import DatabaseSettings
from agentforge.store.similar import Filters, Search, StoredVector
from agentforge.walk import WalkOptions, discover

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

BYTES = "SELECT pg_total_relation_size(%s::regclass)"
COPY = """
    INSERT INTO agentforge.function_embeddings (function_id, project_id, model_id, branch, file_type, embedding)
    SELECT function_id, project_id, %s, branch, file_type, embedding FROM agentforge.function_embeddings
    WHERE model_id = %s
"""


def value(connection: Connection, query: str, *parameters: Any) -> Any:
    """The one value of a query."""
    row = connection.execute(query.encode(), parameters).fetchone()
    return row[0] if row else None


def client_seconds() -> float:
    """CPU of this process and of its workers that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(item.ru_utime + item.ru_stime for item in used)


class Server:
    """CPU of the process that serves a connection."""

    def __init__(self, connection: Connection) -> None:
        self._file = Path(f"/proc/{value(connection, 'SELECT pg_backend_pid()')}/schedstat")

    def seconds(self) -> float:
        """Up to now."""
        return int(self._file.read_text().split()[0]) / 1e9


@contextmanager
def measured(name: str, rows: Callable[[], int], server: Server) -> Iterator[None]:
    """Print what the block costs."""
    client, served, wall = client_seconds(), server.seconds(), time.perf_counter()
    yield
    client, served, wall = client_seconds() - client, server.seconds() - served, time.perf_counter() - wall
    each = 1e6 * served / max(1, rows())
    print(
        f"{name:34}{client:8.1f} CPU s client{served:8.1f} server, {each:6.0f} us a function{wall:8.1f} s", flush=True
    )


def searches(connection: Connection, server: Server, model_id: int, queries: int, *, by_features: bool) -> str:
    """Milliseconds of the server for the functions nearest to one: the middle and the 95th percentile."""
    search = Search(connection)
    row = connection.execute(
        b"SELECT array_agg(function_id) FROM (SELECT function_id FROM agentforge.function_embeddings "
        b"WHERE model_id = %s ORDER BY function_id * 7919 %% 100003 LIMIT %s) AS f",
        (model_id, queries),
    ).fetchone()
    taken = []
    for function_id in row[0] if row else []:
        before = server.seconds()
        vector = StoredVector(model_id, "", None, function_id)
        search.nearest(vector, Filters(None, None, 10, -1.0), None, by_features=by_features)
        taken.append(1000 * (server.seconds() - before))
    return f"{np.median(taken):.1f} ms, 95th percentile {np.percentile(taken, 95):.1f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--queries", type=int, default=30)
    arguments = parser.parse_args()
    embedder = load()
    with (
        tempfile.TemporaryDirectory() as folder,
        open_database(DatabaseSettings(data_dir=str(arguments.data_dir or folder)), print) as connection,
    ):
        server = Server(connection)
        tree = discover([str(arguments.source)])

        def stored() -> int:
            return int(value(connection, "SELECT count(*) FROM agentforge.function_embeddings"))

        print(f"load average {os.getloadavg()[0]:.1f}")
        request = Request(tree, WalkOptions(), embedder, arguments.jobs, agentforge.__version__, effort="fast")
        with measured("analysis, words and structure", stored, server):
            report = analyze(connection, request, ignore)
        model_id = registered(connection, embedder)
        project_id, partition = report.project.id or 0, f"agentforge.function_embeddings_{model_id}"
        print(f"{stored():,} functions, {value(connection, BYTES, partition) / stored():.0f} bytes each")
        connection.execute(b"ANALYZE agentforge.function_embeddings")
        print("search meanwhile: server", searches(connection, server, model_id, arguments.queries, by_features=True))
        with measured("filling in", stored, server):
            fill(connection, Task(project_id, model_id, embedder, stored(), arguments.jobs), ignore)
        print(f"{value(connection, BYTES, partition) / stored():.0f} bytes each, with what a vacuum will free")
        print("search afterwards: server", searches(connection, server, model_id, arguments.queries, by_features=False))
        other = lifecycle.ensure_model(connection, "copy", "1", embedder.dimension, embedder.layout)
        count = stored()
        with measured("the same rows inserted", lambda: count, server):
            connection.execute(COPY.encode(), (other, model_id))


if __name__ == "__main__":
    main()
