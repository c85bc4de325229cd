"""CPU of each kind of request of benchmarks/concurrency.py, one after another on one connection, in microseconds.

    python benchmarks/request_cost.py --cache DIR [--rows 100000] [--rounds 8] [--requests 50]

Kinds come by turns; of each the mean of the best third of the rounds is printed, of the server's process and of the
client's thread. The last row is what a request costs that is drawn as the benchmark draws them.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from concurrency import SHARES, Client, client_of

from agentforge.store.connection import DatabaseSettings
from agentforge.store.pool import Pool

if TYPE_CHECKING:
    from corpus import User

    from agentforge.store.connection import Connection


def nothing(connection: Connection, user: User, own: dict[int, int]) -> None:
    """A transaction in which nothing is asked."""


def round_of(client: Client, pool: Pool, kind: str, requests: int, own: dict[int, int]) -> tuple[float, float]:
    """Microseconds of server and client for each of some requests of a kind."""
    work = getattr(client, kind, nothing)
    users = random.choices(client.filled.users, k=requests)
    pid = pool.run(users[0].token, lambda connection: connection.info.backend_pid)
    statistics = Path(f"/proc/{pid}/schedstat")
    before, started = int(statistics.read_text().split()[0]), time.thread_time_ns()
    for user in users:
        pool.run(user.token, lambda connection, user=user: work(connection, user, own))
    spent, server = time.thread_time_ns() - started, int(statistics.read_text().split()[0]) - before
    return server / requests / 1e3, spent / requests / 1e3


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--sources", type=Path, nargs="*", default=[])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--requests", type=int, default=50)
    arguments = parser.parse_args()
    client = client_of(arguments.cache, arguments.rows, arguments.sources)
    own = {row: int(client.filled.function_ids[row]) for row in client.changed(0, 50)}
    kinds = [*SHARES, "nothing"]
    with Pool(DatabaseSettings(url=client.filled.url), size=1) as pool:
        for kind in kinds:
            round_of(client, pool, kind, 10, own)
        rounds = [
            [round_of(client, pool, kind, arguments.requests, own) for kind in kinds] for _ in range(arguments.rounds)
        ]
    best = np.sort(np.array(rounds), axis=0)[: max(1, arguments.rounds // 3)].mean(axis=0)
    print(f"{arguments.rows:,} functions, load average {os.getloadavg()[0]:.1f}")
    print(f"{'':14}{'server':>8}{'client':>8}")
    for kind, (server, spent) in zip(kinds, best, strict=True):
        print(f"{kind.replace('_', ' '):14}{server:8.0f}{spent:8.0f}")
    server, spent = np.array(list(SHARES.values())) @ best[:-1]
    print(f"{'as drawn':14}{server:8.0f}{spent:8.0f}")


if __name__ == "__main__":
    main()
