"""How many bytes an analysis takes in the database, by table and by index, for each function and each thousand lines.

    python benchmarks/storage.py SOURCES... [--dimension N] [--lists] [--index] [--data DIR]

Each of SOURCES (a source tree, such as an unpacked sdist) is analysed into a new embedded database, the tables are
vacuumed, and the sizes are summed: heap, TOAST and free-space map as `table`, and each index. `--lists` makes the lists
of neighbours, which `agentforge db maintain` makes from 10,000 functions on, and `--index` the index of vectors, which
it makes from 50,000 on. `--dimension` first makes each vector so long, by its own components again, for what another
embedder would take. `--data` keeps the database in a folder; one that is there already is measured as it is.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from agentforge.cli.database import open_as_owner
from agentforge.store import neighbours
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
FUNCTION_TABLES = ("functions", "function_embeddings", "function_neighbours")
LONGER = "(embedding || embedding || embedding || embedding)"
LENGTHEN = f"""
    CREATE TEMPORARY TABLE functions_then AS SELECT * FROM function_embeddings;
    CREATE TEMPORARY TABLE chunks_then AS SELECT * FROM code_embeddings;
    TRUNCATE function_embeddings, code_embeddings;
    INSERT INTO function_embeddings (function_id, project_id, model_id, branch, file_type, embedding)
    SELECT function_id, project_id, currval('embedding_models_id_seq'), branch, file_type,
           subvector({LONGER}::vector, 1, %(dimension)s)::halfvec FROM functions_then ORDER BY function_id;
    INSERT INTO code_embeddings (chunk_id, project_id, model_id, embedding)
    SELECT chunk_id, project_id, currval('embedding_models_id_seq'),
           subvector({LONGER}::vector, 1, %(dimension)s)::halfvec FROM chunks_then ORDER BY chunk_id;
"""


def lengthen(connection: Connection, dimension: int) -> None:
    """Give every vector so many components, at most four times what it has, as another model."""
    import psycopg

    connection.execute("SELECT ensure_embedding_model('lengthened', '1', %s)", (dimension,))
    with psycopg.ClientCursor(connection) as cursor:
        cursor.execute(LENGTHEN.encode(), {"dimension": dimension})


def measure(connection: Connection, *, with_lists: bool, with_index: bool) -> None:
    """Print the tables."""
    connection.execute("VACUUM (ANALYZE)")
    if with_lists:
        for model in neighbours.due(connection, 1):
            neighbours.update(connection, model)
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
    parser.add_argument("--dimension", type=int)
    parser.add_argument("--lists", action="store_true")
    parser.add_argument("--index", action="store_true")
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.data or Path(folder) / "data"
        if not data.exists():
            program = Path(sys.executable).with_name("agentforge")
            for source in arguments.sources:
                subprocess.run(
                    [program, "analyze", source, "--data-dir", data, "--quiet"], stdout=subprocess.DEVNULL, check=False
                )
        with open_as_owner(DatabaseSettings(data_dir=str(data), linger_seconds=0), print) as connection:
            if arguments.dimension:
                lengthen(connection, arguments.dimension)
            measure(connection, with_lists=arguments.lists, with_index=arguments.index)


if __name__ == "__main__":
    main()
