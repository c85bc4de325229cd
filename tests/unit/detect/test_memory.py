"""The trees of files that were looked at are let go: a run over many files must not hold them all."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from tree_sitter import Query, QueryCursor

from agentforge import parse
from agentforge.detect.bandit.config import BanditConfig
from agentforge.detect.bandit.scan import scan
from agentforge.detect.bandit.visitor import Visitor
from agentforge.detect.predicates import evaluate
from agentforge.parse.python_ast import parse_python

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


def test_bandits_visitor_goes_without_the_collector() -> None:
    raw = b"import os\nos.system(x)\n"
    gc.collect()
    gc.disable()  # it comes round after two hundred thousand objects, and the bytes of a file hang on each visitor
    try:
        assert scan(parse_python(raw), "a.py", "a.py", raw, BanditConfig())
        assert not any(isinstance(item, Visitor) for item in gc.get_objects())
    finally:
        gc.enable()
