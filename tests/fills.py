"""Functions that lack their meaning: tests write them, fill it in, and ask for what is near."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fix_bench import Bench

from agentforge.embed.interface import load
from agentforge.pipeline.fill import Task
from agentforge.pipeline.similar import Found, Request, nearest, ranked
from agentforge.pipeline.stored_models import registered
from agentforge.store import meaning
from agentforge.store.similar import Search

LOAD = "def {name}(path):\n    with open(path) as stream:\n        text = stream.read()\n    return parse(text, {n})\n"
STATE = "SELECT lacks_meaning, count(*)::integer FROM function_embeddings GROUP BY 1 ORDER BY 1"
REQUEST = Request("", None, None, lambda: None, None, None, None, False, None, 10, -1.0)


def write_functions(bench: Bench, count: int, path: str = "many.py") -> None:
    """Functions that differ in a number, and one pair of equal code."""
    code = [LOAD.format(name=f"load_{n}", n=n) for n in range(count - 1)]
    bench.write(path, "\n\n".join([*code, LOAD.format(name="load_0", n=0)]))


def ask(bench: Bench, function: str, **changes: Any) -> Found:
    request = replace(REQUEST, function=function, **changes)
    return ranked(nearest(Search(bench.connection), request), request)


def task(bench: Bench, embedder: Any = None) -> Task:
    embedder = embedder or load()
    model_id = registered(bench.connection, embedder)
    (project,) = meaning.unfinished(bench.connection, model_id)
    return Task(project.id, model_id, embedder, project.functions, 1)


def vectors(bench: Bench) -> list[tuple[Any, ...]]:
    return bench.rows(
        "SELECT f.qualified_name, f.start_line, e.embedding::text FROM function_embeddings AS e "
        "JOIN functions AS f ON f.id = e.function_id ORDER BY 1, 2"
    )
