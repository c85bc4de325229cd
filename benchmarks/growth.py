"""How a database grows while a repository changes: the bytes of its tables after each of many analyses.

    python benchmarks/growth.py SOURCE [--runs 12] [--share 0.2] [--pause 0]

SOURCE (a tree of Python files) is copied and analysed into a new embedded database. Before each further run, a share of
its files are edited: a comment goes in front of one method, and a new function to the end.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agentforge.cli.database import open_as_owner
from agentforge.store.connection import DatabaseSettings

SIZES = """
    SELECT (SELECT count(*) FROM functions), pg_table_size('functions'), pg_indexes_size('functions'),
           pg_table_size('function_embeddings_1'), pg_indexes_size('function_embeddings_1'),
           pg_total_relation_size('file_analyses'), pg_database_size(current_database())
"""


def edit(source: Path, run: int, share: float) -> None:
    """Change a share of the files."""
    files = sorted(source.rglob("*.py"))
    for file in random.Random(run).sample(files, int(len(files) * share)):
        text = file.read_text("utf-8").replace("\n    def ", f"\n    # run {run}\n    def ", 1)
        file.write_text(f"{text}\n\ndef fresh_{run}(value):\n    return value + {run}\n", "utf-8")


def main() -> None:
    """Analyse, edit, and print sizes in kB."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two runs")
    arguments = parser.parse_args()
    program = Path(sys.executable).with_name("agentforge")
    print("run  functions  functions/indexes   vectors/indexes    files  database   (kB)")
    with tempfile.TemporaryDirectory() as folder:
        source, data = Path(folder) / "source", Path(folder) / "data"
        shutil.copytree(arguments.source, source)
        for run in range(1, arguments.runs + 1):
            if run > 1:
                edit(source, run, arguments.share)
                time.sleep(arguments.pause)
            command = [program, "analyze", source, "--data-dir", data, "--quiet"]
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            with open_as_owner(DatabaseSettings(data_dir=str(data)), print) as connection:
                functions, *sizes = connection.execute(SIZES).fetchone()
            kilo = [size // 1024 for size in sizes]
            print(
                f"{run:3}{functions:11,}{kilo[0]:10,}/{kilo[1]:<8,}{kilo[2]:9,}/{kilo[3]:<7,}{kilo[4]:8,}{kilo[5]:10,}",
                flush=True,
            )


if __name__ == "__main__":
    main()
