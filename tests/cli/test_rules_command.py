"""`agentforge rules`: what it lists and shows, and what it says of somebody's own rules."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import in_process
import pytest

from agentforge import cli

RULE = """\
[[rule]]
id = "my-eval"
name = "No eval"
languages = ["python"]
category = "security"
severity = "high"
confidence = "high"
cwe = 95
message = "{name} runs text as code"
why = "Whoever writes the text runs code."
suggestion = "Parse it."
literals = ["eval"]
query = '((call function: (identifier) @name) @at (#eq? @name "eval"))'
bad = [
  "x = eval(y)",
  '''
if a:
    eval(b)
''',
]
good = ["evaluate(x)"]
"""


Run = Callable[..., in_process.Done]


@pytest.fixture
def run() -> Run:
    return partial(in_process.run, "rules")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my.toml").write_text(RULE)
    return tmp_path


def test_list_filters(run: Run) -> None:
    rows = json.loads(run("list", "--format", "json").stdout)["rules"]
    ids = {row["id"] for row in rows}
    assert {"B608", "js-eval", "long-function"} <= ids
    assert all(row["enabled"] for row in rows)
    scala = json.loads(run("list", "--language", "scala", "--all", "--format", "json").stdout)["rules"]
    assert all("scala" in row["languages"] for row in scala)
    assert not all(row["enabled"] for row in scala)
    worst = json.loads(run("list", "--severity", "critical", "--category", "security", "--format", "json").stdout)
    assert "c-gets" in {row["id"] for row in worst["rules"]}
    assert {row["severity"] for row in worst["rules"]} == {"critical"}


def test_the_table_has_a_row_a_rule(run: Run) -> None:
    done = run("list", "--language", "go")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()].count("go-defer-in-loop") == 1
    unknown = run("list", "--language", "pyton")
    assert unknown.returncode == 2
    assert "Did you mean `python`" in unknown.stderr


def test_show_has_all_of_a_rule(run: Run) -> None:
    done = run("show", "go-defer-in-loop")
    assert done.returncode == 0
    for part in ("go-defer-in-loop", "Why it matters", "What to do", "Found", "Not found", "for"):
        assert part in done.stdout
    assert "cwe.mitre.org/data/definitions/89" in run("show", "B608").stdout
    assert json.loads(run("show", "js-eval", "--format", "json").stdout)["rule"]["page"] == (
        "docs/rules/javascript.md#js-eval"
    )
    missing = run("show", "js-evil")
    assert missing.returncode == 2
    assert "Did you mean `js-eval`" in missing.stderr


def test_rules_that_do_what_their_examples_say(run: Run, folder: Path) -> None:
    (folder / "go").mkdir()
    (folder / "go" / "more.toml").write_text(
        RULE.replace('languages = ["python"]\n', "")
        .replace("my-eval", "my-go-eval")
        .replace("(call function", "(call_expression function")
        .replace('"x = eval(y)"', '"package a\\nvar x = eval(y)"')
        .replace("if a:\n    eval(b)", "package a\nfunc f() { eval(b) }")
        .replace("evaluate(x)", "package a\\nvar x = evaluate(y)")
    )
    done = run("test", str(folder))
    assert (done.returncode, done.stdout) == (0, "")
    assert "2 rules, 6 examples: all pass" in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("    eval(b)", "    evil(b)", 17, "bad example 2: the rule finds nothing in it"),
        ("    eval(b)", "    eval(b", 17, "its line 2 is not valid Python"),
        ('"evaluate(x)"', '"f(x)", "eval(x)"', 21, "good example 2: the rule finds something in it"),
        ('literals = ["eval"]', 'literals = ["evil"]', 15, "none of the rule's `literals`"),
    ],
)
def test_an_example_that_fails_is_named_with_file_and_line(
    run: Run, folder: Path, old: str, new: str, line: int, problem: str
) -> None:
    assert old in RULE
    (folder / "my.toml").write_text(RULE.replace(old, new))
    done = run("test", str(folder))
    assert done.returncode == 1
    assert f"{folder}/my.toml:{line}: my-eval (python), " in done.stdout
    assert problem in done.stdout
    document = json.loads(run("test", str(folder), "--format", "json").stdout)
    failed = [example for example in document["examples"] if not example["passed"]]
    assert {(example["rule"], example["line"]) for example in failed} >= {("my-eval", line)}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('languages = ["python"]\n', "", "my.toml:1: rule `my-eval`: it names no language."),
        ('["python"]', '["pyton"]', "Did you mean `python`"),
        ('["python"]', '"python"', "`languages` must be a list"),
        ("(call f", "(kall f", "the query does not fit python"),
        ('(#eq? @name "eval")', '(#inside? @name "eval")', "`#inside?` has 2 arguments"),
        ('(#eq? @name "eval")', '(#follows? @name "(")', "is not a regular expression"),
        ('(#eq? @name "eval")', '(#kind? "eval")', "wants a capture first"),
        ("my-eval", "python-mutable-default", "there is a built-in rule"),
        (RULE, "rule = [1]", "is not a list of entries"),
        (RULE, "", "There is no rule in"),
    ],
)
def test_a_rule_that_is_not_usable(run: Run, folder: Path, old: str, new: str, message: str) -> None:
    assert old in RULE
    (folder / "my.toml").write_text(RULE.replace(old, new))
    done = run("test", str(folder))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_folders_that_are_not_there_or_no_language(run: Run, folder: Path) -> None:
    assert run("test", str(folder / "none")).returncode == 2
    (folder / "phyton").mkdir()
    (folder / "phyton" / "a.toml").write_text(RULE)
    done = run("test", str(folder))
    assert done.returncode == 2
    assert "Did you mean `python`" in done.stderr


def test_a_team_sets_rules_for_all_its_projects(run: Run, migrated_url: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(a=[]):\n    return a\n")
    at = ("--database-url", migrated_url)

    def found() -> list[tuple[str, str]]:
        done = analyze(tmp_path, *at, "--format", "json")
        return [(item["severity"], item["status"]) for item in json.loads(done)["violations"]]

    def analyze(*arguments: object) -> str:
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")) as out:
            cli.run(["analyze", "-q", *map(str, arguments)])
        out.seek(0)
        return out.read()

    assert found() == [("medium", "new")]
    done = run("set-severity", "python-mutable-default", "high", *at)
    assert (done.returncode, done.stdout.split()[-4:]) == (0, ["python-mutable-default", "python", "yes", "high"])
    assert found() == [("high", "open")]
    document = json.loads(run("disable", "python-mutable-default", "--format", "json", *at).stdout)
    assert document["languages"] == [{"language": "python", "enabled": False, "severity": "high"}]
    assert found() == [("high", "fixed")]
    assert run("enable", "python-mutable-default", *at).returncode == 0
    assert run("reset", "PYTHON-mutable-default", "--language", "python", *at).returncode == 0
    assert found() == [("medium", "reopened")]
    refused = run("disable", "js-eval", "--language", "python", *at)
    assert refused.returncode == 2
    assert "applies to javascript, tsx, typescript" in refused.stderr
    assert run("set-severity", "js-eval", "huge", *at).returncode == 2
