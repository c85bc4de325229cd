"""The sets that the student is measured on: projects that training never saw, in two halves.

Fusion weights are chosen on the first half and reported on the second (`half` of a set). Each set is made from unpacked
packages (training/README.md says which) by the functions of benchmarks/embed.py:

- edited: a function and the same one some versions later, where its code changed;
- masked: the same, every name in the query replaced;
- ported: a library in JavaScript and its port to Python, own names masked;
- text: the first sentence of a docstring and its function, docstrings left out of what is looked through.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import embed as single

from agentforge.embed.snippets import snippet_from_text

QUERIES = 120
LARGEST = 400


@dataclass(frozen=True, slots=True)
class Set:
    """Queries, what they are looked for in, and the half that the set is in (0 chooses weights, 1 reports)."""

    name: str
    half: int
    task: single.Task


def trimmed(items: list[single.Found], keep: set[int]) -> tuple[list[single.Found], dict[int, int]]:
    """At most `LARGEST` functions, those of `keep` among them, and their new places; so that a slow model gets done."""
    others = [index for index in range(len(items)) if index not in keep and items[index].lines >= single.MIN_LINES]
    chosen = sorted([*keep, *random.Random(3).sample(others, max(0, min(LARGEST - len(keep), len(others))))])
    return [items[index] for index in chosen], {index: place for place, index in enumerate(chosen)}


def versions(name: str, half: int, old: list[single.Found], new: list[single.Found]) -> Iterator[Set]:
    """The sets `edited` and `masked` of two versions of a package."""
    places = {(item.path, item.qualified_name): index for index, item in enumerate(new)}
    pairs = [
        (item, places[key])
        for item in old
        if (key := (item.path, item.qualified_name)) in places
        and item.lines >= single.MIN_LINES
        and new[places[key]].code_hash != item.code_hash
    ]
    pairs = random.Random(half).sample(pairs, min(QUERIES, len(pairs)))
    corpus, moved = trimmed(new, {place for _, place in pairs})
    snippets = [item.snippet for item in corpus]
    right = [{moved[place]} for _, place in pairs]
    nothing: list[set[int]] = [set()] * len(pairs)
    yield Set(
        f"edited: {name}",
        half,
        single.Task(name, [item.snippet for item, _ in pairs], snippets, right, nothing),
    )
    yield Set(
        f"masked: {name}",
        half,
        single.Task(name, [single.renamed(item) for item, _ in pairs], snippets, right, nothing),
    )


def described(name: str, half: int, items: list[single.Found]) -> Set:
    """Docstring to function, in Python."""
    pairs = []
    for index, item in enumerate(items):
        sentence = first_sentence(item.snippet.code)
        if item.lines >= single.MIN_LINES and len(sentence.split()) >= 4:
            pairs.append((sentence, index))
    pairs = random.Random(half).sample(pairs, min(QUERIES, len(pairs)))
    corpus, moved = trimmed(items, {place for _, place in pairs})
    queries = [snippet_from_text(sentence) for sentence, _ in pairs]
    right = [{moved[place]} for _, place in pairs]
    return Set(
        f"text: {name}",
        half,
        single.Task(name, queries, [item.snippet for item in corpus], right, [set()] * len(pairs)),
    )


def first_sentence(code: str) -> str:
    """Of the docstring of a function, empty where there is none or the piece does not parse by itself."""
    lines = code.splitlines()
    indent = len(lines[-1]) - len(lines[-1].lstrip()) if len(lines) > 1 else 0
    for depth in range(0, indent + 1, 4):
        try:
            tree = ast.parse("\n".join(line[depth:] if line[:depth].isspace() else line for line in lines))
        except SyntaxError:
            continue
        if tree.body and isinstance(tree.body[0], ast.FunctionDef | ast.AsyncFunctionDef):
            return (ast.get_docstring(tree.body[0]) or "").strip().split("\n\n")[0].split(". ")[0].replace("\n", " ")
    return ""


def all_sets(sources: Path) -> Iterator[Set]:
    """Every set, those of the first half first."""

    def read(folder: str, language: str = "python") -> list[single.Found]:
        found = single.functions(sources / folder, language)
        return [item for item in found if "/tests/" not in "/" + item.path]

    requests = read("requests-2.32.3/requests")
    yield from versions("requests", 0, read("requests-2.20.0/requests"), requests)
    yield described("requests", 0, requests)
    networkx = read("networkx-3.4.2/networkx")
    yield from versions("networkx", 0, read("networkx-2.8.8/networkx"), networkx)
    yield described("networkx", 0, networkx)
    python, javascript = read("markdown_it_py-3.0.0/markdown_it"), read("markdown-it-13.0.2/package/lib", "javascript")
    yield Set("ported: markdown-it", 0, single.ported(python, javascript))
    django = read("Django-5.2/django")
    yield from versions("Django", 1, read("Django-4.2/django"), django)
    yield described("Django", 1, django)
    express = read("express-5.1.0/package", "javascript")
    yield from versions("express", 1, read("express-4.18.2/package", "javascript"), express)
    python, javascript = read("commonmark-0.9.1/commonmark"), read("commonmark-0.30.0/package/lib", "javascript")
    yield Set("ported: commonmark", 1, single.ported(python, javascript))
    python, javascript = read("jsbeautifier-1.14.0"), read("js-beautify-1.14.0/package/js/src", "javascript")
    yield Set("ported: js-beautify", 1, single.ported(python, javascript))
