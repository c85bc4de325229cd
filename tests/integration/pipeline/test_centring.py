"""Means by which a model is centred: counted once in a database, the same for all, and anew for admins."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from fills import ask
from fix_bench import Bench
from fix_people import World

from agentforge.cli.database import open_database
from agentforge.embed import centres as counting
from agentforge.embed import interface
from agentforge.embed.centres import CentredEmbedder
from agentforge.embed.interface import Snippet, load
from agentforge.errors import UsageError
from agentforge.model import Centres
from agentforge.pipeline import stored_models
from agentforge.pipeline.centring import centred, settled
from agentforge.pipeline.events import Event, Notice, ignore
from agentforge.pipeline.fill import Task, fill
from agentforge.pipeline.search import Request as SearchRequest
from agentforge.pipeline.search import search_text
from agentforge.pipeline.stored_models import registered
from agentforge.store import centres, meaning
from agentforge.store.connection import DatabaseSettings
from agentforge.store.similar import Search
from agentforge.store.text_search import TextSearch

PYTHON = "def load_{n}(path):\n    return parse(open(path).read(), {n})\n"
GO = "func load{n}(path string) string {{\n\treturn parse(path, {n})\n}}\n"
MODELS = (
    "SELECT m.version, count(*)::integer FROM function_embeddings AS e JOIN embedding_models AS m ON m.id = e.model_id "
    "GROUP BY m.id ORDER BY m.id"
)


class Somebodys:
    """A model that makes its vectors by chance, and all of a language much alike."""

    name, version, dimension, layout, needs_features, wants_centres = "somebody's", "w", 16, (), False, True

    def __init__(self) -> None:
        self.seen: list[str] = []

    def embed(self, snippets: Sequence[Snippet]) -> Any:
        self.seen += [snippet.code for snippet in snippets]
        made = np.array([self._by_chance(item.code) + 2 * self._by_chance(str(item.language)) for item in snippets])
        return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)

    def _by_chance(self, text: str) -> Any:
        vector = np.random.default_rng(zlib.crc32(text.encode())).standard_normal(16)
        return vector / np.linalg.norm(vector)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "LEAST", 5)


@pytest.fixture
def known_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_models, "load", lambda name: Somebodys() if name == Somebodys.name else load(name))


def write(bench: Bench, count: int, text: str = PYTHON, path: str = "code.py") -> None:
    bench.write(
        path, ("package p\n\n" if path.endswith(".go") else "") + "\n".join(text.format(n=n) for n in range(count))
    )


def versions(bench: Bench) -> dict[str, int]:
    return dict(bench.rows(MODELS))


def means(*values: float) -> Centres:
    return Centres({"": np.array(values, np.float16)}, {"": 1})


def bring_to(bench: Bench, embedder: Any) -> None:
    model_id = registered(bench.connection, embedder)
    for project in meaning.unfinished(bench.connection, model_id):
        fill(bench.connection, Task(project.id, model_id, embedder, project.functions, 1), ignore)


def test_a_first_analysis_counts_means_and_stores_vectors_by_them(bench: Bench) -> None:
    write(bench, 6)
    write(bench, 2, GO, "code.go")
    told: list[Event] = []
    bench.analyze(embedder=Somebodys(), observer=told.append)
    assert [event.text for event in told if isinstance(event, Notice)] == [
        "The vectors of somebody's are centred by the means of python, which are counted now."
    ]
    ((version, count),) = versions(bench).items()
    assert (version[:2], len(version), count) == ("w-", 10, 8)
    assert bench.rows("SELECT language, pieces FROM embedding_centres ORDER BY 1") == [
        ("", 1), ("python", 6), ("text", 6),
    ]  # fmt: skip
    embedder: Any = centred(bench.connection, Somebodys())
    assert embedder.version == version
    code = bench.rows(
        "SELECT a.file_type, f.code, e.embedding::text FROM functions AS f "
        "JOIN function_embeddings AS e ON e.function_id = f.id JOIN file_analyses AS a ON a.id = f.file_analysis_id"
    )
    expected = embedder.embed([Snippet(language, "", text, b"") for language, text, _ in code])
    found = np.array([[float(x) for x in vector.strip("[]").split(",")] for *_, vector in code])
    assert np.allclose(found, expected, atol=1e-3)
    again = Somebodys()
    assert bench.analyze(embedder=again).analysis.files_analyzed == 0
    assert again.seen == []


def test_what_has_too_few_functions_is_centred_when_there_are_enough(bench: Bench) -> None:
    write(bench, 4)
    bench.analyze(embedder=Somebodys())
    assert versions(bench) == {"w": 4}
    write(bench, 9)
    embedder = settled(bench.connection, Somebodys(), ignore)
    assert embedder.version == "w"  # only what is stored is looked at
    bench.analyze(embedder=Somebodys())
    assert versions(bench) == {"w": 9}
    embedder = settled(bench.connection, Somebodys(), ignore)
    bring_to(bench, embedder)
    assert versions(bench) == {embedder.version: 9}
    assert bench.analyze(embedder=Somebodys(), effort="none").analysis.files_analyzed == 0
    assert versions(bench) == {embedder.version: 9}


def test_who_counts_at_the_same_time_gets_what_was_first(bench: Bench) -> None:
    late: list[Any] = []

    def second() -> None:
        with open_database(DatabaseSettings(url=bench.url), lambda _: None) as other:
            centres.ensure(other, "m", "w", means(0, 1), anew=False)
            late.append(centres.holding(other, "m", "w"))

    waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with bench.connection.transaction():
        centres.ensure(bench.connection, "m", "w", means(1, 0), anew=False)
        thread = threading.Thread(target=second)
        thread.start()
        while thread.is_alive() and bench.rows(waits) == [(0,)]:
            time.sleep(0.01)
    thread.join()
    assert late[0].centres.of("python").tolist() == [1, 0]
    assert bench.rows("SELECT count(*) FROM embedding_models WHERE name = 'm'") == [(1,)]


def test_means_of_other_weights_are_other_means(bench: Bench) -> None:
    centres.ensure(bench.connection, "m", "w", means(1, 0), anew=False)
    centres.ensure(bench.connection, "m", "v", means(0, 1), anew=False)
    found = [centres.holding(bench.connection, "m", weights) for weights in ("w", "v", "", "w-")]
    assert [item and item.centres.of(None).tolist() for item in found] == [[1, 0], [0, 1], None, None]
    assert found[0] and found[0].version.startswith("w-")


def test_counted_anew_is_another_version_and_nothing_is_compared_with_it(bench: Bench, known_to_load: None) -> None:
    write(bench, 6)
    bench.analyze(embedder=Somebodys())
    old = centred(bench.connection, Somebodys())
    write(bench, 6, GO, "code.go")
    bench.analyze(embedder=Somebodys())
    assert versions(bench) == {old.version: 12}
    new = settled(bench.connection, Somebodys(), ignore, anew=True)
    assert isinstance(new, CentredEmbedder)
    assert set(new.centres.means) == {"", "go", "python", "text"}
    assert new.version != old.version
    assert centred(bench.connection, Somebodys()).version == new.version
    found = ask(bench, "load_1", code=PYTHON.format(n=1), model=Somebodys.name)  # what is stored is the old one yet
    assert found.matches[0].cosine > 0.999
    bring_to(bench, new)
    assert versions(bench) == {new.version: 12}
    found = ask(bench, "-", code=GO.format(n=1), code_language="go", model=Somebodys.name)
    assert found.matches[0].function.qualified_name == "load1"
    assert found.matches[0].cosine > 0.999


def test_a_sentence_is_centred_as_sentences_are(
    bench: Bench, known_to_load: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(bench, 6)
    bench.analyze(embedder=Somebodys())
    asked: list[str | None] = []
    of = Centres.of
    monkeypatch.setattr(Centres, "of", lambda self, language: asked.append(language) or of(self, language))
    request = SearchRequest("load a path", None, None, None, tests=False, limit=5, model=Somebodys.name)
    found = search_text(TextSearch(bench.connection, Search(bench.connection)), request)
    assert found.matches
    assert asked == ["text"]


def test_what_cannot_be_counted_anew(bench: Bench) -> None:
    with pytest.raises(UsageError, match="The model fast is not centred by means that a database holds"):
        settled(bench.connection, load("fast"), ignore, anew=True)
    with pytest.raises(UsageError, match="No language has 5 functions that you may read"):
        settled(bench.connection, Somebodys(), ignore, anew=True)
    assert not interface.wants_centres(load())


def test_who_is_no_admin_is_told_before_anything_is_counted(world: World) -> None:
    model = Somebodys()
    with world.session("ann") as session, pytest.raises(UsageError, match="Only admins"):
        settled(session, model, ignore, anew=True)
    assert model.seen == []
    with world.session("root") as session, pytest.raises(UsageError, match="No language has 5 functions"):
        settled(session, model, ignore, anew=True)


def test_an_interrupt_while_counting_changes_nothing(bench: Bench) -> None:
    write(bench, 6)
    bench.analyze(embedder=Somebodys(), effort="none")
    before = bench.rows("SELECT count(*) FROM embedding_models")
    with pytest.raises(KeyboardInterrupt):
        settled(bench.connection, Somebodys(), ignore, interrupted=lambda: True)
    assert bench.rows("SELECT count(*) FROM embedding_models") == before
    assert bench.rows("SELECT count(*) FROM embedding_centres") == [(0,)]
