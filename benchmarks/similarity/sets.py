"""The sets that embedders are measured on: projects that training never saw, in two halves (sets.toml).

Weights are chosen on the first half and reported on the second (`half` of a set):

- edited: a function and the same one some versions later, where its code changed;
- masked: the same, every name in the query replaced;
- ported: a library in JavaScript and its port to Python, own names masked;
- text: the first sentence of what is written about a function and the function, which is looked for without it;
- same task: functions of one name in packages of one purpose by other authors, own names masked.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import embed as single

from agentforge import languages, parse
from agentforge.embed.interface import Snippet
from agentforge.embed.snippets import snippet_from_text
from agentforge.measure import measure

QUERIES = 120
LARGEST = 400
# A name that occurs more often in one package says little of the task.
NAMESAKES = 3
TABLE = Path(__file__).with_name("sets.toml")
KINDS = ("versions", "described", "ported")


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


def without_tests(items: list[single.Found]) -> list[single.Found]:
    """What is not in a folder or file of tests."""
    return [item for item in items if not re.search(r"(^|/)tests?(/|_)|_test\.|/spec/", item.path)]


def versions(name: str, half: int, old: list[single.Found], new: list[single.Found]) -> Iterator[Set]:
    """The sets `edited` and `masked` of two versions of a package."""

    def key(item: single.Found) -> tuple[str, str]:
        return "/".join(item.path.split("/")[-2:]), item.qualified_name

    places = {key(item): index for index, item in enumerate(new)}
    pairs = [
        (item, places[key(item)])
        for item in old
        if key(item) in places and item.lines >= single.MIN_LINES and new[places[key(item)]].code_hash != item.code_hash
    ]
    pairs = random.Random(half).sample(pairs, min(QUERIES, len(pairs)))
    corpus, moved = trimmed(new, {place for _, place in pairs})
    snippets = [item.snippet for item in corpus]
    right = [{moved[place]} for _, place in pairs]
    nothing: list[set[int]] = [set()] * len(pairs)
    plain = [item.snippet for item, _ in pairs]
    yield Set(f"edited: {name}", half, single.Task(name, plain, snippets, right, nothing))
    other = [single.renamed(item) for item, _ in pairs]
    yield Set(f"masked: {name}", half, single.Task(name, other, snippets, right, nothing))


def sentences(root: Path, language: str) -> dict[tuple[str, str, int], str]:
    """The first sentence of what is written about each function, by path, qualified name and size of the code."""
    found = {}
    for path in sorted(path for path in root.rglob("*") if path.suffix in languages.get(language).extensions):
        if not path.is_file() or path.stat().st_size > 700_000:
            continue
        decoded = parse.decode(path.read_bytes())
        parsed = parse.parse(language, decoded)
        for item in measure(parsed, decoded).functions:
            sentence = re.split(r"(?<=[a-z)])\. ", item.description)[0]
            # Comments in Go begin with the name, which nobody who looks for a function knows.
            sentence = re.sub(rf"\b{re.escape(item.name)}(\(\))?(?=\W|$)", "", sentence).strip(" :,-")
            key = (path.relative_to(root).as_posix(), item.qualified_name, len(item.code))
            if 4 <= len(sentence.split()) <= 30:
                found[key] = sentence
    return found


def asked(name: str, half: int, root: Path, language: str) -> Set:
    """What is written to function."""
    items = without_tests(single.functions(root, language))
    told = sentences(root, language)
    pairs: dict[str, set[int]] = defaultdict(set)
    for index, item in enumerate(items):
        sentence = told.get((item.path, item.qualified_name, len(item.snippet.code)))
        if sentence and item.lines >= single.MIN_LINES:
            pairs[sentence].add(index)
    chosen = random.Random(half).sample(sorted(pairs), min(QUERIES, len(pairs)))
    corpus, moved = trimmed(items, set().union(*(pairs[sentence] for sentence in chosen)))
    right = [{moved[index] for index in pairs[sentence]} for sentence in chosen]
    queries = [snippet_from_text(sentence) for sentence in chosen]
    nothing: list[set[int]] = [set()] * len(chosen)
    snippets = [without_comments(item.snippet) for item in corpus]
    return Set(f"text: {name}", half, single.Task(name, queries, snippets, right, nothing))


def without_comments(snippet: Snippet) -> Snippet:
    """The same without its docstring, which models of text would read; features have none of it anyway."""
    if snippet.language != "python":
        return snippet
    code = re.sub(r'(:\s*\n\s*)[rRuU]?("""|\'\'\')(.*?)\2', r"\1", snippet.code, count=1, flags=re.S)
    return replace(snippet, code=code)


@cache
def package(path: Path, language: str) -> tuple[single.Found, ...]:
    """The functions of a package, or of one file of it, own names masked."""
    root = path.parent if path.is_file() else path
    items = [item for item in single.functions(root, language) if path.is_dir() or item.path == path.name]
    return tuple(item for item in without_tests(items) if item.lines >= single.MIN_LINES)


@dataclass(frozen=True, slots=True)
class Placed:
    """A function, the package that it is in, and what that is for."""

    purpose: str
    folder: str
    found: single.Found

    @property
    def task(self) -> str:
        """Its name; `levenshteinDistance` and `levenshtein_distance` are one."""
        return re.sub(r"[^a-z0-9]", "", self.found.name.lower())


def placed(sources: Path, table: dict[str, Any], half: int, language: str) -> list[Placed]:
    """The functions of one language in the packages of a half."""
    return [
        Placed(purpose["name"], folder, item)
        for purpose in table["purpose"]
        if purpose["half"] == half
        for folder in purpose["packages"]
        for item in package(sources / folder, language)
    ]


def most_of_a_package(corpus: list[Placed], places: set[int]) -> int:
    """How many of some functions one package has at most."""
    return max(Counter(corpus[index].folder for index in places).values())


def answered(corpus: list[Placed], queries: list[Placed], everywhere: Collection[str]) -> list[tuple[Placed, set[int]]]:
    """The queries whose name says something, each with the places of its answers in the other packages."""
    namesakes = Counter((item.folder, item.task) for item in queries)
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, item in enumerate(corpus):
        places[item.purpose, item.task].append(index)
    found = []
    for item in queries:
        others = [index for index in places[item.purpose, item.task] if corpus[index].folder != item.folder]
        right = {index for index in others if corpus[index].found.code_hash != item.found.code_hash}
        if right and namesakes[item.folder, item.task] <= NAMESAKES >= most_of_a_package(corpus, right):
            found.append((item, right))
    return [(item, right) for item, right in found if len(item.task) > 2 and item.task not in everywhere]


def same_task(sources: Path, table: dict[str, Any], half: int, one: str, other: str) -> Set:
    """Functions of one name in packages of one purpose, from language `one` to `other`."""
    corpus = placed(sources, table, half, other)
    chosen = answered(corpus, placed(sources, table, half, one), table["everywhere"])
    chosen = random.Random(half).sample(chosen, min(QUERIES, len(chosen)))
    ignored = [{index for index, its in enumerate(corpus) if its.folder == item.folder} for item, _ in chosen]
    name = f"same task: {one}" if one == other else f"same task: {one} to {other}"
    task = single.Task(
        name,
        [single.masked(item.found) for item, _ in chosen],
        [single.masked(item.found) for item in corpus],
        [right for _, right in chosen],
        ignored,
    )
    return Set(f"{name}, {'reported' if half else 'chosen on'}", half, task)


def short(folder: str) -> str:
    """What a folder is called in the tables."""
    parts = [part for part in folder.split("/") if "-" in part]
    name = re.sub(r"-\d.*", "", parts[0])
    return re.sub(r"^(golang-github-(spf13-|go-git-)?|librust-)|-dev$", "", name)


def all_sets(sources: Path) -> Iterator[Set]:
    """Every set, those of the first half first."""
    table = tomllib.loads(TABLE.read_text("utf-8"))
    for half in (0, 1):
        here = {kind: [item for item in table[kind] if item["half"] == half] for kind in KINDS}
        for item in here["versions"]:
            old, new = (without_tests(single.functions(sources / it, item["language"])) for it in item["folders"])
            yield from versions(f"{short(item['folders'][0])} ({item['language']})", half, old, new)
        for item in here["described"]:
            name = f"{short(item['folder'])} ({item['language']})"
            yield asked(name, half, sources / item["folder"], item["language"])
        for item in here["ported"]:
            python, javascript = (
                without_tests(single.functions(sources / folder, language))
                for folder, language in zip(item["folders"], ("python", "javascript"), strict=True)
            )
            yield Set(f"ported: {short(item['folders'][1])}", half, single.ported(python, javascript))
        for one, other in (("python", "python"), ("javascript", "javascript"), ("python", "javascript")):
            yield same_task(sources, table["same_task"], half, one, other)
