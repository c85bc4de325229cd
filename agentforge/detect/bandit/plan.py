"""Which of bandit's tests there are to call at a node, by what their gates demand, prepared once a configuration."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bandit.core import test_set

from agentforge.detect.bandit import gates

_KINDS: tuple[type[ast.AST], ...] = tuple(
    kind for kind in vars(ast).values() if isinstance(kind, type) and issubclass(kind, ast.AST)
)
# Fields that hold nothing in which one of bandit's own tests looks: names, numbers, contexts and operators.
_PLAIN = frozenset(
    {"id", "attr", "arg", "name", "asname", "module", "level", "kind", "type_comment", "is_async", "ctx", "op", "ops"}
)
# For which the visitor has a method of their own.
_VISITED = (ast.ClassDef, ast.FunctionDef, ast.Call, ast.Import, ast.ImportFrom, ast.Constant)
_REMEMBERED_NAMES = 20_000
Name = TypeVar("Name", str, str | None)


@dataclass(frozen=True, slots=True)
class Test:
    """One loaded test.

    Attributes:
        call: the plug-in's function, with the attributes that bandit's decorators gave it.
        settings: its configuration, as bandit passes it: nothing, or one argument.
        gates: what must be so for it to find anything.
    """

    call: Any
    settings: tuple[Any, ...]
    gates: gates.Gates


@dataclass(frozen=True, slots=True)
class Step:
    """What there is to do at a kind of node.

    Attributes:
        visit: the name of the visitor's method, empty where no test looks at the kind.
        fields: those that can hold further nodes.
        scope: whether its name becomes part of the namespace, as bandit sees it (not for `async def`).
    """

    visit: str
    fields: tuple[str, ...]
    scope: bool


class Plan:
    """The tests of a configuration, arranged by the kind of node and by what lets them pass."""

    def __init__(self, tests: test_set.BanditTestSet) -> None:
        self._tests = {kind: tuple(map(_loaded, found)) for kind, found in tests.tests.items()}
        # A test of another package may look at any node, and from there at any other.
        self.links = not all(gates.is_known(test.call) for found in self._tests.values() for test in found)
        steps = {kind: self._step(kind) for kind in _KINDS}
        self.steps = {kind: step for kind, step in steps.items() if self.links or step.visit or step.fields}
        self.calls = Calls(self.of("Call"))
        self.strings = Strings(self.of("Str"))

    def _step(self, kind: type[ast.AST]) -> Step:
        fields = (
            () if kind is ast.Constant else tuple(name for name in kind._fields if self.links or name not in _PLAIN)
        )
        visit = f"visit_{kind.__name__}"
        if kind not in _VISITED:
            visit = "visit_other" if kind.__name__ in self._tests else ""
        return Step(visit, fields, issubclass(kind, ast.FunctionDef | ast.ClassDef))

    def of(self, kind: str) -> tuple[Test, ...]:
        """The tests of a kind of node, in bandit's order."""
        return self._tests.get(kind, ())


class Calls:
    """The tests of calls, by what lets them pass. A bit stands for each test."""

    def __init__(self, tests: Sequence[Test]) -> None:
        self._tests = tests
        self._by_name: dict[str, int] = {}
        self._by_keyword: dict[str | None, int] = {None: 0}
        self._always = 0
        self._full: dict[str, int] = defaultdict(int)
        self._last: dict[str, int] = defaultdict(int)
        self._first: dict[str, int] = defaultdict(int)
        self._within: dict[str, int] = defaultdict(int)
        for index, test in enumerate(tests):
            names = test.gates.call
            if names is None:
                self._always |= 1 << index
                continue
            for texts, bits in (
                (names.full, self._full),
                (names.last, self._last),
                (names.first, self._first),
                (names.within, self._within),
            ):
                for text in texts:
                    bits[text] |= 1 << index

    def of(self, name: str, keywords: Sequence[ast.keyword]) -> Sequence[Test]:
        """The tests that may find something in a call, in bandit's order."""
        passed = self._by_name.get(name)
        if passed is None:
            passed = _remember(self._by_name, name, self._named(name))
        for keyword in keywords:
            found = self._by_keyword.get(keyword.arg)
            if found is None:
                found = _remember(self._by_keyword, keyword.arg, self._with_keyword(keyword.arg or ""))
            passed |= found
        return [test for index, test in enumerate(self._tests) if passed >> index & 1] if passed else ()

    def _named(self, name: str) -> int:
        first, last = name.partition(".")[0], name.rpartition(".")[2]
        passed = self._always | self._full.get(name, 0) | self._last.get(last, 0) | self._first.get(first, 0)
        for piece, bits in self._within.items():
            if piece in name:
                passed |= bits
        return passed

    def _with_keyword(self, name: str) -> int:
        gates = enumerate(test.gates.keyword for test in self._tests)
        return sum((gate is not None and gate(name)) << index for index, gate in gates)


class Strings:
    """The tests of strings, by what lets them pass."""

    def __init__(self, tests: Sequence[Test]) -> None:
        self._tests = tests
        self._everywhere = any(test.gates.string is None for test in tests)
        gates = [test.gates.string for test in tests if test.gates.string is not None]
        self._begins = tuple(text for gate in gates for text in gate.begins)
        self._under = frozenset(kind for gate in gates for kind in gate.under)

    def of(self, text: str, node: Any, parent: Any) -> Sequence[Test]:
        """The tests that may find something in a string, in bandit's order."""
        kind = parent.__class__
        if kind not in self._under and not text.startswith(self._begins) and not self._everywhere:
            return ()
        return [test for test in self._tests if _passes(test.gates.string, text, node, parent)]


def _passes(gate: gates.Strings | None, text: str, node: Any, parent: Any) -> bool:
    if gate is None or text.startswith(gate.begins):
        return True
    under = gate.under.get(parent.__class__)
    return under is not None and under(text, node, parent)


def _remember(known: dict[Name, int], name: Name, bits: int) -> int:
    if len(known) >= _REMEMBERED_NAMES:
        known.clear()
    known[name] = bits
    return bits


def _loaded(call: Any) -> Test:
    # bandit keeps settings on the function itself, where the next configuration of this process overwrites them.
    return Test(call, (call._config,) if hasattr(call, "_config") else (), gates.gates_of(call))
