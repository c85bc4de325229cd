"""radon's cyclomatic complexity and Halstead counts of every function and of the file, from one walk over the tree.

What is counted, where it goes and what is left out are those of `ComplexityVisitor` and `HalsteadVisitor` (radon 6.0),
quirks included: `assert` hides the branches inside it, decorators and defaults of functions count nothing, a class
inside a class or a function adds nothing to what is around it, and an operand belongs to the function's bare name.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any


class Flow:
    """Decision points of one scope (a module, a class or a function).

    Attributes:
        decisions: those of the scope itself.
        functions, function_count: the sum of the cyclomatic complexities of the functions directly in it; how many.
        classes: the decision points of the classes directly in it, with those of their methods and one for each method.
    """

    __slots__ = ("classes", "decisions", "function_count", "functions")

    def __init__(self) -> None:
        self.decisions = self.functions = self.function_count = self.classes = 0


class Tokens:
    """Halstead's counts of one function, or of the file, with what is nested in it.

    Attributes:
        context: the function's name, None outside of functions.
        operators, operands: how many.
        seen_operators, seen_operands: the distinct ones.
    """

    __slots__ = ("context", "operands", "operators", "seen_operands", "seen_operators")

    def __init__(self, context: str | None) -> None:
        self.context = context
        self.operators = self.operands = 0
        self.seen_operators: set[str] = set()
        self.seen_operands: set[tuple[str | None, object]] = set()

    @property
    def distinct_operators(self) -> int:
        """How many."""
        return len(self.seen_operators)

    @property
    def distinct_operands(self) -> int:
        """How many."""
        return len(self.seen_operands)

    def count(self, operators: Iterable[ast.AST], operands: Iterable[Any]) -> None:
        """Count operators by the names of their classes, and operands by name or value, or else as distinct."""
        for operator in operators:
            self.operators += 1
            self.seen_operators.add(operator.__class__.__name__)
        for operand in operands:
            self.operands += 1
            named = _NAMED.get(operand.__class__)
            self.seen_operands.add((self.context, getattr(operand, named) if named else operand))

    def add(self, nested: Tokens) -> None:
        """Count what a nested function holds."""
        self.operators += nested.operators
        self.operands += nested.operands
        self.seen_operators |= nested.seen_operators
        self.seen_operands |= nested.seen_operands


_NAMED: dict[type, str] = {ast.Name: "id", ast.Attribute: "attr", ast.Constant: "value"}


class TreeCounts:
    """The counts of a file.

    Attributes:
        tokens: Halstead's, of the file.
        functions: line of `def` -> (cyclomatic complexity, Halstead's counts) of each function.
        complexity: the file's, radon's `total_complexity`.
    """

    def __init__(self, module: ast.Module) -> None:
        """Count a module.

        Raises:
            RecursionError: it is nested too deeply.
        """
        self.functions: dict[int, tuple[int, Tokens]] = {}
        self.tokens = Tokens(None)
        flow = Flow()
        self._walk(module, ("body",), flow, self.tokens)
        self.complexity = 1 + flow.decisions + flow.functions - flow.function_count + flow.classes

    def _walk(self, node: Any, fields: tuple[str, ...], flow: Flow, tokens: Tokens) -> None:
        for field in fields:
            value = getattr(node, field)
            for item in value if value.__class__ is list else (value,):
                step = _STEPS.get(item.__class__)
                if step is None:
                    continue
                visit, decide, operate, inner = step
                if visit is not None:
                    visit(self, item, flow, tokens)
                    continue
                if decide is not None:
                    flow.decisions += decide(item)
                if operate is not None:
                    operate(item, tokens)
                self._walk(item, inner, flow, tokens)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, flow: Flow, tokens: Tokens) -> None:
        own_flow, own_tokens = Flow(), Tokens(node.name)
        self._walk(node, ("body",), own_flow, own_tokens)
        complexity = 1 + own_flow.decisions
        self.functions[node.lineno] = (complexity, own_tokens)
        flow.functions += complexity
        flow.function_count += 1
        tokens.add(own_tokens)

    def _class(self, node: ast.ClassDef, flow: Flow, tokens: Tokens) -> None:
        own = Flow()
        self._walk(node, ("body",), own, tokens)
        self._walk(node, tuple(name for name in node._fields if name != "body"), Flow(), tokens)
        flow.classes += own.decisions + own.functions

    def _assert(self, node: ast.Assert, flow: Flow, tokens: Tokens) -> None:
        flow.decisions += 1
        self._walk(node, ("test", "msg"), Flow(), tokens)


def _cases(node: ast.Match) -> int:
    """The cases of a `match` without its `case _`."""
    rest = any(isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None for case in node.cases)
    return max(0, len(node.cases) - rest)


_DECIDE: dict[type, Callable[[Any], int]] = {
    ast.Try: lambda node: len(node.handlers) + bool(node.orelse),
    ast.BoolOp: lambda node: len(node.values) - 1,
    ast.If: lambda _node: 1,
    ast.IfExp: lambda _node: 1,
    ast.Match: _cases,
    **dict.fromkeys((ast.For, ast.While, ast.AsyncFor), lambda node: bool(node.orelse) + 1),
    ast.comprehension: lambda node: len(node.ifs) + 1,
}

_OPERATE: dict[type, Callable[[Any, Tokens], None]] = {
    ast.BinOp: lambda node, tokens: tokens.count((node.op,), (node.left, node.right)),
    ast.UnaryOp: lambda node, tokens: tokens.count((node.op,), (node.operand,)),
    ast.BoolOp: lambda node, tokens: tokens.count((node.op,), node.values),
    ast.AugAssign: lambda node, tokens: tokens.count((node.op,), (node.target, node.value)),
    ast.Compare: lambda node, tokens: tokens.count(node.ops, (*node.comparators, node.left)),
}

_VISIT: dict[type, Callable[[TreeCounts, Any, Flow, Tokens], None]] = {
    ast.FunctionDef: TreeCounts._function,
    ast.AsyncFunctionDef: TreeCounts._function,
    ast.ClassDef: TreeCounts._class,
    ast.Assert: TreeCounts._assert,
}

# Nodes without anything to count in them, and fields that hold no others.
_EMPTY = (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.Constant, ast.Name, ast.alias)
_PLAIN = frozenset({"ctx", "op", "ops", "attr", "arg", "level", "type_comment", "is_async", "simple", "conversion"})

Step = tuple[
    Callable[[TreeCounts, Any, Flow, Tokens], None] | None,
    Callable[[Any], int] | None,
    Callable[[Any, Tokens], None] | None,
    tuple[str, ...],
]
_STEPS: dict[type, Step] = {
    kind: (
        _VISIT.get(kind),
        _DECIDE.get(kind),
        _OPERATE.get(kind),
        tuple(name for name in kind._fields if name not in _PLAIN),
    )
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST) and not issubclass(kind, _EMPTY)
}
