"""How many bytes an analysis takes in the database, by table and by index, for each function and each thousand lines.

    python benchmarks/storage.py SOURCES... [--index]

Each of SOURCES (a source tree, such as an unpacked sdist) is analysed into a new embedded database, the tables are
vacuumed, and the sizes are summed: heap, TOAST and free-space map as `table`, and each index. `--index` builds the
index of vectors, too, which `agentforge db maintain` builds from 50,000 functions on.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from agentforge.cli.database import open_as_owner
from agentforge.store.connection import DatabaseSettings

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

SIZES = """
    SELECT coalesce(parent.relname, c.relname)::text, pg_table_size(c.oid), pg_indexes_size(c.oid)
    FROM pg_class AS c
    LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
    LEFT JOIN pg_class AS parent ON parent.oid = i.inhparent
    WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relkind = 'r' AND pg_total_relation_size(c.oid) > 0
"""
INDEXES = """
    SELECT c.relname::text, pg_relation_size(c.oid) FROM pg_class AS c
    WHERE c.relnamespace = 'agentforge'::regnamespace AND c.relkind = 'i' ORDER BY 2 DESC LIMIT 12
"""
COUNTS = """
    SELECT (SELECT count(*) FROM functions), sum(physical_lines) FROM file_analyses WHERE file_type IS NOT NULL
"""
FUNCTION_TABLES = ("functions", "function_embeddings")


def measure(connection: Connection, *, with_index: bool) -> None:
    """Print the tables."""
    if with_index:
        connection.execute("SELECT ensure_vector_index(id) FROM embedding_models")
    connection.execute("VACUUM (ANALYZE)")
    functions, lines = connection.execute(COUNTS).fetchone()
    sizes: dict[str, list[int]] = {}
    for table, heap, indexes in connection.execute(SIZES).fetchall():
        entry = sizes.setdefault(table, [0, 0])
        entry[0] += heap
        entry[1] += indexes
    print(f"{functions:,} functions, {lines:,} lines of source\n")
    print(f"{'bytes a function':28}{'table':>8}{'indexes':>8}{'both':>8}")
    for table, (heap, indexes) in sorted(sizes.items(), key=lambda item: -sum(item[1])):
        if heap + indexes >= functions:
            print(f"{table:28}{heap / functions:8.0f}{indexes / functions:8.0f}{(heap + indexes) / functions:8.0f}")
    both = sum(sum(sizes[table]) for table in FUNCTION_TABLES)
    total = sum(sum(entry) for entry in sizes.values())
    print(f"\nfunctions and their vectors: {both / functions / 1e3:.2f} MB a thousand functions, indexes included")
    print(f"all that an analysis stores: {total / functions / 1e3:.2f} MB a thousand functions,")
    print(f"{total / lines:.0f} kB a thousand lines")
    print("\nlargest indexes, bytes a function")
    for index, size in connection.execute(INDEXES).fetchall():
        print(f"{index:60}{size / functions:8.0f}")


def main() -> None:
    """Analyse and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs="+")
    parser.add_argument("--index", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/data"
        program = Path(sys.executable).with_name("agentforge")
        for source in arguments.sources:
            subprocess.run(
                [program, "analyze", source, "--data-dir", data, "--quiet"], stdout=subprocess.DEVNULL, check=False
            )
        with open_as_owner(DatabaseSettings(data_dir=data, linger_seconds=0), print) as connection:
            measure(connection, with_index=arguments.index)


if __name__ == "__main__":
    main()
