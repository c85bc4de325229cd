"""Whether the shipped patterns find their test code when its own names are replaced.

    python benchmarks/pattern_renames.py

Replaced, by names that say nothing, is what a function names itself and no pattern demands: its parameters and
variables, not what it calls, nor members, types or modules. The test code (`match`) is none of the examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from agentforge.embed.interface import DEFAULT_MODEL
from agentforge.embed.snippets import parsed_snippet
from agentforge.errors import UsageError
from agentforge.patterns import Example, Pattern, shipped
from agentforge.pipeline.pattern_matches import in_code
from agentforge.pipeline.patterns import Finder

NAME = re.compile(r"\$?[a-z_]\w*")
RECEIVERS = ("self", "this")


def leaves(node: Node) -> Iterator[Node]:
    """The nodes without children."""
    if not node.children:
        yield node
    for child in node.children:
        yield from leaves(child)


def own_names(pattern: Pattern, example: Example) -> list[str]:
    """What may be replaced."""
    parsed = parsed_snippet(example.code, example.language)[1]
    demanded = [text.strip() for group in (*pattern.words, pattern.not_words) for text in group]
    own: dict[str, None] = {}
    fixed = set(RECEIVERS)
    for leaf in leaves(parsed.tree.root_node):
        if not leaf.type.endswith(("identifier", "name")):
            continue
        text = parsed.data[leaf.start_byte : leaf.end_byte].decode()
        before, after = parsed.data[: leaf.start_byte].rstrip(), parsed.data[leaf.end_byte :].lstrip()
        if (
            not NAME.fullmatch(text)
            or leaf.type.startswith("type")
            or before.endswith((b".", b">", b":"))
            or after.startswith((b"(", b".", b"->", b"::"))
            or any(text.strip("$") in word or (word and word in text) for word in demanded)
        ):
            fixed.add(text)
        own[text] = None
    return [text for text in own if text not in fixed]


def renamed(pattern: Pattern, example: Example) -> tuple[str, int]:
    """The code with other names, and how many were replaced."""
    code = example.code.strip()
    names = own_names(pattern, example)
    for number, name in enumerate(names):
        other = "$" * name.startswith("$") + f"q{chr(ord('a') + number)}z"
        code = re.sub(rf"(?<![\w$]){re.escape(name)}(?!\w)", lambda _, other=other: other, code)
    return code, len(names)


def main() -> None:
    """Print how many of each pattern are found, with their names and without."""
    finder = Finder(shipped(), DEFAULT_MODEL)
    total = every = 0
    print("| pattern | test code | names replaced | found with its names | without |\n|---|---|---|---|---|")
    for pattern in shipped():
        found, replaced = [0, 0], 0
        for example in pattern.match:
            code, names = renamed(pattern, example)
            replaced += names
            for place, text in enumerate((example.code.strip(), code)):
                try:
                    matches = in_code(text.encode(), "-", example.language, finder)
                except UsageError:  # the replaced names left no function
                    continue
                found[place] += any(match.pattern is pattern for match in matches)
        total, every = total + found[1], every + len(pattern.match)
        print(f"| `{pattern.name}` | {len(pattern.match)} | {replaced} | {found[0]} | {found[1]} |")
    print(f"{total} of {every}")


if __name__ == "__main__":
    main()
