"""What a function is called, takes and calls, and how alike two functions are in it: what `similar` adds to a cosine.

A vector holds names as a sum of many; these few tell of two functions that are near which is nearer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from agentforge.embed.calibration import weights
from agentforge.embed.features import kind_table, sub_tokens

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentforge.parse import ParsedFile

    Rarity = Callable[[str], float]

_LEAST_RARITY = 0.1
_ANONYMOUS = "<anonymous>"
_WORD = re.compile(r"[^\W\d]\w*")
_LAST_NAME = re.compile(r"([^\W\d][\w$]*)[?!]?(?:(?:::)?<[^<>]*>)?\s*$")
_CALLEE_FIELDS = ("function", "name", "method", "macro", "constructor", "type")
_NAME_FIELDS = ("name", "declarator")
_NO_PARAMETERS = frozenset(("self", "cls", "this", "void"))  # `f(void)` in C takes nothing


@dataclass(frozen=True, slots=True)
class Traits:
    """Of one function.

    Attributes:
        name: the sub-tokens of its name, each with its rarity.
        takes: how many parameters it has.
        called: the names that it calls, as written, by their letters: `read_all` and `readAll` are one.
        calls: those letters with their rarity; a call of itself is left out.
    """

    name: dict[str, float]
    takes: int
    called: dict[str, str]
    calls: dict[str, float]


def traits(name: str, parsed: ParsedFile, rarity: Rarity) -> Traits:
    """Read those of a function.

    Args:
        name: of the function; without a letter to take the one that stands in the code.
        parsed: its code, alone or with what its language wants around it.
        rarity: of a word in code, as `FastEmbedder.rarity` has it.
    """
    function, parameters = _head(parsed.tree.root_node)
    tokens = [] if name == _ANONYMOUS else sub_tokens(name) or sub_tokens(_name_of(function))
    called = calls(parsed)
    own = "".join(tokens)
    return Traits(
        name=_weighed("s:", tokens, rarity),
        takes=sum(not _NO_PARAMETERS.issuperset(_WORD.findall(_text(node))) for node in parameters),
        called=called,
        calls=_weighed("c:", (letters for letters in called if letters != own), rarity),
    )


def parts(one: Traits, other: Traits) -> tuple[float, float, float]:
    """How alike two functions are in name, number of parameters and calls, 0 to 1 each."""
    return _shared(one.name, other.name), float(one.takes == other.takes), _shared(one.calls, other.calls)


def alike(one: Traits, other: Traits) -> float:
    """The weighted sum of these, 0 to less than 1."""
    return sum(weight * part for weight, part in zip(weights(), parts(one, other), strict=True))


def calls(parsed: ParsedFile) -> dict[str, str]:
    """The names that are called in a piece of code, as written, by their letters."""
    types = _types("call")
    found: dict[str, str] = {}
    for node in _walk(parsed.tree.root_node):
        if node.type not in types:
            continue
        fields = (node.child_by_field_name(field) for field in _CALLEE_FIELDS)
        callee = next((child for child in fields if child), node.named_children[0] if node.named_children else None)
        name = _LAST_NAME.search(_text(callee)) if callee else None
        if name:
            found.setdefault("".join(sub_tokens(name[1])), name[1])
    return found


def _head(root: Node) -> tuple[Node | None, list[Node]]:
    """The first function of a tree that has parameters, and these, without what a method in Go is called on."""
    lists, single = _types("parameters"), _types("parameter")
    for node in _walk(root):
        if node.type in lists and not _is_receiver(node):
            return node.parent, [child for child in node.named_children if "comment" not in child.type]
        if node.type in single and node.parent and node.parent.type not in lists:  # Swift has no node for the list
            return node.parent, [child for child in node.parent.named_children if child.type in single]
    return None, []


def _is_receiver(node: Node) -> bool:
    return node.parent is not None and node.parent.child_by_field_name("receiver") == node


def _name_of(function: Node | None) -> str:
    """Its name, which may stand in front of it (`const f = (a) => ...`); empty where there is none."""
    for node in (function, function.parent if function else None):
        fields = (node.child_by_field_name(field) for field in _NAME_FIELDS) if node else ()
        name = next((_LAST_NAME.search(_text(child)) for child in fields if child), None)
        if name:
            return name[1]
    return ""


def _weighed(kind: str, tokens: Iterable[str], rarity: Rarity) -> dict[str, float]:
    return {token: rarity(f"{kind}{token}") + _LEAST_RARITY for token in tokens}


def _shared(one: dict[str, float], other: dict[str, float]) -> float:
    """The weight of what both have, of what either has; 0 where neither has anything."""
    total = sum((one | other).values())
    return sum(one[token] for token in one.keys() & other.keys()) / total if total else 0.0


def _walk(root: Node) -> Iterator[Node]:
    """The named nodes of a tree, in the order of the text."""
    todo = [root]
    while todo:
        node = todo.pop()
        yield node
        todo.extend(reversed(node.named_children))


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


@cache
def _types(kind: str) -> frozenset[str]:
    return frozenset(kind_table()["kinds"][kind])
