"""Query predicates beyond those that tree-sitter's binding evaluates itself (docs/rules.md lists both kinds).

The binding calls `Predicates` only for names that it does not know, in the order in which a pattern writes them, and
stops at the first that fails: cheap built-in predicates belong before these.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Literal

from tree_sitter import Node

Arguments = list[tuple[str, Literal["capture", "string"]]]
_HEAD = 300
_CAPTURE = re.compile(r"\{([A-Za-z_]\w*)\}")
_MAX_DEPTH = 400
# What stands where a secret will be filled in: a template, a name of the thing itself, or a row of one character.
_PLACEHOLDER = re.compile(
    r"(?i)[<>{}$%\s]|example|placeholder|change.?me|your[_-]?|dummy|sample|default|redacted|xxx|anonymous|\*\*\*|\.\.\."
    r"|^(?:test|none|null|undefined|true|false|admin|root|user(?:name)?|secret|token|api[_-]?key)[\w-]{0,4}$"
    r"|^[\w.:/-]*(?:passw(?:or)?d|secret|token|credential|key)[\w.:/-]*$"  # what it is called, not what it is
    r"|^pass(?:word|wd)?[\w-]{0,6}$|^https?:|^(.)\1*$|^[A-Za-z]+[./_-][A-Za-z]+(?:[./_-][A-Za-z]+)*$"
)


def ancestors(node: Node) -> Iterator[Node]:
    """The nodes around a node, nearest first."""
    for _ in range(_MAX_DEPTH):
        above = node.parent
        if above is None:
            return
        yield above
        node = above


def text(node: Node) -> str:
    """The source text of a node."""
    return (node.text or b"").decode("utf-8", "replace")


def entropy(value: str) -> float:
    """Shannon's entropy in bits a character; 0 for an empty text."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values())


def looks_secret(value: str) -> bool:
    """Whether a quoted text is likely a real credential, not a placeholder, a word or a name."""
    bare = value.strip("\"'`")
    if not 6 <= len(bare) <= 200 or _PLACEHOLDER.search(bare):
        return False
    kinds = sum(bool(re.search(kind, bare)) for kind in ("[a-z]", "[A-Z]", "[0-9]", r"[^\w]"))
    return kinds >= 2 and entropy(bare) >= 2.5


@lru_cache(maxsize=1024)
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _parent(node: Node, kinds: list[str]) -> bool:
    above = node.parent
    return above is not None and above.type in kinds


def _ancestor(node: Node, kinds: list[str]) -> bool:
    return any(above.type in kinds for above in ancestors(node))


def _child(node: Node, kinds: list[str]) -> bool:
    return any(child.type in kinds for child in node.children)


def _descendant(node: Node, kinds: list[str]) -> bool:
    pending = list(node.children)
    while pending:
        child = pending.pop()
        if child.type in kinds:
            return True
        pending.extend(child.children)
    return False


def _kind(node: Node, kinds: list[str]) -> bool:
    return node.type in kinds


def _inside(node: Node, arguments: list[str]) -> bool:
    """Inside a node of the first argument's type whose first characters match the second."""
    kind, pattern = arguments
    found = _regex(pattern)
    return any(above.type == kind and found.search(text(above)[:_HEAD]) is not None for above in ancestors(node))


def _within(node: Node, arguments: list[str]) -> bool:
    """The whole text of the nearest node of the first argument's type around it matches the second."""
    kind, pattern = arguments
    around = next((above for above in ancestors(node) if above.type == kind), None)
    return around is not None and _regex(pattern).search(text(around)) is not None


def _follows(node: Node, arguments: list[str]) -> bool:
    """Right after a sibling whose text matches the argument."""
    before = node.prev_named_sibling
    return before is not None and _regex(arguments[0]).search(text(before)) is not None


def _secret(node: Node, _: list[str]) -> bool:
    return looks_secret(text(node))


PREDICATES: dict[str, Callable[[Node, list[str]], bool]] = {
    "has-parent?": _parent,
    "has-ancestor?": _ancestor,
    "has-child?": _child,
    "has-descendant?": _descendant,
    "kind?": _kind,
    "inside?": _inside,
    "within?": _within,
    "follows?": _follows,
    "secret?": _secret,
}

SAME = "same?"  # of two captures, so it is none of those
# How many arguments they take, the capture included: least and most; all others take one kind of node or more.
COUNTS: dict[str, tuple[int, int | None]] = {
    "secret?": (1, 1),
    "follows?": (2, 2),
    "inside?": (3, 3),
    "within?": (3, 3),
    SAME: (2, 2),
}
# Those whose last argument is a regular expression.
PATTERNS = frozenset({"follows?", "inside?", "within?"})


def _same(args: Arguments, captures: dict[str, list[Node]]) -> bool:
    """Two captures have the same text. `#eq?` looks at no length, and the binding copies the file for each text."""
    first, second = (captures.get(name, ()) for name, _ in args)
    if not first or not second:
        return True
    one, other = first[0], second[0]
    return one.end_byte - one.start_byte == other.end_byte - other.start_byte and one.text == other.text


def _filled(value: str, captures: dict[str, list[Node]]) -> str:
    """An argument with the texts of captures in it, for `{capture}`, as a regular expression takes them literally."""
    if "{" not in value:
        return value

    def fill(found: re.Match[str]) -> str:
        nodes = captures.get(found[1], ())
        return re.escape(text(nodes[0])) if nodes else found[0]

    return _CAPTURE.sub(fill, value)


def evaluate(
    predicate: str,
    args: Arguments,
    pattern_index: int,
    captures: dict[str, list[Node]],
) -> bool:
    """Whether a match passes a predicate, for tree-sitter's binding; leaves the captures empty.

    The binding (0.26) never frees what it hands to a predicate, and each node keeps its whole tree: the captures, which
    are made anew for each call, are let go here.

    Raises:
        LookupError: there is no such predicate, or its first argument is not a capture.
    """
    try:
        return _holds(predicate, args, pattern_index, captures)
    finally:
        captures.clear()


def _holds(
    predicate: str,
    args: Arguments,
    pattern_index: int,
    captures: dict[str, list[Node]],
) -> bool:
    """Whether a match passes a predicate: for all nodes of its first argument's capture.

    Every predicate has a negation, `not-` before its name. A capture without a node passes.

    Raises:
        LookupError: there is no such predicate, or its first argument is not a capture.
    """
    negated = predicate.startswith("not-")
    if predicate.endswith(SAME):
        return _same(args, captures) is not negated
    test = PREDICATES[predicate.removeprefix("not-")]
    if not args or args[0][1] != "capture":
        raise LookupError(predicate)
    strings = [_filled(value, captures) for value, _ in args[1:]]
    return all(test(node, strings) is not negated for node in captures.get(args[0][0], ()))
