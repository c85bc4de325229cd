"""The rules of one language with their queries, each compiled when it is first needed, once a process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tree_sitter import Query, QueryError

from agentforge import parse
from agentforge.detect import loader
from agentforge.detect.predicates import COUNTS, PATTERNS, PREDICATES, SAME
from agentforge.detect.rule import Rule
from agentforge.errors import UsageError

# A predicate at the end of a pattern: its name, and its arguments, each a capture, a text in quotes or a bare word.
_PREDICATE = re.compile(r'\(#([\w-]+[?!])((?:[^()"]|"(?:\\.|[^"\\])*")*)\)')
_ARGUMENT = re.compile(r'"(?:\\.|[^"\\])*"|[^\s"]+')
_BRACKET = re.compile(r'"(?:\\.|[^"\\])*"|;[^\n]*|[()\[\]]')
_LONGEST_QUERY, _DEEPEST_QUERY = 10_000, 64
BUILT_IN = frozenset(
    negation + name
    for name in ("eq?", "any-eq?", "match?", "any-match?", "any-of?")
    for negation in ("", "not-", "any-not-")
)


class RuleSet:
    """Rules of one language, ready to be tried on its files.

    Attributes:
        language: name of the language.
        rules: all of them, sorted by id.
        metric_rules: those that compare a measure.
        gated: those tried only around their literals.
        ungated: those tried on every file.
    """

    def __init__(self, language: str, rules: tuple[Rule, ...]) -> None:
        self.language = language
        self.rules = tuple(rule for rule in rules if rule.enabled)
        self.metric_rules = tuple(rule for rule in self.rules if rule.metric)
        self.gated = tuple(rule for rule in self.rules if rule.query and rule.literals)
        self.ungated = tuple(rule for rule in self.rules if rule.query and not rule.literals)
        self._compiled: dict[str, Query] = {}
        self._together: tuple[Query, tuple[Rule, ...]] | None = None

    def __len__(self) -> int:
        return len(self.rules)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def query(self, rule: Rule) -> Query:
        """The compiled query of a rule.

        Raises:
            UsageError: the query does not fit the grammar or uses an unknown predicate.
        """
        compiled = self._compiled.get(rule.id)
        if compiled is None:
            compiled = self._compiled[rule.id] = compile_rule(rule)
        return compiled

    def together(self) -> tuple[Query, tuple[Rule, ...]]:
        """The queries of the ungated rules as one, which walks a tree once, and the rule of each of its patterns.

        Raises:
            UsageError: the query of a rule does not fit the grammar or uses an unknown predicate.
        """
        if self._together is None:
            counts = [self.query(rule).pattern_count for rule in self.ungated]
            query = Query(parse.grammar(self.language), "\n".join(rule.query for rule in self.ungated))
            rules = tuple(rule for rule, count in zip(self.ungated, counts, strict=True) for _ in range(count))
            self._together = query, rules
        return self._together


def compile_rule(rule: Rule) -> Query:
    """Compile a rule's query for its language and check its predicates.

    Raises:
        UsageError: the query does not fit the grammar or uses an unknown predicate.
    """
    if len(rule.query) > _LONGEST_QUERY or _depth(rule.query) > _DEEPEST_QUERY:
        raise UsageError(
            f"{rule.source}:{rule.line}: rule `{rule.id}`: the query is longer than {_LONGEST_QUERY:,} characters or "
            f"nested more than {_DEEPEST_QUERY} deep.",
            "Split the rule.",
        )
    try:
        compiled = Query(parse.grammar(rule.language), rule.query)
    except QueryError as error:
        raise UsageError(
            f"{rule.source}:{rule.line}: rule `{rule.id}`: the query does not fit {rule.language}: {error}.",
            "Compare it with the node types of the language's tree-sitter grammar.",
        ) from error
    for name, arguments in _PREDICATE.findall(rule.query):
        problem = _problem(name, [part.group() for part in _ARGUMENT.finditer(arguments)])
        if problem:
            raise UsageError(
                f"{rule.source}:{rule.line}: rule `{rule.id}`: {problem}",
                f"docs/rules.md describes them: {', '.join(sorted({*BUILT_IN, *PREDICATES, SAME}))}.",
            )
    return compiled


def _depth(query: str) -> int:
    """How deep its brackets are nested, those in texts aside. tree-sitter's reader of queries overflows its stack."""
    depth = deepest = 0
    for bracket in _BRACKET.findall(query):
        depth += (bracket in "([") - (bracket in ")]")
        deepest = max(deepest, depth)
    return deepest


def _problem(name: str, arguments: list[str]) -> str:
    """What is wrong with a predicate, empty where nothing is. tree-sitter itself looks at those that it knows."""
    if name in BUILT_IN:
        return ""
    bare = name.removeprefix("not-")
    if bare not in PREDICATES and bare != SAME:
        return f"there is no predicate `#{name}`."
    least, most = COUNTS.get(bare, (2, None))
    if not arguments or not all(part.startswith("@") for part in arguments[: 2 if bare == SAME else 1]):
        return f"`#{name}` wants a capture first."
    if len(arguments) < least or (most is not None and len(arguments) > most):
        return f"`#{name}` has {len(arguments)} arguments, which is not how many it takes."
    if bare in PATTERNS:
        try:
            re.compile(re.sub(r"\\(.)", r"\1", arguments[-1][1:-1]))
        except re.error as error:
            return f"the pattern of `#{name}` is not a regular expression: {error}."
    return ""


@cache
def rule_set(language: str) -> RuleSet:
    """The built-in rules of a language, read once a process.

    Args:
        language: name of a folder in `agentforge/languages`.

    Raises:
        UsageError: a rule file is not usable as it stands.
    """
    return RuleSet(language, loader.load(language))
