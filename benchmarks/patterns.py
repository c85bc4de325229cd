"""Match the shipped patterns on source trees and print a random sample of what falls within each, to be judged.

    python benchmarks/patterns.py TREE... [--pattern NAME]... [--sample 12] [--seed 1] [--lines 30] [--counts]

A tree is one project; the sample takes from all of them in turn. Patterns that ship disabled are matched, too. What was
judged goes into `measured` of agentforge/patterns/shipped/NAME.toml and into docs/patterns.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from precision import sample

from agentforge import languages, measure, parse
from agentforge.embed.interface import DEFAULT_MODEL
from agentforge.patterns import Pattern, shipped
from agentforge.pipeline.patterns import Finder, Within

Hit = tuple[str, str, Within]


def hits(finder: Finder, tree: Path) -> Iterator[Hit]:
    """All functions of a tree that fall within a pattern, with the project and the path."""
    for file in sorted(tree.rglob("*")):
        if not file.is_file() or file.is_symlink() or file.stat().st_size > 500_000:
            continue
        raw = file.read_bytes()
        path = file.relative_to(tree).as_posix()
        language = languages.detect(path, raw[:4096])
        if language is None:
            continue
        is_test = languages.get(language).is_test(path)
        if not finder.possible(parse.Vocabulary(raw), language, is_test=is_test):
            continue
        decoded = parse.decode(raw)
        parsed = parse.parse(language, decoded)
        functions = measure.measure(parsed, decoded).functions
        for found in finder.find(parsed, functions, is_test=is_test):
            yield tree.name, path, found


def show(hit: Hit, lines: int) -> None:
    """A hit with its code."""
    project, path, found = hit
    function = found.function
    print(f"--- {found.score:.2f} {project}/{path}:{function.start_line} {function.qualified_name}")
    code = function.code.splitlines()
    print("\n".join(f"    {line[:140]}" for line in code[:lines]))
    if len(code) > lines:
        print(f"    ... {len(code)} lines")


def chosen(names: Sequence[str]) -> list[Pattern]:
    """The shipped patterns of these names, all where none is given."""
    return [pattern for pattern in shipped() if not names or pattern.name in names]


def collected(finder: Finder, trees: Iterable[Path]) -> dict[str, list[Hit]]:
    """The hits of each pattern in all trees. Prints the model and the time that it took."""
    found: dict[str, list[Hit]] = {pattern.name: [] for pattern in finder.patterns}
    start = time.process_time()
    for tree in trees:
        for hit in hits(finder, tree):
            found[hit[2].pattern.name].append(hit)
    print(f"{finder.embedder.name} {finder.embedder.version}, {time.process_time() - start:.0f} CPU seconds")
    return found


def main() -> None:
    """Print counts and samples, pattern by pattern."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--pattern", action="append", default=[])
    parser.add_argument("--sample", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", type=int, default=30)
    parser.add_argument("--counts", action="store_true", help="numbers only")
    options = parser.parse_args()
    finder = Finder(chosen(options.pattern), DEFAULT_MODEL)
    for name, found in collected(finder, options.trees).items():
        print(f"=== {name}: {len(found)} hits in {len({hit[0] for hit in found})} projects")
        if not options.counts:
            for hit in sample(found, options.sample, options.seed):
                show(hit, options.lines)


if __name__ == "__main__":
    main()
