"""The trees of files that were looked at are let go: a run over many files must not hold them all."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from tree_sitter import Query, QueryCursor

from agentforge import parse
from agentforge.detect.predicates import evaluate

STATM = Path("/proc/self/statm")
MEGABYTES_OF_A_LEAK = 30  # sixteen trees of this text take 80


def resident_megabytes() -> float:
    return int(STATM.read_text().split()[1]) * 4096 / 1e6


@pytest.mark.skipif(not STATM.exists(), reason="resident memory is read from /proc")
def test_a_predicate_keeps_no_tree() -> None:
    decoded = parse.decode(b"f(a, b)\n" * 3000)
    query = Query(parse.grammar("python"), '((call) @at (#has-parent? @at "expression_statement"))')
    sizes = []
    for _ in range(20):
        parsed = parse.parse("python", decoded)
        assert len(QueryCursor(query).matches(parsed.tree.root_node, evaluate)) == 3000
        del parsed
        gc.collect()
        sizes.append(resident_megabytes())
    assert sizes[-1] - sizes[4] < MEGABYTES_OF_A_LEAK, sizes
