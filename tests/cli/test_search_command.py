"""`agentforge search` as it is called."""

from __future__ import annotations

import json
import re
from pathlib import Path

import in_process
import jsonschema
import psycopg

SCHEMA = Path(__file__).parents[2] / "docs/schemas/search.schema.json"
SOURCE = """def parse_date(text):
    '''Read it as ISO has it.'''
    return strptime(text)


def save(text):
    open(text).write(text)
"""


def run(url: str, *arguments: str, cwd: Path | None = None) -> in_process.Done:
    return in_process.run(*arguments, "--database-url", url, cwd=cwd)


def test_a_list_json_and_bad_input(tmp_path: Path, migrated_url: str) -> None:
    (tmp_path / "[red]dates.py").write_text(SOURCE)
    assert run(migrated_url, "analyze", ".", "--quiet", cwd=tmp_path).returncode <= 1
    done = run(migrated_url, "search", "parsing dates")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("parse_date  ")
    assert "[red]dates.py:1, 3 lines" in done.stdout.replace("\n", " ")
    assert "      def parse_date(text)\n      Read it as ISO has it\n" in done.stdout
    assert "strptime" in run(migrated_url, "search", "parsing dates", "--show-code").stdout

    done = run(migrated_url, "search", "parsing dates", "--format", "json", "--limit", "1")
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert [(match["qualified_name"], match["word_rank"]) for match in document["matches"]] == [("parse_date", 1)]

    done = run(migrated_url, "search", "?!")
    assert (done.returncode, done.stdout) == (2, "")
    assert "There are no words to search for." in done.stderr
    assert run(migrated_url, "search", "date", "--kind", "thing").returncode == 2

    done = run(migrated_url, "search", "parsing dates", "--model", "hybrid")
    assert (done.returncode, done.stdout.startswith("parse_date  ")) == (0, True)
    done = run(migrated_url, "search", "parsing dates", "--model", "fast")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(
        r"Nothing is embedded by the model fast .*\nRun `agentforge embed --model fast`, .*: hybrid\.", done.stderr
    )
    with psycopg.connect(migrated_url, autocommit=True) as connection:
        connection.execute("UPDATE agentforge.embedding_models SET name = 'mine'")
    done = run(migrated_url, "search", "parsing dates")
    assert (done.returncode, done.stdout.startswith("parse_date  ")) == (0, True)
    assert "Found by words only. Nothing is embedded by the model hybrid" in done.stderr
    assert "or name what there is with --model: mine." in done.stderr
