"""bandit's tests driven over a syntax tree without what bandit itself spends most of its time on.

The order of visits, what the tests are given and what becomes of their results are those of `BanditNodeVisitor` and
`BanditTester` (bandit 1.9). Logging, scores and counts of `nosec` are left out; contexts, ranges of lines and waivers
are made where a test is called, and a test is called only where its gates let something pass.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any

from bandit.core import context as bandit_context
from bandit.core import test_set, utils

from agentforge.detect.bandit.gates import Gates, gates_of, is_known

NosecLines = dict[int, set[str] | None]

_KINDS: tuple[type[ast.AST], ...] = tuple(
    kind for kind in vars(ast).values() if isinstance(kind, type) and issubclass(kind, ast.AST)
)
# Fields that hold nothing in which one of bandit's own tests looks: names, numbers, contexts and operators.
_PLAIN = frozenset(
    {"id", "attr", "arg", "name", "asname", "module", "level", "kind", "type_comment", "is_async", "ctx", "op", "ops"}
)
_REMEMBERED_NAMES = 20_000


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
    gates: Gates


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
        # A test of another package may look at any node and at any node's parent.
        everything = not all(is_known(test.call) for found in self._tests.values() for test in found)
        steps = {kind: self._step(kind, everything) for kind in _KINDS}
        self.steps = {kind: step for kind, step in steps.items() if everything or step.visit or step.fields}
        of_calls = [test.gates for test in self.of("Call")]
        words = {word for gates in of_calls for word in gates.words or ()}
        self._words = re.compile("|".join(map(re.escape, sorted(words))) or "(?!)")
        self._wordless = [index for index, gates in enumerate(of_calls) if gates.call is None or gates.words is None]
        self._by_call: dict[str, int] = {}
        self._by_keyword: dict[str, int] = {}

    def _step(self, kind: type[ast.AST], everything: bool) -> Step:
        fields = (
            () if kind is ast.Constant else tuple(name for name in kind._fields if everything or name not in _PLAIN)
        )
        visit = f"visit_{kind.__name__}"
        if not hasattr(Visitor, visit):
            visit = "visit_other" if kind.__name__ in self._tests else ""
        return Step(visit, fields, issubclass(kind, ast.FunctionDef | ast.ClassDef))

    def of(self, kind: str) -> tuple[Test, ...]:
        """The tests of a kind of node, in bandit's order."""
        return self._tests.get(kind, ())

    def of_call(self, name: str, keywords: Sequence[ast.keyword]) -> list[Test]:
        """The tests that may find something in a call."""
        passed = self._by_call.get(name)
        if passed is None:
            # Few names hold a word that any test looks for.
            which = None if self._words.search(name) else self._wordless
            passed = self._remember(self._by_call, name, lambda gates: gates.call is None or gates.call(name), which)
        for keyword in keywords:
            if keyword.arg is not None:
                passed |= self._with_keyword(keyword.arg)
        return [test for index, test in enumerate(self.of("Call")) if passed >> index & 1] if passed else []

    def _with_keyword(self, name: str) -> int:
        found = self._by_keyword.get(name)
        if found is None:
            found = self._remember(
                self._by_keyword, name, lambda gates: gates.keyword is not None and gates.keyword(name)
            )
        return found

    def _remember(
        self, known: dict[str, int], name: str, passes: Callable[[Gates], bool], which: Sequence[int] | None = None
    ) -> int:
        """A bit for each of the tests of calls that passes, of those at some places if they are given."""
        if len(known) >= _REMEMBERED_NAMES:
            known.clear()
        tests = self.of("Call")
        places = range(len(tests)) if which is None else which
        found = known[name] = sum(passes(tests[index].gates) << index for index in places)
        return found


def _loaded(call: Any) -> Test:
    # bandit keeps settings on the function itself, where the next configuration of this process overwrites them.
    return Test(call, (call._config,) if hasattr(call, "_config") else (), gates_of(call))


class Visitor:
    """Walks the tree of one file and keeps the findings in `results`, in bandit's order.

    Args:
        path: as bandit opens it.
        data: the file, open at its begin.
        plan: the tests.
        nosec_lines: line -> what its comment waives.
    """

    def __init__(self, path: str, data: Any, plan: Plan, nosec_lines: NosecLines) -> None:
        self.results: list[Any] = []
        self._path, self._data = path, data
        self._plan = plan
        self._strings = plan.of("Str")
        self._nosec_lines = nosec_lines
        self._visited: list[Any] = []
        self._imports: set[str] = set()
        self._aliases: dict[str, str] = {}
        try:
            self._namespace = utils.get_module_qualname_from_path(path)
        except utils.InvalidModulePath:
            self._namespace = ""
        self._steps = {
            kind: (getattr(self, step.visit) if step.visit else None, step.fields, step.scope)
            for kind, step in plan.steps.items()
        }

    def run(self, module: ast.Module, text: str) -> None:
        """Visit all nodes, then the file as a whole.

        Raises:
            RecursionError: the tree is too deep.
        """
        try:
            self._children(module, self._steps[ast.Module][1])
            tests = [test for test in self._plan.of("File") if test.gates.text is None or test.gates.text(text)]
            given = {"file_data": self._data, "filename": self._path, "lineno": 0, "linerange": [0, 1], "col_offset": 0}
            self._run(tests, given)
        finally:
            # Links to parents make cycles, and to collect those took a tenth of an analysis. So do this object's own
            # methods in its steps: with it the bytes of its file stayed in memory until some thousand files later.
            for node in self._visited:
                node._bandit_parent = None
            self._visited.clear()
            self._steps = {}

    def _children(self, node: Any, fields: tuple[str, ...]) -> None:
        steps, visited = self._steps, self._visited.append
        for field in fields:
            value = getattr(node, field, None)
            pairs: Iterable[tuple[Any, Any]]
            if value.__class__ is list:
                # Each with what follows it, the last one with nothing.
                pairs = zip_longest(value, islice(value, 1, None)) if value else ()
            else:
                pairs = ((value, None),)
            for item, sibling in pairs:
                step = steps.get(item.__class__)
                if step is None:
                    continue
                visited(item)
                item._bandit_parent = node
                item._bandit_sibling = sibling
                visit, inner, scope = step
                if visit is not None:
                    visit(item)
                if inner:
                    self._children(item, inner)
                if scope:
                    self._namespace = self._namespace.rpartition(".")[0]

    def visit_ClassDef(self, node: ast.ClassDef) -> None:  # noqa: N802 - ast's names, here and below
        """Its name is part of the namespace of what it holds. bandit runs no tests on classes."""
        self._namespace = f"{self._namespace}.{node.name}"

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:  # noqa: N802
        """The same for a function, and its tests."""
        self._namespace = f"{self._namespace}.{node.name}"
        tests = [
            test for test in self._plan.of("FunctionDef") if test.gates.function is None or test.gates.function(node)
        ]
        if tests:
            self._run(tests, self._context(node, function=node, qualname=self._namespace, name=node.name))

    def visit_Call(self, node: ast.Call) -> None:  # noqa: N802
        """The tests of calls; a name is that of what was imported."""
        qualname = _qualname(node.func, self._aliases)
        tests = self._plan.of_call(qualname, node.keywords)
        if tests:
            self._run(tests, self._context(node, call=node, qualname=qualname, name=qualname.rpartition(".")[2]))

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:  # noqa: N802
        """Remember what is imported, and run the tests of imports."""
        for alias in node.names:
            if alias.asname:
                self._aliases[alias.asname] = alias.name
            self._imports.add(alias.name)
        tests = self._import_tests("Import", node, "")
        if tests:
            self._run(tests, self._context(node, module=node.names[-1].name))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:  # noqa: N802
        """The same for `from`; without a module (`from . import x`) it is a plain import to bandit."""
        if node.module is None:
            self.visit_Import(node)
            return
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            self._aliases[alias.asname or alias.name] = full
            self._imports.add(full)
        tests = self._import_tests("ImportFrom", node, f"{node.module}.")
        if tests:
            self._run(tests, self._context(node, module=node.module, name=node.names[-1].name))

    def _import_tests(self, kind: str, node: ast.Import | ast.ImportFrom, prefix: str) -> list[Test]:
        listed = node.__class__.__name__  # whose list it is compared with
        return [
            test
            for test in self._plan.of(kind)
            if (gate := test.gates.imported) is None or any(gate(listed, prefix + alias.name) for alias in node.names)
        ]

    def visit_Constant(self, node: Any) -> None:  # noqa: N802
        """The tests of strings and bytes that are no docstrings; their lines are those of the node around them."""
        value, parent = node.value, node._bandit_parent
        if parent.__class__ is ast.Expr:
            return
        if value.__class__ is str:
            passed = [
                test for test in self._strings if (gate := test.gates.string) is None or gate(value, node, parent)
            ]
            if passed:
                self._run(passed, self._context(node, str=value, linerange=utils.linerange(parent)))
        elif value.__class__ is bytes and (tests := self._plan.of("Bytes")):
            self._run(tests, self._context(node, bytes=value, linerange=utils.linerange(parent)))

    def visit_other(self, node: ast.AST) -> None:
        """The tests of any other kind of node."""
        self._run(self._plan.of(node.__class__.__name__), self._context(node))

    def _context(self, node: Any, **more: Any) -> dict[str, Any]:
        """What bandit tells its tests of a node."""
        places = {
            name: getattr(node, name) for name in ("lineno", "col_offset", "end_col_offset") if hasattr(node, name)
        }
        if "linerange" not in more:
            more["linerange"] = utils.linerange(node)
        return {
            "imports": self._imports,
            "import_aliases": self._aliases,
            **places,
            "node": node,
            "filename": self._path,
            "file_data": self._data,
            **more,
        }

    def _run(self, tests: Iterable[Test], given: dict[str, Any]) -> None:
        """Call tests, each with a context of its own; one that fails finds nothing, as with bandit."""
        for test in tests:
            context = bandit_context.Context(dict(given))
            try:
                result = test.call(context, *test.settings)
                if result is not None:
                    self._keep(result, test.call, context._context)
            except Exception:  # noqa: BLE001, S112 - a plug-in may raise anything; bandit logs it and goes on
                continue

    def _keep(self, result: Any, test: Any, context: dict[str, Any]) -> None:
        # Before the line is filled in, as with bandit: only a line that the test itself names counts.
        waived = self._waived(result.lineno, context["linerange"])
        result.fname, result.fdata = context["filename"], context["file_data"]
        if result.lineno is None:
            result.lineno = context["lineno"]
        if result.linerange == []:
            result.linerange = context["linerange"]
        if result.col_offset == -1:
            result.col_offset = context["col_offset"]
        result.end_col_offset = context.get("end_col_offset", 0)
        result.test = test.__name__
        if result.test_id == "":
            result.test_id = test._test_id
        # An empty set is a comment without the names of tests: it waives all.
        if waived is None or (waived and result.test_id not in waived):
            self.results.append(result)

    def _waived(self, line: int | None, lines: list[int]) -> set[str] | None:
        """The tests that comments waive: that of the finding's line, and the first among the lines of its node."""
        if not self._nosec_lines:
            return None
        own = self._nosec_lines.get(line) if line is not None else None
        around = utils.get_nosec(self._nosec_lines, {"linerange": lines})
        return None if own is None and around is None else (own or set()) | (around or set())


def _qualname(node: Any, aliases: dict[str, str]) -> str:
    """What bandit takes for the full name of a called function; empty for what has no static name."""
    if node.__class__ is ast.Name:
        name: str = node.id
        return aliases.get(name, name)
    if node.__class__ is ast.Attribute:
        name = f"{_qualname(node.value, aliases)}.{node.attr}"
        return aliases.get(name, name)
    return ""
