"""Match the shipped patterns on source trees or harvested functions; print a random sample of what falls within each.

    python benchmarks/patterns.py SOURCE... [--pattern NAME]... [--sample 12] [--each 3] [--seed 1] [--lines 30]
    python benchmarks/patterns.py SOURCE... --counts
    python benchmarks/patterns.py SOURCE... --spreads

A source is a tree, which is one project, or a file of functions that training/harvest.py took from one archive. Equal
code counts once, and an example of a pattern not at all. Patterns that ship disabled are matched, too. What was judged
by reading is benchmarks/patterns.toml: it is not shown again, and --counts is a table of hits, of those that were read,
and of those that were right. The sample takes from all projects in turn, at most `--each` from one, what was read
included. --spreads looks at judged functions only and says, for each spread that a pattern might have, how many right
and wrong ones would fall within it: for `spread` of agentforge/patterns/shipped/NAME.toml, which is to be chosen anew
where the vectors change.
"""

from __future__ import annotations

import argparse
import pickle
import time
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from precision import sample

from agentforge import languages, measure, parse
from agentforge.embed.interface import DEFAULT_MODEL
from agentforge.embed.patterns import Bounds, shape_of
from agentforge.errors import UsageError
from agentforge.patterns import Pattern, shipped
from agentforge.pipeline.pattern_matches import PatternMatch, in_code
from agentforge.pipeline.patterns import Finder, Within

JUDGED = Path(__file__).with_suffix(".toml")
SPREADS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)
# A mean length of lines that nobody writes: an analysis leaves files out that were minified.
MINIFIED = 300
Hit = tuple[str, str, Within | PatternMatch]


class TooFar(Finder):
    """Takes functions that have what a pattern demands, however far they are from the examples."""

    def bounds(self, pattern: Pattern) -> Bounds:
        """The centroid, and no least cosine."""
        return Bounds(super().bounds(pattern).centroid, -1.0)


def hits(finder: Finder, source: Path, wanted: Collection[str] = ()) -> Iterator[Hit]:
    """All functions of a tree, or of a file of harvested ones, that fall within a pattern, with project and path.

    Args:
        finder: with the patterns.
        source: the tree, or the file.
        wanted: keys of harvested functions that alone are looked at; none means all.
    """
    return of_harvested(finder, source, wanted) if source.suffix == ".pickle" else of_tree(finder, source)


def of_tree(finder: Finder, tree: Path) -> Iterator[Hit]:
    """Those of a tree."""
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


def of_harvested(finder: Finder, file: Path, wanted: Collection[str]) -> Iterator[Hit]:
    """Those of a file that training/harvest.py wrote. Each function is parsed alone; one inside it has its name."""
    for package, path, language, _, name, _, code, *_ in pickle.loads(file.read_bytes()):
        if (wanted and f"{package}:{path}:{name}" not in wanted) or len(code) > MINIFIED * (code.count("\n") + 1):
            continue
        raw = code.encode("utf-8", "replace")
        is_test = languages.get(language).is_test(path)
        if is_test or not finder.possible(parse.Vocabulary(raw), language, is_test=False):
            continue
        with suppress(UsageError):  # it does not parse alone
            for found in in_code(raw, path, language, finder):
                yield package, path, replace(found, function=replace(found.function, qualified_name=name))


def key(hit: Hit) -> str:
    """What names a function in the file of judgements."""
    project, path, found = hit
    return f"{project}:{path}:{found.function.qualified_name}"


def show(hit: Hit, lines: int) -> None:
    """A hit with its code."""
    function = hit[2].function
    print(f"--- {hit[2].score:.2f} {key(hit)}, line {function.start_line}")
    code = function.code.splitlines()
    print("\n".join(f"    {line[:140]}" for line in code[:lines]))
    if len(code) > lines:
        print(f"    ... {len(code)} lines")


def chosen(names: Sequence[str]) -> list[Pattern]:
    """The shipped patterns of these names, all where none is given."""
    return [pattern for pattern in shipped() if not names or pattern.name in names]


def squeezed(code: str) -> str:
    """Code without its white space."""
    return "".join(code.split())


def collected(finder: Finder, sources: Iterable[Path], wanted: Collection[str] = ()) -> dict[str, list[Hit]]:
    """The hits of each pattern in all sources, equal code once. Prints the model and the time that it took."""
    found: dict[str, dict[str, Hit]] = {pattern.name: {} for pattern in finder.patterns}
    examples = {squeezed(example.code) for pattern in finder.patterns for example in pattern.examples}
    start = time.process_time()
    for source in sources:
        for hit in hits(finder, source, wanted):
            if squeezed(hit[2].function.code) not in examples:
                found[hit[2].pattern.name].setdefault(hit[2].function.code, hit)
    print(f"{finder.embedder.name} {finder.embedder.version}, {time.process_time() - start:.0f} CPU seconds")
    return {name: list(of_pattern.values()) for name, of_pattern in found.items()}


def at_most(found: Sequence[Hit], each: int) -> Iterator[Hit]:
    """The hits without what a project has beyond so many."""
    count: Counter[str] = Counter()
    for hit in found:
        count[hit[0]] += 1
        if count[hit[0]] <= each:
            yield hit


def judged() -> dict[tuple[str, str], bool]:
    """Whether a hit, by pattern and key, was right."""
    rows = tomllib.loads(JUDGED.read_text("utf-8"))["hit"]
    return {(row["pattern"], row["function"]): row["right"] for row in rows}


def counts(found: dict[str, list[Hit]]) -> None:
    """Print the table of docs/patterns.md."""
    answers = judged()
    kinds = list(type(shipped()[0].type))
    print("| pattern | type | hits | packages | read | right | on |\n|---|---|---|---|---|---|---|")
    for pattern in sorted(shipped(), key=lambda pattern: (kinds.index(pattern.type), pattern.name)):
        here = found.get(pattern.name, [])
        read = [answers[pattern.name, key(hit)] for hit in here if (pattern.name, key(hit)) in answers]
        packages = len({hit[0] for hit in here})
        numbers = f"{len(here)} | {packages} | {len(read)} | {sum(read)}"
        print(f"| `{pattern.name}` | {pattern.type} | {numbers} | {'yes' if pattern.enabled else 'no'} |")


def spreads(found: dict[str, list[Hit]], finder: Finder) -> None:
    """Print how many right and wrong ones would fall within each pattern, by its spread."""
    answers = judged()
    for pattern in finder.patterns:
        scores = [
            (hit[2].score, answers[pattern.name, key(hit)])
            for hit in found[pattern.name]
            if (pattern.name, key(hit)) in answers
        ]
        parts = []
        for spread in sorted({*SPREADS, pattern.spread}):
            least = shape_of(pattern.examples, spread, finder.embedder).least
            right = [is_right for score, is_right in scores if score >= least]
            mark = "*" if spread == pattern.spread else ""
            parts.append(f"{spread:g}{mark} (from {least:.3f}): {sum(right)} of {len(right)}")
        print(f"{pattern.name}: {'; '.join(parts)}")


def main() -> None:
    """Print counts and samples, pattern by pattern, or what was judged."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", type=Path)
    parser.add_argument("--pattern", action="append", default=[])
    parser.add_argument("--sample", type=int, default=12)
    parser.add_argument("--each", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lines", type=int, default=30)
    parser.add_argument("--counts", action="store_true", help="the table only")
    parser.add_argument("--spreads", action="store_true", help="how many of those judged each spread takes")
    options = parser.parse_args()
    finder = (TooFar if options.spreads else Finder)(chosen(options.pattern), DEFAULT_MODEL)
    if options.spreads:
        wanted = {function for _, function in judged()}
        spreads(collected(finder, options.sources, wanted), finder)
        return
    collection = collected(finder, options.sources)
    counts(collection)
    read = judged()
    for name, found in collection.items() if not options.counts else ():
        print(f"=== {name}: {len(found)} hits in {len({hit[0] for hit in found})} projects")
        for hit in sample(list(at_most(found, options.each)), options.sample, options.seed):
            if (name, key(hit)) not in read:
                show(hit, options.lines)


if __name__ == "__main__":
    main()
