"""A hundred clients at once, under row-level security: milliseconds of reads and writes, throughput, errors.

    python benchmarks/concurrency.py --cache DIR --sources DIR... [--rows 100000] [--clients 100] [--seconds 30]

A closed loop: each client sends its next request as soon as it has the answer to the last one. 45 % of the requests
are `similar` to a random stored function that the user may read, 45 % other reads (a function by its name, the
functions at a line, the worst violations of a project), 10 % writes (half of them a changed function: its row goes,
another comes, with its vector; half a measurement). Each is a transaction of one of a hundred users, who may each
write half of the 200 projects. Of ten functions one is there to be changed, the others to be looked up.

The clients are threads of two processes with a `Pool` each, on the machine that also runs the server. Last comes
the CPU time of clients and server together for each request: what two idle cores could do follows from it, whatever
else runs.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
from corpus import Database, User
from filling import database, renew

from agentforge.store.connection import DatabaseSettings
from agentforge.store.pool import Pool
from agentforge.store.read import Reader
from agentforge.store.similar import Filters, Search

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

# The requests, methods of `Client`, how often each comes, and under which kind its milliseconds are reported.
SHARES = {"similar": 0.45, "by_name": 0.15, "at_line": 0.15, "worst": 0.15, "change": 0.05, "measurement": 0.05}
KINDS = dict(zip(SHARES, ("similar", "read", "read", "read", "write", "write"), strict=True))
PROCESSES = 2
WARM_UP_SECONDS = 5.0
CHANGED = 10
COLUMNS = """
    project_id, file_analysis_id, function_name, qualified_name, function_signature, start_line, end_line,
    lines_of_code, parameters, cyclomatic, cognitive, nesting, distinct_operators, distinct_operands, operators,
    operands, halstead_volume, halstead_difficulty, halstead_effort, maintainability_index, code_hash, code
"""
CHANGE = f"""
    WITH old AS (
        DELETE FROM functions WHERE id = %(id)s RETURNING *
    ), added AS (
        INSERT INTO functions ({COLUMNS}) SELECT {COLUMNS} FROM old RETURNING id, project_id, file_analysis_id
    )
    INSERT INTO function_embeddings (function_id, project_id, model_id, branch, file_type, embedding)
    SELECT f.id, f.project_id, %(model)s, a.branch, a.file_type, %(vector)s::halfvec
    FROM added AS f JOIN file_analyses AS a ON a.id = f.file_analysis_id
    RETURNING function_id
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
    vectors: Any
    number: int = 0
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)

    def changed(self, number: int, clients: int) -> range:
        """The rows whose functions one of the clients of a process may change."""
        return range(CHANGED * number, len(self.filled.function_ids), CHANGED * clients * PROCESSES)

    def row(self, user: User) -> int:
        """The row of a random function that a user may read, and that nobody changes."""
        rows = self.readable[user.token]
        while (row := int(rows[random.randrange(len(rows))])) % CHANGED == 0:
            pass
        return row

    def similar(self, connection: Connection, user: User, own: dict[int, int]) -> None:
        """The ten nearest functions, with their code."""
        function_id = int(self.filled.function_ids[self.row(user)])
        if len(Search(connection).nearest_to(function_id, Filters(None, None, 10, -1.0))) < 10:
            raise AssertionError("a search found too few")

    def by_name(self, connection: Connection, user: User, own: dict[int, int]) -> None:
        """The functions of a name."""
        Search(connection).functions_named(random.choice(self.names))

    def at_line(self, connection: Connection, user: User, own: dict[int, int]) -> None:
        """The functions at a line of a file."""
        row = self.row(user)
        path = f"src/package_{row // 12 % 40}/module_{row // 12}.py"
        Search(connection).functions_at(path, 200 * (row % 12) + 1)

    def worst(self, connection: Connection, user: User, own: dict[int, int]) -> None:
        """The worst violations of a project."""
        project = int(self.filled.projects[self.row(user)])
        Reader(connection, "", project, "main", 0).worst_violations(10)

    def change(self, connection: Connection, user: User, own: dict[int, int]) -> None:
        """A changed function, where the user may write one of those that this client changes."""
        row = random.choice([row for row in own if int(self.filled.projects[row]) in user.projects] or [-1])
        if row < 0:
            self.measurement(connection, user, own)
            return
        values = {"id": own[row], "model": self.filled.model_id, "vector": self.vectors[row]}
        changed = connection.execute(CHANGE, values).fetchone()
        if changed is None:
            raise AssertionError("a user may not write his project")
        own[row] = changed[0]

    def measurement(self, connection: Connection, user: User, own: dict[int, int]) -> None:
        """A measurement of a project."""
        connection.execute(MEASURE, (user.projects[0],))

    def loop(self, pool: Pool, begin: float, end: float, rows: range) -> None:
        """One client, who alone changes the functions of some rows."""
        own = {row: int(self.filled.function_ids[row]) for row in rows}
        while (started := time.perf_counter()) < end:
            user = random.choice(self.filled.users)
            (request,) = random.choices(list(SHARES), list(SHARES.values()))
            kind = KINDS[request]
            work: Callable[[Connection, User, dict[int, int]], None] = getattr(self, request)
            try:
                pool.run(user.token, lambda connection, work=work, user=user: work(connection, user, own))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
                self.errors.append(f"{kind}: {error!r}")
            else:
                if started >= begin:
                    self.seconds[kind].append(time.perf_counter() - started)


def client_of(cache: Path, rows: int, sources: Sequence[Path]) -> Client:
    """The clients of a process, over the database of `rows` functions, which is put in order first."""
    filled, corpus = database(cache, rows, sources)
    renew(filled)
    readable = {
        user.token: np.flatnonzero(np.isin(filled.projects, user.projects) & filled.wanted) for user in filled.users
    }
    names = sorted({piece.name for piece in corpus.pieces})[::37]
    vectors = {
        row: f"[{','.join(map(str, corpus.vectors[row].tolist()))}]" for row in range(0, len(corpus.vectors), CHANGED)
    }
    return Client(filled, readable, names, vectors)


def run(client: Client, clients: int, connections: int, seconds: float, answers: Any) -> None:
    """One process of clients."""
    with Pool(DatabaseSettings(url=client.filled.url), size=connections, timeout=120) as pool:
        begin = time.perf_counter() + WARM_UP_SECONDS
        threads = [
            threading.Thread(target=client.loop, args=(pool, begin, begin + seconds, client.changed(number, clients)))
            for number in range(client.number, PROCESSES * clients, PROCESSES)
        ]
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
    parser.add_argument("--connections", type=int, default=2, help="of each of the two processes")
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    first = client_of(arguments.cache, arguments.rows, arguments.sources)
    gc.freeze()  # a collection of what the benchmark holds would stop all clients of a process for 50 ms
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    processes = [
        context.Process(
            target=run,
            args=(
                replace(first, number=number),
                arguments.clients // PROCESSES,
                arguments.connections,
                arguments.seconds,
                answers,
            ),
        )
        for number in range(PROCESSES)
    ]
    with psycopg.connect(first.filled.url, autocommit=True) as connection:
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
