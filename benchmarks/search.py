"""How fast `similar` is for one client, and how much of the right answer it finds, among many functions.

    python benchmarks/search.py --cache DIR --sources DIR... [--rows 100000 500000] [--queries 200] [--insert] [--month]

Makes (once, in the cache) an embedded server with a database for each number of functions (benchmarks/filling.py),
and asks for the ten nearest of random functions: a pooled transaction of a user with the whole search. Prints for each
filter the recall against all distances computed here, and milliseconds: of wall time, and of CPU time of the server's
process, which other work on the machine disturbs less.

`--insert` measures what the index adds to the load of a project of 10,000 functions (rolled back). `--month` simulates
the commits of 22 days in a copy of the database (benchmarks/commits.py) with `db maintain` each night, and prints the
recall after each fifth day, before and after the night, and what indexes and lists take.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
from commits import DAYS, State, connected, copied, night, sizes
from corpus import Corpus, Database
from filling import database, renew
from numpy.typing import NDArray

from agentforge.store.connection import DatabaseSettings
from agentforge.store.pool import Pool
from agentforge.store.similar import Filters, Search

NEAREST = 10
TOLERANCE = 1e-4
INSERT = """
    INSERT INTO function_embeddings (function_id, project_id, model_id, branch, file_type, embedding)
    SELECT function_id, project_id, model_id, branch, file_type, embedding FROM moved ORDER BY function_id
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of search: who asks, and which functions count."""

    name: str
    token: str
    projects: tuple[int, ...] | None
    language: str | None
    counted: NDArray[np.bool_]
    own_project: bool = False


def cases(filled: Database) -> Iterator[Case]:
    """All kinds; the local user reads everything, the other one half of the projects."""
    user = filled.users[0]
    half = np.isin(filled.projects, user.projects) & filled.wanted
    yield Case("everything", "", None, None, filled.wanted)
    yield Case("half readable", user.token, None, None, half)
    yield Case("own project", user.token, None, None, half, own_project=True)
    for share in (0.3, 0.1, 0.01):
        chosen = projects_of(filled, share)
        yield Case(f"{share:.0%} by project", "", chosen, None, np.isin(filled.projects, chosen) & filled.wanted)
    for language in ("go", "lua"):
        yield Case(f"language {language}", "", None, language, (filled.languages == language) & filled.wanted)


def projects_of(filled: Database, share: float) -> tuple[int, ...]:
    """Projects that hold a share of all functions together, without the three largest."""
    chosen: list[int] = []
    total = 0
    for project in sorted(filled.sizes, key=lambda project: -filled.sizes[project])[3:]:
        if total + filled.sizes[project] <= share * len(filled.function_ids) * 1.02:
            chosen.append(project)
            total += filled.sizes[project]
    return tuple(chosen)


def measure(pool: Pool, corpus: Corpus, filled: Database, case: Case, queries: int) -> str:
    """One line of the table."""
    random = np.random.default_rng(7)
    vectors = corpus.vectors
    readable = np.flatnonzero(case.counted if case.own_project else filled.wanted)
    if case.token:
        readable = readable[np.isin(filled.projects[readable], filled.users[0].projects)]
    everything = np.empty(0) if case.own_project else vectors[case.counted].astype(np.float32)
    recalls, walls, loads = [], [], []
    for row in random.choice(readable, queries, replace=False).tolist():
        project = int(filled.projects[row])
        counted = case.counted & (filled.projects == project) if case.own_project else case.counted
        wanted = (project,) if case.own_project else case.projects
        started, spent = time.perf_counter(), 0
        with pool.transaction(case.token) as connection:
            before = cpu(connection.info.backend_pid)
            filters = Filters(wanted, case.language, NEAREST, -1.0)
            matches = Search(connection).nearest_to(int(filled.function_ids[row]), filters)
            spent = cpu(connection.info.backend_pid) - before
        walls.append((time.perf_counter() - started) * 1e3)
        loads.append(spent / 1e6)
        candidates = vectors[counted].astype(np.float32) if case.own_project else everything
        exact = np.sort(candidates @ vectors[row].astype(np.float32))[: len(candidates) - int(counted[row])]
        nearest = exact[-NEAREST:]  # of all but the function itself, which is the last
        found = sum(match.score >= nearest[0] - TOLERANCE for match in matches) if len(nearest) else 0
        recalls.append(min(1.0, found / max(1, len(nearest))))
    wall, load = np.percentile(walls, [50, 95]), np.percentile(loads, [50, 95])
    return (
        f"{case.name:16} {np.mean(recalls):7.4f} {wall[0]:9.1f} {wall[1]:6.1f} {load[0]:9.1f} {load[1]:6.1f}"
        f" {int(case.counted.sum()):10,}"
    )


def cpu(pid: int) -> int:
    """Nanoseconds that a process has been running on a processor."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def insert(filled: Database) -> None:
    """Milliseconds a row of the load of one project's vectors, with the index and without."""
    with psycopg.connect(filled.url) as connection:
        connection.execute("SET search_path = agentforge, public")
        for name in ("with the index", "without"):
            connection.execute(
                "CREATE TEMPORARY TABLE moved ON COMMIT DROP AS"
                " SELECT * FROM function_embeddings ORDER BY function_id DESC LIMIT 10000"
            )
            connection.execute(
                "DELETE FROM function_embeddings AS e USING moved WHERE e.function_id = moved.function_id"
            )
            if name == "without":
                connection.execute(f"DROP INDEX function_embeddings_{filled.model_id}_hnsw")
            before = cpu(connection.info.backend_pid)
            started = time.perf_counter()
            connection.execute(INSERT)
            wall = time.perf_counter() - started
            spent = (cpu(connection.info.backend_pid) - before) / 1e9
            print(f"10,000 rows into {len(filled.function_ids):,} {name}: {wall:.1f} s, {spent:.1f} s of CPU")
            connection.rollback()


def month(filled: Database, corpus: Corpus, queries: int) -> None:
    """What becomes of the recall when functions change, and what keeping it costs."""
    with copied(filled) as copy:
        state, touched = State(copy, corpus, np.random.default_rng(11)), 0
        for day in range(1, DAYS + 1):
            with connected(copy) as connection:
                touched += state.day(connection)
            if day % 5 == 0 or day == DAYS:
                table(
                    f"day {day}, {touched:,} functions touched, before the night", state.filled, state.corpus, queries
                )
            spent, done = night(copy)
            print(f"night {day}: {spent:.1f} s of CPU beside the server's: {done}", flush=True)
        table("after the last night", state.filled, state.corpus, queries)
        for name, size in sizes(copy):
            print(f"{name}: {size / 1e6:.1f} MB, {size / len(state.filled.function_ids):.0f} bytes a function")


def table(title: str, filled: Database, corpus: Corpus, queries: int) -> None:
    """Each kind of search, a line each."""
    print(f"\n{title}, load average {os.getloadavg()[0]:.1f}")
    print(f"{'':16} {'recall':>7} {'p50 ms':>9} {'p95':>6} {'CPU p50':>9} {'p95':>6} {'candidates':>10}")
    with Pool(DatabaseSettings(url=filled.url), size=1) as pool:
        for case in cases(filled):
            print(measure(pool, corpus, filled, case, queries), flush=True)


def main() -> None:
    """Print a table for each number of functions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--sources", type=Path, nargs="*", default=[])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 500_000])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--insert", action="store_true")
    parser.add_argument("--month", action="store_true")
    arguments = parser.parse_args()
    for rows in arguments.rows:
        filled, corpus = database(arguments.cache, rows, arguments.sources)
        renew(filled)
        if arguments.insert:
            insert(filled)
            continue
        if arguments.month:
            month(filled, corpus, arguments.queries)
            continue
        table(f"{rows:,} functions", filled, corpus, arguments.queries)


if __name__ == "__main__":
    main()
