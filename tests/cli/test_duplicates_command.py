"""`agentforge duplicates` as it is called."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import in_process
import jsonschema
import pytest

SCHEMA = Path(__file__).parents[2] / "docs/schemas/duplicates.schema.json"
IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
LINES = """def {name}(path, lines):
    with open(path, "w", encoding="utf-8") as stream:
        for number, line in enumerate(lines):
            stream.write(str(number))
            stream.write(line)
            stream.write("\\n")
"""


class Shop:
    """A project that is analysed into a database."""

    def __init__(self, root: Path, url: str) -> None:
        self.root, self.url = root, url

    def write(self, path: str, name: str) -> None:
        (self.root / path).write_text(LINES.format(name=name))

    def run(self, *arguments: str) -> in_process.Done:
        return in_process.run(*arguments, "--database-url", self.url, cwd=self.root)


@pytest.fixture
def shop(tmp_path: Path, migrated_url: str) -> Shop:
    root = tmp_path / "[bold]shop"
    root.mkdir()
    made = Shop(root, migrated_url)
    made.write("[red]one.py", "write_numbered")
    made.run("analyze", ".", "--quiet")
    return made


def test_a_table_json_and_the_exit_code(shop: Shop) -> None:
    done = shop.run("duplicates")
    assert (done.returncode, done.stdout) == (0, "No function is there twice (1 compared).\n")
    shop.write("two.py", "write_them")
    assert shop.run("analyze", ".", "--quiet").returncode == 0
    done = shop.run("duplicates")
    assert done.returncode == 0, done.stderr
    assert "6 lines  2 functions like write_numbered\n" in done.stdout
    assert "  1.00  write_numbered  [red]one.py:1, 6 lines\n" in done.stdout
    assert "  two.py:1, 6 lines  new\n" in done.stdout
    assert "1 cluster among 2 functions; merging them would save 6 lines.\n" in done.stdout

    done = shop.run("duplicates", "--new")
    assert done.returncode == 1
    assert done.stdout.startswith("two.py:1: write_them is there already: write_numbered, [red]one.py:1  ")

    done = shop.run("duplicates", "--new", "--format", "json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert document["projects"] == ["[bold]shop"]
    assert [item["function"]["path"] for item in document["rewritten"]] == ["two.py"]
    assert "code" not in document["clusters"][0]["functions"][0]

    document = json.loads(shop.run("duplicates", "--format", "json", "--show-code").stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert document["clusters"][0]["functions"][0]["code"].startswith("def write_numbered")
    assert (document["total"], document["lines"], document["rewritten"]) == (1, 6, [])
    assert "stream.write" in shop.run("duplicates", "--show-code").stdout


def test_since_needs_a_checkout_and_says_so_in_its_document(shop: Shop) -> None:
    done = shop.run("duplicates", "--since", "main")
    assert done.returncode == 2
    assert "is not in a git repository" in done.stderr
    shop.write("two.py", "write_them")
    for arguments in (("init", "-q", "-b", "main"), ("add", "[red]one.py"), ("commit", "-q", "-m", "one")):
        subprocess.run(["git", *IDENTITY, *arguments], cwd=shop.root, check=True)
    shop.run("analyze", ".", "--quiet")
    done = shop.run("duplicates", "--since", "HEAD", "--format", "json")
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert (document["since"], document["only_new"]) == ("HEAD", False)
    assert [item["function"]["path"] for item in document["rewritten"]] == ["two.py"]
    assert shop.run("duplicates", "--since", "HEAD", "--new").returncode == 2


def test_bad_input_is_explained(shop: Shop) -> None:
    done = shop.run("duplicates", "--project", "nope")
    assert done.returncode == 2
    assert "There is no project nope." in done.stderr
    assert shop.run("duplicates", "--min-score", "7").returncode == 2
    assert shop.run("duplicates", "--min-lines", "0").returncode == 2
