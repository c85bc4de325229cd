"""A hundred clients at once, under row-level security: milliseconds of reads and writes, throughput, errors.

    python benchmarks/concurrency.py --cache DIR --sources DIR... [--rows 100000] [--clients 100] [--seconds 30]

A closed loop: each client sends its next request as soon as it has the answer to the last one. 45 % of the requests
are `similar` to a random function that the user may read, 45 % other reads (a function by its name, the functions
at a line, the worst violations of a project), 10 % writes (half of them a changed function with a new vector, which
goes into the index, too; half a measurement). Each is a transaction of one of a hundred users, who may each write
half of the 200 projects.

The clients are threads of two processes with a `Pool` each, on the machine that also runs the server. Last comes
the CPU time of clients and server together for each request: what two idle cores could do follows from it, whatever
else runs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
from corpus import Database, User
from filling import database

from agentforge.store.connection import DatabaseSettings
from agentforge.store.pool import Pool
from agentforge.store.read import Reader
from agentforge.store.similar import Filters, Search

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

PROCESSES = 2
WARM_UP_SECONDS = 5.0
CHANGE = """
    UPDATE functions SET cyclomatic = cyclomatic + 1 WHERE id = %(id)s RETURNING project_id
"""
REPLACE = """
    WITH old AS (DELETE FROM function_embeddings WHERE function_id = %(id)s AND model_id = %(model)s RETURNING *)
    INSERT INTO function_embeddings (function_id, project_id, model_id, branch, file_type, embedding)
    SELECT function_id, project_id, model_id, branch, file_type, embedding FROM old
"""
MEASURE = """
    INSERT INTO performance_metrics (project_id, metric_name, metric_value) VALUES (%s, 'benchmark', 1)
"""


@dataclass(slots=True)
class Client:
    """What one process's clients share and what they found: seconds by kind of request, and errors."""

    filled: Database
    readable: dict[str, Any]
    names: list[str]
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)

    def row(self, user: User) -> int:
        """The row of a random function that a user may read."""
        rows = self.readable[user.token]
        return int(rows[random.randrange(len(rows))])

    def similar(self, connection: Connection, user: User) -> None:
        """The ten nearest functions, with their code."""
        search = Search(connection)
        vector = search.vector_of(int(self.filled.function_ids[self.row(user)]), None)
        if vector is None or not search.nearest(vector, Filters(None, None, 10, -1.0), None):
            raise AssertionError("a search found nothing")

    def read(self, connection: Connection, user: User) -> None:
        """Another question."""
        kind = random.randrange(3)
        row = self.row(user)
        if kind == 0:
            Search(connection).functions_named(random.choice(self.names))
        elif kind == 1:
            path = f"src/package_{row // 12 % 40}/module_{row // 12}.py"
            Search(connection).functions_at(path, 200 * (row % 12) + 1)
        else:
            project = int(self.filled.projects[row])
            list(Reader(connection, "", project, "main", 0).violations(limit=10, unresolved_only=True))

    def write(self, connection: Connection, user: User) -> None:
        """A changed function, or a measurement."""
        row = self.row(user)
        function = {"id": int(self.filled.function_ids[row]), "model": self.filled.model_id}
        if random.random() < 0.5:
            if connection.execute(CHANGE, function).fetchone() is None:
                raise AssertionError("a user may not write his project")
            connection.execute(REPLACE, function)
        else:
            connection.execute(MEASURE, (int(self.filled.projects[row]),))

    def loop(self, pool: Pool, begin: float, end: float) -> None:
        """One client."""
        while (started := time.perf_counter()) < end:
            user = random.choice(self.filled.users)
            draw = random.random()
            kind = "similar" if draw < 0.45 else "read" if draw < 0.9 else "write"
            work: Callable[[Connection, User], None] = getattr(self, kind)
            try:
                pool.run(user.token, lambda connection, work=work, user=user: work(connection, user))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
                self.errors.append(f"{kind}: {error!r}")
            else:
                if started >= begin:
                    self.seconds[kind].append(time.perf_counter() - started)


def run(client: Client, clients: int, connections: int, seconds: float, answers: Any) -> None:
    """One process of clients."""
    with Pool(DatabaseSettings(url=client.filled.url), size=connections, timeout=120) as pool:
        begin = time.perf_counter() + WARM_UP_SECONDS
        threads = [threading.Thread(target=client.loop, args=(pool, begin, begin + seconds)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    answers.put((dict(client.seconds), client.errors, time.process_time()))


def server_cpu(connection: psycopg.Connection[Any]) -> float:
    """CPU seconds of the processes that serve the clients."""
    query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    pids = [row[0] for row in connection.execute(query).fetchall()]
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1e9


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--sources", type=Path, nargs="*", default=[])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--connections", type=int, default=4, help="of each of the two processes")
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    filled, corpus = database(arguments.cache, arguments.rows, arguments.sources)
    rows = {
        user.token: np.flatnonzero(np.isin(filled.projects, user.projects) & filled.wanted) for user in filled.users
    }
    client = Client(filled, rows, sorted({piece.name for piece in corpus.pieces})[::37])
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    processes = [
        context.Process(
            target=run,
            args=(client, arguments.clients // PROCESSES, arguments.connections, arguments.seconds, answers),
        )
        for _ in range(PROCESSES)
    ]
    with psycopg.connect(filled.url, autocommit=True) as connection:
        for process in processes:
            process.start()
        time.sleep(WARM_UP_SECONDS)
        before = server_cpu(connection)
        time.sleep(arguments.seconds * 0.9)
        spent = server_cpu(connection) - before
    found = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    report(found, arguments.seconds, spent / (arguments.seconds * 0.9))


def report(found: list[Any], seconds: float, server: float) -> None:
    """Print the table: milliseconds, requests a second, CPU."""
    times = {
        kind: np.array([second for taken, _, _ in found for second in taken.get(kind, ())]) * 1e3
        for kind in ("similar", "read", "write")
    }
    times = {"reads, similar too": np.concatenate([times["similar"], times["read"]]), **times}
    errors = [error for _, these, _ in found for error in these]
    total = sum(len(times[kind]) for kind in ("similar", "read", "write"))
    print(f"{'':20}{'requests':>9} {'p50 ms':>8} {'p95':>8} {'p99':>8}")
    for kind, values in times.items():
        if len(values):
            print(f"{kind:20}{len(values):9,} " + " ".join(f"{x:8.1f}" for x in np.percentile(values, [50, 95, 99])))
    rate = total / seconds
    client = sum(cpu for _, _, cpu in found) / (seconds + WARM_UP_SECONDS)
    print(f"{rate:.0f} requests a second, {len(errors)} errors {errors[:3]}")
    print(
        f"CPU of a request: server {server / rate * 1e3:.2f} ms, client {client / rate * 1e3:.2f} ms; "
        f"cores in use {server + client:.2f}, load average {os.getloadavg()[0]:.1f}; "
        f"two idle cores would do {2 / ((server + client) / rate):.0f} a second"
    )


if __name__ == "__main__":
    main()
