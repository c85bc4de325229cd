"""Our functions of a file beside lizard's: which is which, and what accounts for a difference.

A difference on purpose is data (`tests/data/lizard/<language>.toml`): a reason, and either tree-sitter queries for what
only one of the two counts or lists, or the functions by name where lizard loses its way.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import lizard
from tree_sitter import Node, Query

from agentforge import languages, parse
from agentforge.measure import complexity
from agentforge.measure.functions import Definition, locate
from agentforge.measure.survey import survey

DATA = Path(__file__).parent / "data" / "lizard"
EXTENSIONS = {"csharp": ".cs", "cpp": ".cpp", "typescript": ".ts", "tsx": ".tsx", "javascript": ".js"}
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Ours:
    """A function of ours; lines from 1. `body_line` is where its body begins."""

    definition: Definition
    start_line: int
    body_line: int
    end_line: int

    @property
    def span(self) -> Span:
        return self.definition.start_byte, self.definition.end_byte


@dataclass(slots=True)
class Comparison:
    """What came out for one file or more.

    Attributes:
        both: functions that both list.
        equal: those of them whose complexity is the same without any difference on purpose.
        unexplained: what no difference on purpose accounts for, as text.
        used: how often each difference on purpose (by its reason) accounted for something.
        listed: the functions by name that accounted for something.
    """

    lines: int = 0
    theirs: int = 0
    ours: int = 0
    both: int = 0
    equal: int = 0
    unexplained: list[str] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)

    def use(self, reason: str, times: int = 1) -> None:
        self.used[reason] = self.used.get(reason, 0) + times


@cache
def differences(language: str) -> dict[str, Any]:
    """The differences on purpose of a language; those of a file that it `inherits` come first."""
    document = tomllib.loads((DATA / f"{language}.toml").read_text("utf-8"))
    inherited = [entry for name in document.get("inherits", ()) for entry in differences(name)["difference"]]
    return {**document, "difference": [*inherited, *document.get("difference", ())]}


@cache
def _query(language: str, text: str) -> Query:
    return Query(parse.grammar(language), text)


def theirs(language: str, path: str, text: str) -> list[Any]:
    """lizard's functions of a file, without the one that stands for code outside functions."""
    suffix = Path(path).suffix
    name = path if suffix in languages.get(language).extensions else f"{path}{languages.get(language).extensions[0]}"
    found = lizard.analyze_file.analyze_source_code(name, text).function_list
    return [function for function in found if function.name != "*global*"]


class File:
    """One file as both see it."""

    def __init__(self, language: str, path: str, raw: bytes) -> None:
        decoded = parse.decode(raw)
        self.language, self.path = language, path
        self.parsed = parse.parse(language, decoded)
        self.root = self.parsed.tree.root_node
        found = survey(self.parsed, strings=False)
        located = locate(self.parsed, self.parsed.data, found.definitions)
        definitions = [item for item in located if item.is_function]
        self.ours = [self._ours(item) for item in definitions]
        names = {(item.start_byte, item.end_byte): index for index, item in enumerate(definitions)}
        marks = complexity._marks(self.parsed, names, definitions, found)
        self.decisions = [start for start, _, kind, _ in marks if kind == "decision"]
        self.closures = [(start, -end) for start, end, kind, _ in marks if kind == "deepen"]
        self.theirs = theirs(language, path, decoded.text)
        self.data = differences(language)

    def _ours(self, definition: Definition) -> Ours:
        data = self.parsed.data
        first = definition.node.start_point.row + 1
        start, body, end = definition.start_byte, definition.body_start, definition.end_byte
        return Ours(definition, first, first + data.count(b"\n", start, body), first + data.count(b"\n", start, end))

    def nodes(self, query: str, capture: str) -> list[Node]:
        found = parse.captures(_query(self.language, query), self.root).get(capture, [])
        return list({node.id: node for node in found}.values())

    def compare(self, result: Comparison) -> None:
        """Add this file to a comparison."""
        result.lines += self.parsed.data.count(b"\n")
        result.theirs += len(self.theirs)
        result.ours += len(self.ours)
        pairs, rest = self._pair()
        for their in rest:
            self._only_theirs(their, result)
        matched = {ours.span for _, ours in pairs}
        for ours in self.ours:
            if ours.span not in matched:
                self._only_ours(ours, result)
        apart = [*matched, *(self.closures if self.data["closures"] == "apart" else ())]
        for their, ours in pairs:
            result.both += 1
            self._complexity(their, ours, apart, result)

    def _pair(self) -> tuple[list[tuple[Any, Ours]], list[Any]]:
        """Functions that end on the same line and where lizard begins in our header; of several the nearest name."""
        pairs, rest = [], []
        free = list(self.ours)
        for their in self.theirs:
            name = bare(their.name)
            fits = [
                ours
                for ours in free
                if ours.end_line == their.end_line
                and ours.start_line <= their.start_line <= max(ours.body_line, ours.start_line)
            ]
            fits.sort(key=lambda ours: (ours.definition.name != name, their.start_line - ours.start_line))
            if fits:
                free.remove(fits[0])
                pairs.append((their, fits[0]))
            else:
                rest.append(their)
        return pairs, rest

    def _complexity(self, their: Any, ours: Ours, apart: Sequence[Span], result: Comparison) -> None:
        start, end = ours.span
        inner = [span for span in apart if start <= span[0] and span[1] <= end and span != ours.span]

        def own(position: int) -> bool:
            return start <= position < end and not any(low <= position < high for low, high in inner)

        counted = 1 + sum(own(position) for position in self.decisions)
        result.equal += counted == their.cyclomatic_complexity
        for entry in self.data["difference"]:
            begin = ours.definition.body_start if entry.get("within") == "body" else start
            more, less = (
                [node for node in self._captured(entry, kind) if node.start_byte >= begin and own(node.start_byte)]
                for kind in ("more", "less")
            )
            if more or less:
                result.use(entry["reason"], len(more) + len(less))
            counted += len(less) - len(more)
        lizards = their.cyclomatic_complexity
        if counted != lizards and not self._listed(their.name, ours.start_line, result):
            place = f"{self.path}:{ours.start_line}"
            result.unexplained.append(f"{place} {their.name}: complexity {counted}, lizard {lizards}")

    def _captured(self, entry: dict[str, Any], capture: str) -> list[Node]:
        query = entry.get("query", "")
        return self.nodes(query, capture) if f"@{capture}" in query else []

    def _only_theirs(self, their: Any, result: Comparison) -> None:
        """A function that only lizard lists: a closure without a name, or in a place that we do not look into."""
        for start, end in self.closures:
            lines = self._line(start), self._line(end)
            if lines[0] <= their.start_line <= lines[1] == their.end_line:
                result.use("closure")
                return
        for entry in self.data["difference"]:
            for node in self._captured(entry, "theirs"):
                first, last = node.start_point.row + 1, self._line(node.end_byte)
                if first <= their.start_line and their.end_line <= last:
                    result.use(entry["reason"])
                    return
        if "boundaries" not in self.data and not self._listed(their.name, their.start_line, result):
            lines = f"{their.start_line} to {their.end_line}"
            result.unexplained.append(f"{self.path}:{their.start_line} {their.name}: lizard's only, lines {lines}")

    def _only_ours(self, ours: Ours, result: Comparison) -> None:
        start, end = ours.span
        for entry in self.data["difference"]:
            if any(node.start_byte <= start and end <= node.end_byte for node in self._captured(entry, "ours")):
                result.use(entry["reason"])
                return
        if "boundaries" not in self.data and not self._listed(ours.definition.name, ours.start_line, result):
            name, lines = ours.definition.qualified_name, f"{ours.start_line} to {ours.end_line}"
            result.unexplained.append(f"{self.path}:{ours.start_line} {name}: ours only, lines {lines}")

    def _listed(self, name: str, line: int, result: Comparison) -> bool:
        """Whether the function is one that is named in a difference."""
        key = f"{self.path}:{line} {bare(name)}"
        for entry in self.data["difference"]:
            if key in entry.get("functions", ()):
                result.use(entry["reason"])
                result.listed.add(key)
                return True
        return False

    def _line(self, offset: int) -> int:
        return self.parsed.data.count(b"\n", 0, offset) + 1


def bare(name: str) -> str:
    """The last part of a qualified name, whatever sign the language writes between the parts."""
    return name.replace("::", ".").replace(":", ".").rsplit(".", 1)[-1].split("(")[0].strip()


def compare(language: str, sources: Sequence[tuple[str, bytes]]) -> Comparison:
    """Compare files of a language."""
    result = Comparison()
    for path, raw in sources:
        File(language, path, raw).compare(result)
    return result


def main() -> None:
    """Print the table of docs/languages.md."""
    from real_code import files

    print("| language | lines | lizard's functions | ours | in both | equal at once | equal but for what follows |")
    print("|---|---|---|---|---|---|---|")
    for file in sorted(DATA.glob("*.toml")):
        language = languages.get(file.stem)
        result = compare(file.stem, list(files(file.stem)))
        by_name = len(result.listed)
        print(
            f"| {language.title} | {result.lines:,} | {result.theirs:,} | {result.ours:,} | {result.both:,} "
            f"| {result.equal / result.both:.1%} | all{f' but {by_name} listed by name' if by_name else ''} |"
        )


if __name__ == "__main__":
    main()
