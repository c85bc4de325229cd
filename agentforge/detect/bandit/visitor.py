"""bandit's tests driven over a syntax tree without what bandit itself spends most of its time on.

The order of visits, what the tests are given and what becomes of their results are those of `BanditNodeVisitor` and
`BanditTester` (bandit 1.9). Logging, scores and counts of `nosec` are left out; contexts, ranges of lines and waivers
are made where a test is called, and a test is called only where its gates let something pass.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Any, cast

from bandit.core import context as bandit_context
from bandit.core import utils

from agentforge.detect.bandit.plan import Plan, Test

NosecLines = dict[int, set[str] | None]
Visit = Callable[[Any, Any], None]


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
        self._nosec_lines = nosec_lines
        self._around: list[Any] = []
        self._linked: list[Any] = []
        self._imports: set[str] = set()
        self._aliases: dict[str, str] = {}
        self._namespace = _module_name(path)
        self._steps: dict[type, tuple[Visit | None, tuple[str, ...], bool]] = {
            kind: (self._visit(step.visit), step.fields, step.scope) for kind, step in plan.steps.items()
        }

    def _visit(self, name: str) -> Visit | None:
        visit: Visit | None = getattr(self, name) if name else None
        if not self._plan.links:
            return visit

        def linked(node: Any, parent: Any) -> None:
            node._bandit_parent = parent
            self._linked.append(node)
            _link_siblings(node)
            if visit is not None:
                visit(node, parent)

        return linked

    def run(self, module: ast.Module, text: str) -> None:
        """Visit all nodes, then the file as a whole.

        Raises:
            RecursionError: the tree is too deep.
        """
        try:
            if self._plan.links:
                _link_siblings(module)
            self._children(module, self._steps[ast.Module][1])
            tests = [test for test in self._plan.of("File") if test.gates.text is None or test.gates.text(text)]
            given = {"file_data": self._data, "filename": self._path, "lineno": 0, "linerange": [0, 1], "col_offset": 0}
            self._run(tests, given)
        finally:
            # Links to parents make cycles, and to collect those took a tenth of an analysis. So do this object's own
            # methods in its steps: with it the bytes of its file stayed in memory until some thousand files later.
            for node in self._linked:
                node._bandit_parent = None
            self._linked.clear()
            self._around.clear()
            self._steps = {}

    def _children(self, node: Any, fields: tuple[str, ...]) -> None:
        steps = self._steps
        self._around.append(node)
        for field in fields:
            value = getattr(node, field, None)
            for item in value if value.__class__ is list else (value,):
                step = steps.get(item.__class__)
                if step is None:
                    continue
                visit, inner, scope = step
                if visit is not None:
                    visit(item, node)
                if inner:
                    self._children(item, inner)
                if scope:
                    self._namespace = self._namespace.rpartition(".")[0]
        self._around.pop()

    def _link(self, node: Any) -> None:
        """Give a node, and those around it, the links to parents that bandit's tests follow."""
        for parent in reversed(self._around):
            if getattr(node, "_bandit_parent", None) is not None:
                return
            node._bandit_parent = parent
            self._linked.append(node)
            node = parent

    def visit_ClassDef(self, node: ast.ClassDef, _: ast.AST) -> None:  # noqa: N802 - ast's names, here and below
        """Its name is part of the namespace of what it holds. bandit runs no tests on classes."""
        self._namespace = f"{self._namespace}.{node.name}"

    def visit_FunctionDef(self, node: ast.FunctionDef, _: ast.AST) -> None:  # noqa: N802
        """The same for a function, and its tests."""
        self._namespace = f"{self._namespace}.{node.name}"
        tests = self._tests(node)
        if tests:
            self._run(tests, self._context(node, function=node, qualname=self._namespace, name=node.name))

    def visit_Call(self, node: ast.Call, _: ast.AST) -> None:  # noqa: N802
        """The tests of calls; a name is that of what was imported."""
        qualname = _qualname(node.func, self._aliases)
        tests = self._plan.calls.of(qualname, node.keywords)
        if tests:
            self._run(tests, self._context(node, call=node, qualname=qualname, name=qualname.rpartition(".")[2]))

    def visit_Import(self, node: ast.Import | ast.ImportFrom, _: ast.AST) -> None:  # noqa: N802
        """Remember what is imported, and run the tests of imports."""
        for alias in node.names:
            if alias.asname:
                self._aliases[alias.asname] = alias.name
            self._imports.add(alias.name)
        tests = self._import_tests("Import", node, "")
        if tests:
            self._run(tests, self._context(node, module=node.names[-1].name))

    def visit_ImportFrom(self, node: ast.ImportFrom, parent: ast.AST) -> None:  # noqa: N802
        """The same for `from`; without a module (`from . import x`) it is a plain import to bandit."""
        if node.module is None:
            self.visit_Import(node, parent)
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

    def visit_Constant(self, node: Any, parent: Any) -> None:  # noqa: N802
        """The tests of strings and bytes that are no docstrings; their lines are those of the node around them."""
        value = node.value
        if parent.__class__ is ast.Expr:
            return
        if value.__class__ is str:
            tests = self._plan.strings.of(value, node, parent)
            if tests:
                self._run(tests, self._context(node, str=value, linerange=utils.linerange(parent)))
        elif value.__class__ is bytes and (tests := self._plan.of("Bytes")):
            self._run(tests, self._context(node, bytes=value, linerange=utils.linerange(parent)))

    def visit_other(self, node: ast.AST, _: ast.AST) -> None:
        """The tests of any other kind of node."""
        tests = self._tests(node)
        if tests:
            self._run(tests, self._context(node))

    def _tests(self, node: ast.AST) -> list[Test]:
        """The tests of a node's kind that may find something in it."""
        of_kind = self._plan.of(node.__class__.__name__)
        return [test for test in of_kind if (gate := test.gates.node) is None or gate(node)]

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
        if "node" in given:
            self._link(given["node"])
        for test in tests:
            context = bandit_context.Context(dict(given))
            try:
                result = test.call(context, *test.settings)
                if result is not None:
                    self._keep(result, test.call, context._context)
            except Exception:  # nosec B112  # noqa: BLE001, S112 - a plug-in may raise anything; bandit logs it and goes on
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


def _link_siblings(node: ast.AST) -> None:
    """Give each node in a node the link to what follows it, the last one and a single one to nothing."""
    for _, value in ast.iter_fields(node):
        items = value if isinstance(value, list) else [value]
        for item, sibling in zip_longest(items, items[1:]):
            if isinstance(item, ast.AST):
                cast("Any", item)._bandit_sibling = sibling


@lru_cache(maxsize=1000)
def _package(folder: str) -> str:
    """The qualified name of a folder with a dot behind it, empty where it is no package; bandit asks for each file."""
    name: str = utils.get_module_qualname_from_path(f"{folder}/x.py")
    return name.removesuffix("x")


def _module_name(path: str) -> str:
    """The qualified name of a module as bandit has it, empty for a path that it does not take."""
    folder, name = os.path.split(path)
    return _package(folder) + Path(name).stem if folder and name else ""


def _qualname(node: Any, aliases: dict[str, str]) -> str:
    """What bandit takes for the full name of a called function; empty for what has no static name."""
    if node.__class__ is ast.Name:
        name: str = node.id
        return aliases.get(name, name)
    if node.__class__ is ast.Attribute:
        name = f"{_qualname(node.value, aliases)}.{node.attr}"
        return aliases.get(name, name)
    return ""
