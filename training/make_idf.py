"""Make agentforge/embed/idf.bin: how rare each hashed word and syntax n-gram is in code of many languages.

    python training/make_idf.py SOURCES...

SOURCES are folders of unpacked packages; docs/embedding.md lists those that the shipped table was made from and how to
get them. A function counts once, however many packages carry it, and a language counts as much as any other: its
functions are sampled down to FUNCTIONS_PER_LANGUAGE. The table is the same for the same sources.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from tree_sitter import Query

from agentforge import languages, parse
from agentforge.embed import features
from agentforge.embed.fast import IDF_STEP
from agentforge.embed.projection import BUCKETS

FUNCTIONS_PER_LANGUAGE = 6000
MAX_BYTES = 300_000
EMBED = Path(__file__).resolve().parent.parent / "agentforge" / "embed"


@cache
def function_query(language: str) -> Query:
    """Every node of a grammar that kinds.toml calls a function."""
    grammar = parse.grammar(language)
    visible = filter(grammar.node_kind_is_visible, filter(grammar.node_kind_is_named, range(grammar.node_kind_count)))
    known = {grammar.node_kind_for_id(number) for number in visible}
    wanted = tomllib.loads((EMBED / "kinds.toml").read_text("utf-8"))["kinds"]["function"]
    return Query(
        grammar, "[" + " ".join(f"({node_type})" for node_type in wanted if node_type in known) + "] @function"
    )


def function_features(path: Path, language: str) -> Iterator[bytes]:
    """Features of each function of a file, the empty ones left out."""
    parsed = parse.parse(language, parse.decode(path.read_bytes()))
    nodes = parse.captures(function_query(language), parsed.tree.root_node).get("function", [])
    spans = [(node.start_byte, node.end_byte) for node in nodes]
    yield from (item for item in features.extract(parsed, spans) if item != features.EMPTY)


def source_files(roots: list[Path]) -> dict[str, list[Path]]:
    """The files of each language, in an order that depends on their contents only."""
    found: dict[str, dict[str, Path]] = {name: {} for name in languages.names()}
    for root in roots:
        for path in root.rglob("*"):
            if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_BYTES or ".min." in path.name:
                continue
            if path.suffix in extensions():
                content = path.read_bytes()
                language = languages.detect(path.name, content[:4096])
                if language:
                    found[language].setdefault(hashlib.sha256(content).hexdigest(), path)
    return {language: [files[key] for key in sorted(files)] for language, files in found.items()}


@cache
def extensions() -> frozenset[str]:
    """All file name extensions of the languages."""
    return frozenset(extension for name in languages.names() for extension in languages.get(name).extensions)


def sample(language: str, files: list[Path]) -> list[bytes]:
    """Distinct functions of a language, `FUNCTIONS_PER_LANGUAGE` at most."""
    taken: dict[bytes, None] = {}
    for path in files:
        taken.update(dict.fromkeys(function_features(path, language)))
        if len(taken) >= FUNCTIONS_PER_LANGUAGE:
            break
    return list(taken)[:FUNCTIONS_PER_LANGUAGE]


def document_frequency(functions: list[bytes]) -> np.ndarray:
    """The share of functions that hold a feature of each bucket, shape (2, BUCKETS)."""
    shares = np.zeros((2, BUCKETS))
    for channel, (ids, _counts, rows) in enumerate(features.unpack(functions)):
        bucket = ids.astype(np.int64) % BUCKETS
        distinct = np.unique(rows * BUCKETS + bucket) % BUCKETS
        shares[channel] = np.bincount(distinct, minlength=BUCKETS) / len(functions)
    return shares


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, default=EMBED / "idf.bin")
    arguments = parser.parse_args()
    shares, total = [], 0
    for language, files in source_files(arguments.sources).items():
        functions = sample(language, files)
        print(f"{language:12} {len(files):6} files {len(functions):6} functions", file=sys.stderr)
        if functions:
            shares.append(document_frequency(functions))
            total += len(functions)
    # Half a function is added, so that what was never seen weighs most and not infinitely.
    idf = -np.log((np.mean(shares, axis=0) * total + 0.5) / (total + 1))
    arguments.output.write_bytes(np.clip(np.rint(idf / IDF_STEP), 0, 255).astype(np.uint8).tobytes())


if __name__ == "__main__":
    main()
