"""bandit's tests driven over a syntax tree without what bandit itself spends most of its time on.

The order of visits, what the tests are given and what becomes of their results are those of `BanditNodeVisitor` and
`BanditTester` (bandit 1.9); logging, scores, copies of the context and line ranges that nobody reads are left out.
"""

from __future__ import annotations

import ast
from typing import Any

from bandit.core import context as bandit_context
from bandit.core import node_visitor, tester, utils

_LEAVES = (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)


class LazyContext(dict[str, Any]):
    """bandit's context of a node; the range of lines is computed when it is asked for."""

    def __missing__(self, key: str) -> Any:
        if key != "linerange":
            raise KeyError(key)
        found = self[key] = utils.linerange(self["lines_of"])
        return found


class Tester(tester.BanditTester):  # type: ignore[misc]  # bandit has no types
    """Runs the tests of a kind of node and keeps their results."""

    def run_tests(self, raw_context: dict[str, Any], checktype: str) -> None:
        """Run them; one that fails finds nothing, as with bandit."""
        tests = self.testset.get_tests(checktype)
        if not tests:
            return
        given = bandit_context.Context(raw_context)
        for test in tests:
            if checktype == "Call" and test.__name__ == "blacklist" and _surely_allowed(test, raw_context):
                continue
            try:
                result = test(given, test._config) if hasattr(test, "_config") else test(given)
            except Exception:  # noqa: BLE001, S112 - a plug-in may raise anything; bandit logs it and goes on
                continue
            if result is not None:
                self._keep(result, test, raw_context)

    def _keep(self, result: Any, test: Any, context: dict[str, Any]) -> None:
        result.fname = context["filename"]
        result.fdata = context["file_data"]
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
        waived = self._get_nosecs_from_contexts(context, test_result=result) if self.nosec_lines else None
        # An empty set is a comment without the names of tests: it waives all.
        if waived is None or (waived and result.test_id not in waived):
            self.results.append(result)


def _surely_allowed(test: Any, context: dict[str, Any]) -> bool:
    """Whether the list of forbidden calls says nothing of a call, which is so of nearly all."""
    name: str = context["qualname"]
    names = getattr(test, "_agentforge_names", None)
    if names is None:
        listed = {name for check in test._config["Call"] for name in check["qualnames"]}
        names = test._agentforge_names = frozenset({*listed, "importlib.import_module"})
    return name not in names and not name.endswith("__import__")


class Visitor(node_visitor.BanditNodeVisitor):  # type: ignore[misc]
    """Walks a tree as bandit does."""

    namespace: str
    context: dict[str, Any]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.tester = Tester(self.testset, self.debug, self.nosec_lines, self.metrics)

    def update_scores(self, scores: object) -> None:
        """Nobody asks for bandit's scores."""

    def visit_Str(self, node: ast.Constant) -> None:  # noqa: N802 - bandit's name
        """A string that is no docstring; its lines are those of the node around it."""
        self._visit_text(node, "str", "Str")

    def visit_Bytes(self, node: ast.Constant) -> None:  # noqa: N802
        """The same for bytes."""
        self._visit_text(node, "bytes", "Bytes")

    def _visit_text(self, node: Any, key: str, checktype: str) -> None:
        self.context[key] = node.value
        if not isinstance(node._bandit_parent, ast.Expr):
            self.context["lines_of"] = node._bandit_parent
            self.tester.run_tests(self.context, checktype)

    def generic_visit(self, node: Any) -> None:
        """Visit the children of a node, in the order of its fields."""
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                last = len(value) - 1
                for index, item in enumerate(value):
                    if isinstance(item, ast.AST):
                        self._child(node, item, value[index + 1] if index < last else None)
            elif isinstance(value, ast.AST):
                self._child(node, value, None)

    def _child(self, parent: Any, item: Any, sibling: Any) -> None:
        kind = item.__class__.__name__
        if isinstance(item, _LEAVES) and not self.testset.get_tests(kind):
            return
        item._bandit_sibling = sibling
        item._bandit_parent = parent
        method = getattr(self, f"visit_{kind}", None)
        if method is not None or self.testset.get_tests(kind):
            self._set_context(item)
            if method is not None:
                method(item)
            else:
                self.tester.run_tests(self.context, kind)
        self.generic_visit(item)
        if isinstance(item, (ast.FunctionDef, ast.ClassDef)):
            self.namespace = utils.namespace_path_split(self.namespace)[0]

    def _set_context(self, node: Any) -> None:
        context = self.context = LazyContext(
            imports=self.imports,
            import_aliases=self.import_aliases,
            node=node,
            lines_of=node,
            filename=self.fname,
            file_data=self.fdata,
        )
        if hasattr(node, "lineno"):
            context["lineno"] = node.lineno
            context["col_offset"] = node.col_offset
            context["end_col_offset"] = node.end_col_offset
