"""Run query rules over source trees and print a random sample of what each finds, with its code, to be judged.

    python benchmarks/precision.py go TREE... [--rule ID]... [--sample 10] [--seed 1] [--context 3] [--counts]

A tree is one project; the sample takes from all of them in turn. Rules that ship disabled run, too. What was judged
goes into agentforge/detect/precision.toml.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from agentforge import languages, measure, parse
from agentforge.detect import Rule, RuleSet, detect
from agentforge.detect.loader import load
from agentforge.model import Violation

Hit = tuple[str, Path, Violation]
AnyHit = TypeVar("AnyHit", bound=tuple[Any, ...])


def rules_of(language: str, wanted: list[str]) -> tuple[Rule, ...]:
    """The query rules of a language, or those of these ids, all switched on."""
    return tuple(
        dataclasses.replace(rule, enabled=True)
        for rule in load(language)
        if rule.query and (not wanted or rule.id in wanted)
    )


def hits(language: str, rules: RuleSet, tree: Path) -> Iterator[Hit]:
    """All that the rules find in a tree."""
    literals = [literal for rule in rules.rules for literal in rule.literals]
    ungated = any(not rule.literals for rule in rules.rules)
    for file in sorted(tree.rglob("*")):
        if not file.is_file() or file.is_symlink() or file.stat().st_size > 500_000:
            continue
        raw = file.read_bytes()
        path = file.relative_to(tree).as_posix()
        if languages.detect(path, raw[:4096]) != language or not (ungated or any(word in raw for word in literals)):
            continue
        decoded = parse.decode(raw)
        parsed = parse.parse(language, decoded)
        nothing = measure.measure(None, decoded)
        is_test = languages.get(language).is_test(path)
        for found in detect(parsed, nothing, path, is_test=is_test, rules=rules):
            yield tree.name, file, found


def sample(found: list[AnyHit], size: int, seed: int) -> list[AnyHit]:
    """At most `size` hits, whose first items are their projects, from each project in turn."""
    shuffled = random.Random(seed)
    by_project: dict[str, list[AnyHit]] = defaultdict(list)
    for hit in found:
        by_project[hit[0]].append(hit)
    for rest in by_project.values():
        shuffled.shuffle(rest)
    taken: list[AnyHit] = []
    while len(taken) < size and any(by_project.values()):
        taken += [rest.pop() for rest in by_project.values() if rest][: size - len(taken)]
    return taken


def show(hit: Hit, context: int) -> None:
    """A hit with the lines around it."""
    project, file, found = hit
    lines = file.read_text("utf-8", "replace").splitlines()
    print(f"--- {project}/{found.path}:{found.line}: {found.message}")
    last = min(found.end_line, found.line + 2 * context)
    for number in range(max(1, found.line - context), min(len(lines), last + context) + 1):
        print(f"{'>' if found.line <= number <= found.end_line else ' '}{number:5} {lines[number - 1][:160]}")


def main() -> None:
    """Print counts and samples, rule by rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("language", choices=languages.names())
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--rule", action="append", default=[])
    parser.add_argument("--sample", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--context", type=int, default=3)
    parser.add_argument("--counts", action="store_true", help="numbers only")
    options = parser.parse_args()
    rules = RuleSet(options.language, rules_of(options.language, options.rule))
    by_rule: dict[str, list[Hit]] = {rule.id: [] for rule in rules}
    for tree in options.trees:
        for hit in hits(options.language, rules, tree):
            by_rule[hit[2].rule_id].append(hit)
    for id_, found in by_rule.items():
        print(f"=== {id_}: {len(found)} hits in {len({hit[0] for hit in found})} projects")
        if not options.counts:
            for hit in sample(found, options.sample, options.seed):
                show(hit, options.context)


if __name__ == "__main__":
    main()
