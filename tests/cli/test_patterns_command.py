"""`agentforge patterns`: added from functions, listed, shown, matched and removed, and what is said of bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import in_process
import jsonschema
import pytest

PROGRAM = Path(sys.executable).with_name("agentforge")
SCHEMAS = Path(__file__).parents[2] / "docs/schemas"
SOURCE = """
def paint_one(zebra, canvas):
    for stripe in zebra.stripes:
        canvas.fill(stripe.outline, stripe.colour)
    canvas.flush()
    return canvas


def paint_two(zebra, page):
    for stripe in zebra.stripes:
        page.fill(stripe.outline, stripe.colour)
    page.flush()
    return page


def nothing(): pass
"""
TOKEN = """import random


def make_token(length):
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(random.choice(alphabet) for _ in range(length))
"""


def valid(schema: str, text: str) -> Any:
    """The document, which is as its schema says."""
    document = json.loads(text)
    jsonschema.validate(document, json.loads((SCHEMAS / f"{schema}.schema.json").read_text()))
    return document


Run = Callable[..., in_process.Done]


@pytest.fixture
def run(migrated_url: str, tmp_path: Path) -> Run:
    """The command, in a folder with sources."""
    (tmp_path / "zebra.py").write_text(SOURCE)
    (tmp_path / "auth.py").write_text(TOKEN)
    return partial(in_process.run, cwd=tmp_path, AGENTFORGE_DATABASE_URL=migrated_url)


def test_a_pattern_from_functions_to_its_end(run: Run) -> None:
    assert run("analyze", ".", "--quiet").returncode == 1
    add = ("patterns", "add", "zebra-painting", "--type", "smell", "--severity", "medium", "--require", "zebra,giraffe")
    done = run(*add, "--from", "paint_one", "zebra.py:9")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Added zebra-painting (smell) from 2 examples")
    assert "can read the code of its examples" in done.stderr
    assert run(*add, "--from", "paint_one").returncode == 2

    document = valid("patterns", run("patterns", "list", "--type", "smell", "--format", "json").stdout)
    listed = {item["name"]: item for item in document["patterns"]}
    assert (listed["zebra-painting"]["severity"], listed["zebra-painting"]["shipped"]) == ("medium", False)
    assert listed["csv-by-split"]["shipped"]
    shown = run("patterns", "show", "zebra-painting").stdout
    assert "zebra or giraffe" in shown
    assert "def paint_two(zebra, page):" in shown

    done = run("patterns", "match", "zebra-painting")
    assert [line.split()[1] for line in done.stdout.splitlines() if line.startswith(("  0.", "  1."))]
    assert "paint_one" in done.stdout and "paint_two" in done.stdout
    assert "same structure, same names; both call fill, flush" in done.stdout
    for name in ("zebra-painting", "memoisation"):
        valid("patterns", run("patterns", "show", name, "--format", "json").stdout)
    document = valid("pattern-matches", run("patterns", "match", "--format", "json", "--limit", "1").stdout)
    assert {item["pattern"] for item in document["matches"]} == {"zebra-painting", "guessable-token"}
    assert document["total"] == 3
    assert all(item["score"] >= item["least_score"] for item in document["matches"])

    report = json.loads(run("analyze", ".", "--quiet", "--format", "json").stdout)
    assert [item["rule_id"] for item in report["violations"]].count("pattern-zebra-painting") == 2
    assert run("patterns", "remove", "zebra-painting").stdout == "Removed zebra-painting.\n"
    assert run("patterns", "show", "zebra-painting").returncode == 2


def test_the_installed_command_matches_what_is_piped_in_and_a_file(tmp_path: Path, migrated_url: str) -> None:
    (tmp_path / "auth.py").write_text(TOKEN)
    match = [PROGRAM, "patterns", "match", "--database-url", migrated_url, "--file"]
    done = subprocess.run([*match, "-", "--format", "json"], input=TOKEN, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    document = valid("pattern-matches", done.stdout)
    assert document["total"] == 1
    assert document["matches"][0]["qualified_name"] == "make_token"
    assert "both call" in document["matches"][0]["explanation"]["text"]
    done = subprocess.run([*match, tmp_path / "auth.py", "guessable-token"], capture_output=True, text=True)
    assert done.stdout.splitlines()[0].startswith("guessable-token  A secret made of guessable random numbers")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("add", "a-name", "--type", "smell"), "A pattern needs an example."),
        (("add", "a-name", "--type", "smell", "--from", "zebra.py:1"), "no function at line 1"),
        (("add", "a-name", "--type", "smell", "--from", "nowhere.py:1"), "There is no function nowhere.py:1"),
        (("add", "a-name", "--type", "smell", "--from", "-"), "There is no code on standard input."),
        (("add", "A Name", "--type", "smell", "--from", "zebra.py:2"), "no name of a pattern"),
        (("add", "memoisation", "--type", "idiom", "--from", "zebra.py:2"), "ships with agentforge"),
        (("add", "a-name", "--type", "odour", "--from", "zebra.py:2"), "odour"),
        (("add", "a-name", "--type", "smell", "--language", "klingon", "--from", "zebra.py:2"), "no language klingon"),
        (("add", "a-name", "--type", "smell", "--require", ",", "--from", "zebra.py:2"), "--require names nothing"),
        (("show", "memoization"), "Did you mean memoisation?"),
        (("remove", "memoisation"), "ships with agentforge and stays"),
        (("match", "csv"), "There is no pattern csv."),
        (("match", "--project", "nowhere"), "No project is stored yet."),
        (("match", "--file", "nowhere.py"), "There is no file nowhere.py."),
        (("match", "--file", "-", "--code-language", "klingon"), "no language klingon"),
        (("match", "--file", "-"), "There is no code in it."),
        (("match", "--file", "a.py", "--project", "b"), "exclude each other"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(run: Run, arguments: tuple[str, ...], says: str) -> None:
    done = run("patterns", *arguments, stdin="  \n")
    assert done.returncode == 2, done.stderr
    assert says in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_what_holds_no_function_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text("{}")
    (tmp_path / "empty.py").write_text("X = 1\n")
    assert "in no language" in run("patterns", "match", "--file", "data.json").stderr
    assert "There is no function in empty.py" in run("patterns", "match", "--file", "empty.py").stderr
