"""What is stored takes no more room than it must, and is what it was."""

from __future__ import annotations

import psycopg
import pytest
from fix_bench import Bench
from fix_faults import write_tree

LINES = "".join(f"    if values[{n}] > limit:\n        total += values[{n}] * {n}\n" for n in range(12))
LONG = f"def weigh(values, limit):\n    total = 0\n{LINES}    return total\n"
MODULE = "".join(f"SETTING_{n} = read_setting('a name', {n})\n" for n in range(40))


def test_code_is_compressed_on_its_way_in_and_reads_as_it_was(bench: Bench) -> None:
    """Its rows are far shorter than the 2 kB from which PostgreSQL would do so by itself."""
    write_tree(bench.root, {"a.py": MODULE + LONG, "b.py": "def short():\n    return 1\n"})
    bench.analyze()
    functions = bench.rows("SELECT code, pg_column_compression(code), pg_column_size(code) FROM functions ORDER BY id")
    assert [code for code, _, _ in functions] == [LONG.removesuffix("\n"), "def short():\n    return 1"]
    assert [method is not None for _, method, _ in functions] == [True, False]
    assert functions[0][2] < 0.6 * len(LONG)
    ((chunk, method),) = bench.rows("SELECT code, pg_column_compression(code) FROM code_chunks")
    assert chunk.strip() == MODULE.strip()
    assert method is not None


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO audit_logs (action, resource_type) VALUES ('SELECT', 'projects')",
        "INSERT INTO compliance_reports (project_id, report_type, report_period_start, report_period_end) "
        "SELECT id, 'whenever', '2026-01-01', '2026-02-01' FROM projects",
    ],
)
def test_closed_sets_are_closed(bench: Bench, statement: str) -> None:
    bench.administer("INSERT INTO projects (key, name) VALUES ('k', 'n')")
    with pytest.raises(psycopg.errors.CheckViolation):
        bench.administer(statement)
