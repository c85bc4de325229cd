"""From a sentence to the function that it describes: by words, by vectors, and by both.

    python benchmarks/text_search.py SOURCES... [--queries 300] [--data-dir DIR]

Each of SOURCES is an unpacked Python distribution. A copy without docstrings is analysed by the product into a database
of its own; the first sentence of each docstring is then the query, and the one right answer is the function that it was
cut out of. The search is in that project alone. Sentences of fewer than four words, and those that several functions of
a project share, are left out. So are tests.
"""

from __future__ import annotations

import argparse
import ast
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentforge import languages
from agentforge.cli.database import open_database
from agentforge.pipeline.search import Request, ranked
from agentforge.store.connection import DatabaseSettings
from agentforge.store.similar import Search
from agentforge.store.text_search import TextSearch

WAYS = ("words", "vectors", "fused")
DEPTH = 100
Functions = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Query:
    """A sentence, and where the function that it describes begins."""

    text: str
    path: str
    line: int


def first_sentence(docstring: str) -> str:
    """As people write it: the first paragraph up to a full stop, without markup."""
    paragraph = re.split(r"\n\s*\n", docstring.strip(), maxsplit=1)[0]
    sentence = re.split(r"(?<=[.!?])\s", " ".join(paragraph.split()), maxsplit=1)[0]
    return re.sub(r":\w+:|[`*]", "", sentence)


def without_docstrings(source: str, path: str) -> tuple[str, list[Query]]:
    """The same source, line for line, with `...` for each docstring, and the queries that were cut out."""
    lines = source.splitlines(keepends=True)
    queries = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, Functions | ast.ClassDef | ast.Module) or ast.get_docstring(node) is None:
            continue
        body = node.body[0]
        if isinstance(node, Functions):
            queries.append(Query(first_sentence(ast.get_docstring(node) or ""), path, node.lineno))
        for number in range(body.lineno - 1, body.end_lineno or body.lineno):
            lines[number] = "\n"
        lines[body.lineno - 1] = " " * body.col_offset + "...\n"
    return "".join(lines), queries


def stripped(source: Path, target: Path) -> list[Query]:
    """Copy the Python files of a project without docstrings."""
    is_test = languages.get("python").is_test
    queries = []
    for file in sorted(source.rglob("*.py")):
        path = file.relative_to(source).as_posix()
        if is_test(path):
            continue
        try:
            text, found = without_docstrings(file.read_text("utf-8"), path)
        except (SyntaxError, UnicodeDecodeError):
            continue
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text(text, "utf-8")
        queries.extend(found)
    times = Counter(query.text for query in queries)
    return [query for query in queries if len(query.text.split()) >= 4 and times[query.text] == 1]


def prepare(sources: list[Path], data: Path) -> dict[str, list[Query]]:
    """Analyse the stripped projects, and draw the queries."""
    asked = {}
    for source in sources:
        target = data / "stripped" / source.name
        shutil.rmtree(target, ignore_errors=True)
        asked[source.name] = stripped(source, target)
        program = Path(sys.executable).with_name("agentforge")
        command = [program, "analyze", target, "--data-dir", data / "server", "--quiet"]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    return asked


def places(text_search: TextSearch, project: str, query: Query) -> Iterator[int | None]:
    """The place of the right answer, from 1, by each way; None where it is not among the first hundred."""
    request = Request(query.text, project, None, None, tests=False, limit=DEPTH)
    for way in ranked(text_search, request):
        found = [(item.path, item.start_line) for item in way]
        right = [
            place
            for place, (path, line) in enumerate(found, 1)
            if path == query.path and 0 <= query.line - line <= 10  # decorators come first
        ]
        yield right[0] if right else None


def report(name: str, results: dict[str, list[int | None]]) -> None:
    """P@1, Recall@10 and the mean reciprocal rank by each way."""
    for way, found in results.items():
        count = len(found)
        first = sum(place == 1 for place in found) / count
        ten = sum(place is not None and place <= 10 for place in found) / count
        mean = sum(1 / place for place in found if place) / count
        print(f"{name:20} {way:8} {count:6} queries  P@1 {first:5.3f}  Recall@10 {ten:5.3f}  MRR {mean:5.3f}")


def main() -> None:
    """Prepare, ask, report by project and over all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs="+")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--data-dir", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.data_dir or Path(folder)
        asked = prepare(arguments.sources, data)
        total: dict[str, list[int | None]] = {way: [] for way in WAYS}
        with open_database(DatabaseSettings(data_dir=str(data / "server")), print) as connection:
            text_search = TextSearch(connection, Search(connection))
            for project, queries in asked.items():
                drawn = random.Random(0).sample(queries, min(arguments.queries, len(queries)))
                found = [tuple(places(text_search, project, query)) for query in drawn]
                results = {way: [place[index] for place in found] for index, way in enumerate(WAYS)}
                report(project, results)
                for way in WAYS:
                    total[way].extend(results[way])
        report("all", total)


if __name__ == "__main__":
    main()
