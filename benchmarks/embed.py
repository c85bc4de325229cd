"""How well and how fast vectors find the function that one means, on public packages.

    python benchmarks/embed.py SOURCES [--model NAME]... [--sweep]
    python benchmarks/embed.py SOURCES --speed

SOURCES is a folder with the packages of docs/embedding.md, unpacked as `NAME-VERSION`. Four sets:

- edited: a function of Django 4.2 or express 4.18.2 whose code is another in 5.2, 5.3.0;
- renamed: every name in a function replaced; the original is to be found among all functions of Django 5.2;
- sibling: methods of one name in other classes of Django 5.2, with that name masked (P@1 of any, MAP over all);
- ported: markdown-it-py's functions in markdown-it, Python to JavaScript, their own names masked.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from tree_sitter import Query

from agentforge import languages, parse
from agentforge.embed import features
from agentforge.embed.fast import FastEmbedder
from agentforge.embed.interface import Embedder, Snippet, load
from agentforge.embed.snippets import snippet_from_code
from agentforge.measure import measure

QUERIES = 600
MIN_LINES = 4
NAME_TYPES = (
    "identifier",
    "property_identifier",
    "field_identifier",
    "type_identifier",
    "shorthand_property_identifier",
    "simple_identifier",  # Kotlin, Swift
    "name",  # PHP
    "constant",  # Ruby, and the next
    "instance_variable",
)


@dataclass(frozen=True, slots=True)
class Found:
    """A function with its key: what it is called and where, in a package."""

    path: str
    qualified_name: str
    name: str
    lines: int
    code_hash: str
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class Task:
    """Queries, what to look through, and for each query the places that are right and those that do not count."""

    name: str
    queries: list[Snippet]
    corpus: list[Snippet]
    right: list[set[int]]
    ignored: list[set[int]]


def functions(root: Path, language: str) -> list[Found]:
    """All functions of a package in one language."""
    found = []
    for path in sorted(path for path in root.rglob("*") if path.suffix in languages.get(language).extensions):
        if not path.is_file() or ".min." in path.name or path.stat().st_size > 700_000:
            continue
        decoded = parse.decode(path.read_bytes())
        parsed = parse.parse(language, decoded)
        measured = measure(parsed, decoded).functions
        packed = features.extract(parsed, [(item.start_byte, item.end_byte) for item in measured])
        for item, data in zip(measured, packed, strict=True):
            snippet = Snippet(language, item.name, item.code, data)
            place = path.relative_to(root).as_posix()
            found.append(Found(place, item.qualified_name, item.name, item.lines_of_code, item.code_hash, snippet))
    return found


def masked(item: Found) -> Snippet:
    """The function without its own name."""
    code = re.sub(rf"\b{re.escape(item.name)}\b", "_", item.snippet.code)
    return snippet_from_code(code, item.snippet.language)


@cache
def name_query(language: str) -> Query:
    """Every name in a tree."""
    grammar = parse.grammar(language)
    known = {grammar.node_kind_for_id(number) for number in range(grammar.node_kind_count)}
    return Query(grammar, "[" + " ".join(f"({kind})" for kind in NAME_TYPES if kind in known) + "] @name")


def renamed(item: Found) -> Snippet:
    """The function with every name replaced, the same one always by the same."""
    language = item.snippet.language or ""
    before = "<?php\n" if language == "php" else ""
    parsed = parse.parse(language, parse.decode((before + item.snippet.code).encode()))
    nodes = parse.captures(name_query(language), parsed.tree.root_node)["name"]
    numbers: dict[bytes, int] = {}
    code, end = [], 0
    for node in sorted(nodes, key=lambda node: node.start_byte):
        name = parsed.data[node.start_byte : node.end_byte]
        number = numbers.setdefault(name, len(numbers))
        code += [parsed.data[end : node.start_byte], b"@" * name.startswith(b"@") + b"q%d" % number]
        end = node.end_byte
    return snippet_from_code(b"".join([*code, parsed.data[end:]]).decode().removeprefix(before), language)


def edited(old: list[Found], new: list[Found], name: str) -> Task:
    """Functions of one version in the next, where their code changed."""
    places = {(item.path, item.qualified_name): index for index, item in enumerate(new)}
    pairs = []
    for item in old:
        place = places.get((item.path, item.qualified_name))
        if place is not None and item.lines >= MIN_LINES and new[place].code_hash != item.code_hash:
            pairs.append((item.snippet, {place}))
    return task(name, pairs, [item.snippet for item in new])


def task(name: str, pairs: list[tuple[Snippet, set[int]]], corpus: list[Snippet]) -> Task:
    """A task of a sample of (query, right answers)."""
    sample = random.Random(0).sample(pairs, min(QUERIES, len(pairs)))
    return Task(name, [query for query, _ in sample], corpus, [right for _, right in sample], [set()] * len(sample))


def siblings(new: list[Found]) -> Task:
    """Methods of one name in other files."""
    large = [item for item in new if item.lines >= MIN_LINES and len(item.name) > 6 and not item.name.startswith("__")]
    by_name = defaultdict(list)
    for index, item in enumerate(large):
        by_name[item.name].append(index)
    corpus = [masked(item) for item in large]
    queries, right, ignored = [], [], []
    for group in by_name.values():
        for index in group if len(group) <= 12 else ():
            others = {other for other in group if large[other].path != large[index].path}
            if others:
                queries.append(index)
                right.append(others)
                ignored.append(set(group) - others)
    chosen = random.Random(0).sample(range(len(queries)), min(QUERIES, len(queries)))
    return Task(
        "sibling",
        [corpus[queries[i]] for i in chosen],
        corpus,
        [right[i] for i in chosen],
        [ignored[i] for i in chosen],
    )


def ported(python: list[Found], javascript: list[Found]) -> Task:
    """Functions of a port, matched by file and name without case and underscores."""

    def key(item: Found) -> tuple[str, str]:
        return Path(item.path).stem.replace("_", "").lower(), item.name.replace("_", "").lower()

    places = defaultdict(set)
    for index, item in enumerate(javascript):
        places[key(item)].add(index)
    chosen = [item for item in python if item.lines >= MIN_LINES and key(item) in places]
    return task("ported", [(masked(item), places[key(item)]) for item in chosen], [masked(i) for i in javascript])


def tasks(sources: Path) -> Iterable[Task]:
    """All sets."""
    django = functions(sources / "Django-5.2" / "Django-5.2" / "django", "python")
    yield edited(functions(sources / "Django-4.2" / "Django-4.2" / "django", "python"), django, "edited: Django")
    before = functions(sources / "express-4.18.2" / "package", "javascript")
    yield edited(before, functions(sources / "express-5.3.0" / "package", "javascript"), "edited: express")
    large = [(item, {index}) for index, item in enumerate(django) if item.lines >= MIN_LINES]
    sample = random.Random(1).sample(large, QUERIES)
    yield task("renamed", [(renamed(item), right) for item, right in sample], [item.snippet for item in django])
    yield siblings(django)
    python = functions(sources / "markdown-it-py-3.0.0" / "markdown-it-py-3.0.0" / "markdown_it", "python")
    yield ported(python, functions(sources / "markdown-it-13.0.2" / "package" / "lib", "javascript"))


def bm25(queries: list[Snippet], corpus: list[Snippet]) -> np.ndarray:
    """Okapi BM25 (k1 1.2, b 0.75) over the words of the features, idf of the corpus itself."""
    ids, counts, rows = features.unpack([snippet.features for snippet in corpus])[0]
    lengths = np.bincount(rows, weights=counts, minlength=len(corpus))
    norm = 1.2 * (0.25 + 0.75 * lengths / lengths.mean())
    order = np.argsort(ids, kind="stable")
    ids, counts, rows = ids[order], counts[order].astype(float), rows[order]
    weights = counts * 2.2 / (counts + norm[rows])
    scores = np.zeros((len(queries), len(corpus)), dtype=np.float32)
    query_ids, _, query_rows = features.unpack([snippet.features for snippet in queries])[0]
    starts, ends = np.searchsorted(ids, query_ids), np.searchsorted(ids, query_ids, side="right")
    for start, end, row in zip(starts.tolist(), ends.tolist(), query_rows.tolist(), strict=True):
        frequency = end - start
        idf = np.log(1 + (len(corpus) - frequency + 0.5) / (frequency + 0.5))
        scores[row, rows[start:end]] += idf * weights[start:end]
    return scores


def evaluate(scores: np.ndarray, right: list[set[int]], ignored: list[set[int]]) -> tuple[float, float]:
    """P@1 and MAP in percent; equal scores count against the right answer."""
    first, average = [], []
    for row, good, skip in zip(scores, right, ignored, strict=True):
        row = row.astype(np.float64)
        row[list(skip)] = -np.inf
        row[list(good)] -= 1e-9
        ranks = sorted(int((row > row[place]).sum()) + 1 for place in good)
        first.append(ranks[0] == 1)
        average.append(np.mean([(n + 1) / max(rank, n + 1) for n, rank in enumerate(ranks)]))
    return 100 * float(np.mean(first)), 100 * float(np.mean(average))


def speed(root: Path) -> None:
    """Functions a second of CPU time of one core, parsing left out."""
    files = []
    for path in sorted(root.rglob("*.py")):
        decoded = parse.decode(path.read_bytes())
        parsed = parse.parse("python", decoded)
        spans = [(item.start_byte, item.end_byte) for item in measure(parsed, decoded).functions]
        if spans:
            files.append((parsed, spans))
    embedder = load()
    count = sum(len(spans) for _, spans in files)
    for _ in range(3):
        started = time.process_time()
        packed = [item for parsed, spans in files for item in features.extract(parsed, spans)]
        extracted = time.process_time()
        embedder.embed([Snippet("python", "", "", item) for item in packed])
        ended = time.process_time()
        print(
            f"{count} functions, a second: extract {count / (extracted - started):,.0f}, "
            f"embed {count / (ended - extracted):,.0f}, both {count / (ended - started):,.0f}"
        )


def systems(models: list[str], sweep: bool) -> dict[str, Callable[[list[Snippet], list[Snippet]], np.ndarray]]:
    """What is compared: each gives scores of shape (queries, corpus)."""
    found: dict[str, Callable[[list[Snippet], list[Snippet]], np.ndarray]] = {"BM25 over words": bm25}

    def add(name: str, embedder: Embedder) -> None:
        found[name] = lambda queries, corpus: embedder.embed(queries) @ embedder.embed(corpus).T

    add("words only", FastEmbedder(1.0))
    add("structure only", FastEmbedder(0.0))
    add("fast", load("fast"))
    if sweep:
        for weight in (0.3, 0.5, 0.6, 0.7):
            add(f"fast with {weight} for words", FastEmbedder(weight))
    for model in models:
        add(Path(model).name, load(model))
    return found


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path)
    parser.add_argument("--model", action="append", default=[], help="another model to measure beside the default")
    parser.add_argument("--only", default="", help="only sets whose name contains this")
    parser.add_argument("--sweep", action="store_true", help="other shares of words and structure")
    parser.add_argument("--speed", action="store_true", help="measure time only")
    arguments = parser.parse_args()
    if arguments.speed:
        speed(arguments.sources / "Django-5.2" / "Django-5.2" / "django")
        return
    compared = systems(arguments.model, arguments.sweep)
    for item in tasks(arguments.sources):
        if arguments.only not in item.name:
            continue
        print(f"\n{item.name}: {len(item.queries)} queries among {len(item.corpus)} functions")
        for name, score in compared.items():
            started = time.process_time()
            first, average = evaluate(score(item.queries, item.corpus), item.right, item.ignored)
            seconds = time.process_time() - started
            print(f"  {name:24} P@1 {first:5.1f}  MAP {average:5.1f}  ({seconds:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
