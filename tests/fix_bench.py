"""A project on disk and in a database, analysed as often as a test likes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from agentforge.cli.database import open_database
from agentforge.detect.selection import NOTHING_CHOSEN, Selection
from agentforge.embed.interface import load
from agentforge.model import Report
from agentforge.pipeline.analyze import Request, analyze
from agentforge.pipeline.events import Observer, ignore
from agentforge.store.connection import DatabaseSettings
from agentforge.walk import WalkOptions, discover

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

SHELL = "import subprocess\n\n\ndef run(cmd):\n    return subprocess.call(cmd, shell=True)\n"


class Bench:
    """One tree and one database."""

    def __init__(self, root: Path, connection: Connection, url: str) -> None:
        self.root, self.connection, self.url = root, connection, url

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True)

    def analyze(
        self,
        *paths: str,
        options: WalkOptions | None = None,
        selection: Selection = NOTHING_CHOSEN,
        embedder: Any = None,
        observer: Observer = ignore,
        connection: Connection | None = None,
        effort: str = "full",
    ) -> Report:
        tree = discover([str(self.root / path) for path in paths or (".",)])
        request = Request(tree, options or WalkOptions(), embedder or load(), 1, "0", selection, effort, with_rows=True)
        return analyze(connection or self.connection, request, observer)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query.encode()).fetchall()

    def administer(self, statement: str) -> None:
        """Run a statement as the superuser of the server, whom no policy binds."""
        with psycopg.connect(self.url, autocommit=True, options="-c search_path=agentforge") as connection:
            connection.execute(statement.encode())

    def versions(self) -> set[tuple[Any, ...]]:
        """Where each row of the big tables lies: any write moves one."""
        tables = (
            "file_analyses",
            "code_violations",
            "functions",
            "function_embeddings",
            "code_chunks",
            "code_embeddings",
        )
        return {
            (table, *row) for table in tables for row in self.rows(f"SELECT tableoid, ctid, xmin::text FROM {table}")
        }


@contextmanager
def _bench(folder: Path, url: str) -> Iterator[Bench]:
    root = folder / "project"
    root.mkdir()
    with open_database(DatabaseSettings(url=url), print) as connection:
        yield Bench(root, connection, url)


@pytest.fixture
def bench(tmp_path: Path, migrated_url: str) -> Iterator[Bench]:
    with _bench(tmp_path, migrated_url) as made:
        yield made


@pytest.fixture(scope="module")
def shared_bench(tmp_path_factory: pytest.TempPathFactory, shared_migrated_url: str) -> Iterator[Bench]:
    """One for the tests of a module that only read what is stored."""
    with _bench(tmp_path_factory.mktemp("shared"), shared_migrated_url) as made:
        yield made
