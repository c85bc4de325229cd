"""What it would be worth to look for code outside functions, too: from a sentence to a function or a head of a class.

    OPENBLAS_NUM_THREADS=1 python benchmarks/chunks.py SOURCES... [--queries 200]

Each of SOURCES is an unpacked Python distribution; its docstrings are cut out, tests left out. The first sentence of
a function's docstring asks for the function, that of a class' docstring for the piece of code with the head of the
class. Vectors alone are compared, with meaning (`hybrid`) and without (`fast`).
"""

from __future__ import annotations

import argparse
import ast
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from text_search import Query, first_sentence, without_docstrings

from agentforge import languages, measure, parse
from agentforge.embed.features import extract
from agentforge.embed.interface import Embedder, Snippet, load
from agentforge.embed.snippets import snippet_from_text

Pieces = list[tuple[str, int, int, Snippet]]  # path, first and last line


def class_queries(source: str, path: str) -> list[Query]:
    """The first sentences of what is written about classes."""
    return [
        Query(first_sentence(ast.get_docstring(node) or ""), path, node.lineno)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef) and ast.get_docstring(node)
    ]


def read(source: Path) -> tuple[Pieces, Pieces, list[Query], list[Query]]:
    """Functions, code outside them, and queries for the one and the other."""
    functions: Pieces = []
    chunks: Pieces = []
    asked: list[Query] = []
    for_classes: list[Query] = []
    for file in sorted(source.rglob("*.py")):
        path = file.relative_to(source).as_posix()
        if languages.get("python").is_test(path):
            continue
        try:
            whole = file.read_text("utf-8")
            text, found = without_docstrings(whole, path)
            for_classes += class_queries(whole, path)
        except (SyntaxError, UnicodeDecodeError):
            continue
        asked += found
        decoded = parse.decode(text.encode())
        parsed = parse.parse("python", decoded)
        metrics = measure.measure(parsed, decoded)
        for items, pieces in ((metrics.functions, functions), (metrics.chunks, chunks)):
            made = extract(parsed, [(item.start_byte, item.end_byte) for item in items])
            pieces += [
                (path, item.start_line, item.end_line, Snippet("python", item.name, item.code, features))
                for item, features in zip(items, made, strict=True)
            ]
    return functions, chunks, asked, for_classes


def ranks(
    embedder: Embedder, queries: Sequence[Query], pieces: Pieces, vectors: np.ndarray, start: int = 0
) -> list[int]:
    """The place of the right piece for each query that has one among the pieces, among all that have vectors.

    Args:
        embedder: of the vectors.
        queries: what is asked.
        pieces: among which the right one is.
        vectors: of the pieces, from the row `start` on, and of others.
        start: row of the first piece.
    """
    places = []
    for query in queries:
        right = [
            index
            for index, (path, first, last, _) in enumerate(pieces, start)
            if path == query.path and first - 10 <= query.line <= last and query.line - 10 <= first
        ]
        if right:
            scores = vectors @ embedder.embed([snippet_from_text(query.text)])[0]
            places.append(1 + int((scores > max(scores[index] for index in right)).sum()))
    return places


def mrr(places: Sequence[int]) -> str:
    """Mean reciprocal rank, in percent, and of how many."""
    return f"{100 * np.mean([1 / place for place in places]):.1f} ({len(places)})" if places else "none"


def main() -> None:
    """Ask, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs="+")
    parser.add_argument("--queries", type=int, default=200)
    options = parser.parse_args()
    print(
        "| MRR | functions | pieces of other code | vectors | functions, among functions | functions, among all "
        "| heads of classes, among all |\n|---|---|---|---|---|---|---|"
    )
    for source in options.sources:
        functions, chunks, asked, for_classes = read(source)
        drawn = [
            random.Random(0).sample(found, min(options.queries, len(found)))
            for found in ([query for query in group if len(query.text.split()) >= 4] for group in (asked, for_classes))
        ]
        for model in ("hybrid", "fast"):
            embedder = load(model)
            ones, others = (embedder.embed([piece[3] for piece in pieces]) for pieces in (functions, chunks))
            every = np.concatenate([ones, others])
            row = (
                mrr(ranks(embedder, drawn[0], functions, ones)),
                mrr(ranks(embedder, drawn[0], functions, every)),
                mrr(ranks(embedder, drawn[1], chunks, every, len(ones))),
            )
            print(f"| {source.name} | {len(functions):,} | {len(chunks):,} | {model} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
