"""Which harvested functions the student learns from, and which of them are the same thing written otherwise.

    python training/sample.py WORK

Reads WORK/fn/*.pickle (training/harvest.py), leaves out what is measured on and what is under no permissive licence
(left_out.toml, licences.toml), and writes WORK/sample.pickle (rows), WORK/pairs.pickle (place -> places of the same
function in another version, another language or by another author) and WORK/vocabulary.txt.
"""

from __future__ import annotations

import argparse
import pickle
import random
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import permutations
from pathlib import Path, PurePosixPath
from typing import Any

import licences

from agentforge.embed import subtokens

LEFT_OUT = tomllib.loads(Path(__file__).with_name("left_out.toml").read_text("utf-8"))
DESCRIBED, OTHERS = 24_000, 4_000
SEED = 7
# A name that so many packages share says little about what a function does.
MOST_PACKAGES = 6
# Of a larger group none is known to be the same.
MOST_ALIKE = 12
LEAST_SHARED = 0.15

Row = tuple[Any, ...]  # package, path, language, name, qualified_name, signature, code, code_hash, description


def allowed(package: str, table: dict[str, dict[str, str]]) -> bool:
    """Whether a package may be learned from."""
    lower = package.lower()
    return licences.permissive(package, table) and not any(name in lower for name in LEFT_OUT["measured"])


def harvested(folder: Path) -> Iterator[Row]:
    """The distinct functions of all packages that are allowed."""
    seen: set[str] = set()
    table = licences.known()
    for file in sorted(folder.glob("*.pickle")):
        if not allowed(file.name.split("__")[0], table):
            continue
        for row in pickle.loads(file.read_bytes()):
            if row[7] not in seen:
                seen.add(row[7])
                yield row


def version_key(row: Row) -> tuple[str, ...]:
    """Equal for two versions of a function."""
    return (row[0], row[2], *PurePosixPath(row[1]).parts[-2:], row[4])


def chosen(rows: Iterable[Row]) -> list[Row]:
    """Of each language at most so many described ones and so many others, no package above an eighth of them.

    Functions of which there are two versions come first.
    """
    groups: dict[tuple[str, bool], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    versions: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        groups[row[2], bool(row[8])][row[0]].append(row)
        versions[version_key(row)] += 1
    rng, found = random.Random(SEED), []
    for (_, described), packages in sorted(groups.items()):
        most = DESCRIBED if described else OTHERS
        cap = max(most // 8, most // len(packages) + 1)
        here: list[Row] = []
        for _, items in sorted(packages.items()):
            rng.shuffle(items)
            items.sort(key=lambda row: versions[version_key(row)] < 2)
            here += items[:cap]
        found += rng.sample(here, min(most, len(here)))
    rng.shuffle(found)
    return found


@cache
def name_parts(name: str) -> tuple[str, ...]:
    """A name as sub-tokens."""
    return tuple(subtokens.units(name, "text")[0][1:])


def pairs(rows: list[Row]) -> dict[int, list[int]]:
    """The places of what is the same function: other versions, ports within a package, rare equal names of others."""
    found: dict[int, set[int]] = defaultdict(set)
    bags = [frozenset(subtokens.units(row[6], row[2])[0]) - subtokens.KEYWORDS for row in rows]
    kinds = Counter()
    for kind, group in alike(rows):
        for one, other in permutations(group, 2):
            if fits(kind, rows[one], rows[other], bags[one], bags[other]):
                found[one].add(other)
                kinds[kind] += 1
    print("pairs:", {kind: number // 2 for kind, number in kinds.items()}, len(found), "functions have one")
    return {place: sorted(others) for place, others in found.items()}


def alike(rows: list[Row]) -> Iterator[tuple[str, list[int]]]:
    """The places of functions that may be the same, and why."""
    groups: dict[str, dict[tuple[Any, ...], list[int]]] = {
        kind: defaultdict(list) for kind in ("version", "port", "name")
    }
    for place, row in enumerate(rows):
        parts = name_parts(row[3])
        groups["version"][version_key(row)].append(place)
        if len("".join(parts)) > 4:
            stem = "".join(name_parts(PurePosixPath(row[1]).stem))
            groups["port"][row[0], stem, parts].append(place)
        if len(parts) > 1 and row[6].count("\n") > 4:
            groups["name"][parts].append(place)
    for kind, places in groups.items():
        for group in places.values():
            packages = {rows[place][0] for place in group}
            if 1 < len(group) <= MOST_ALIKE and (kind != "name" or len(packages) <= MOST_PACKAGES):
                yield kind, group


def fits(kind: str, one: Row, other: Row, bag: frozenset[str], others: frozenset[str]) -> bool:
    """Whether two functions of a group are a pair of its kind."""
    if kind == "version":
        return True
    if kind == "port" and one[2] == other[2]:
        return False
    if kind == "name" and one[0] == other[0]:
        return False
    return len(bag & others) >= LEAST_SHARED * len(bag | others)


def main() -> None:
    """Write the three files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    work = parser.parse_args().work
    rows = chosen(harvested(work / "fn"))
    (work / "sample.pickle").write_bytes(pickle.dumps(rows))
    for name, counted in (
        ("functions", Counter(row[2] for row in rows)),
        ("described", Counter(row[2] for row in rows if row[8])),
    ):
        print(name, counted.total(), dict(counted.most_common()))
    print(len({row[0] for row in rows}), "packages")
    (work / "pairs.pickle").write_bytes(pickle.dumps(pairs(rows)))
    words = subtokens.count([*((row[6], row[2]) for row in rows), *((row[8], "text") for row in rows if row[8])])
    (work / "vocabulary.txt").write_text("\n".join(words) + "\n", "utf-8")


if __name__ == "__main__":
    main()
