"""Complexity and Halstead counts of one walk equal those of radon's own visitors, function by function."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import Any

import typer
from radon.visitors import ComplexityVisitor, HalsteadVisitor

from agentforge.measure.radon_tree import TreeCounts

TREE = Path(os.environ.get("AGENTFORGE_REFERENCE_TREE", Path(typer.__file__).parent))

ODD = """\
@decorate(a + b if c else d)
class Outer(Base if x and y else Other, key=1 + 2):
    z = [i for i in x if i if i > 1]
    def method(self, a=b or c):
        assert a and b if c else [d for d in e]
        def inner():
            class Hidden:
                if a: b += 1
                def deep(self): return -x or not y
            return lambda: a if b else c
        async def other():
            async for i in x:
                pass
            else:
                a.b += 1 == True == 1.0
            try: a < b < c
            except A: pass
            except B: pass
            else: pass
            finally: pass
            try: x
            except* A: pass
        while a: pass
        else: b
    class Nested:
        if a or b: pass
        def method(self): return a if b else c
    if z:
        def method(self): x = "1" + b"1"; return x[1] + x[1] + f()
match x:
    case 1: y = a - b
    case [a, *_] if b: pass
    case {"k": v}: pass
    case _: pass
match y:
    case 1 | 2: pass
    case z: pass
for i in x:
    def loop(): return {k: v for k, v in x}
"""


def test_every_function_and_total_equals_radons_own_visitors() -> None:
    files = [file.read_bytes() for file in sorted(TREE.rglob("*.py"))[:200]]
    compared = 0
    for source in (ODD, "", "x", *files):
        try:
            module = ast.parse(source)
        except (SyntaxError, ValueError):
            continue
        ours = TreeCounts(module)
        assert ours.complexity == ComplexityVisitor.from_ast(module).total_complexity
        assert tokens_of(ours.tokens) == tokens_of(HalsteadVisitor.from_ast(module))
        definitions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        assert sorted(ours.functions) == sorted(node.lineno for node in definitions)
        for node in definitions:
            complexity, tokens = ours.functions[node.lineno]
            assert complexity == ComplexityVisitor.from_ast(node).functions[0].complexity
            assert tokens_of(tokens) == tokens_of(HalsteadVisitor.from_ast(node).function_visitors[-1])
        compared += len(definitions)
    assert compared > 50


def tokens_of(visitor: Any) -> tuple[int, int, int, int]:
    return visitor.distinct_operators, visitor.distinct_operands, visitor.operators, visitor.operands
