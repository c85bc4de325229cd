"""The command reads flags, environment and file, and says what is in force."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import in_process
import jsonschema
import pytest

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/settings.schema.json").read_text())
SHELL = "import subprocess\n\n\ndef run(cmd):\n    assert cmd\n    return subprocess.call(cmd, shell=True)\n"
RULE = """
[[rule]]
id = "no-run"
name = "No run"
category = "quality"
severity = "low"
confidence = "high"
message = "{name} is not a name"
why = "Everything runs."
suggestion = "Say what it does."
languages = ["python"]
query = '((function_definition name: (identifier) @name) @at (#eq? @name "run"))'
bad = ["def run(): pass"]
good = ["def walk(): pass"]
"""


def run(*arguments: str, cwd: Path | None = None, **variables: str) -> in_process.Done:
    return in_process.run(*arguments, cwd=cwd, **{"NO_COLOR": "1", "COLUMNS": "200", **variables})


def found(*arguments: str, **variables: str) -> dict[tuple[str, str], str]:
    """Path and rule to the severity of each violation."""
    done = run("check", *arguments, "--format", "json", **variables)
    assert done.returncode in (0, 1), done.stderr
    return {(item["path"], item["rule_id"]): item["severity"] for item in json.loads(done.stdout)["violations"]}


def shown(*arguments: str, **variables: str) -> dict[str, Any]:
    done = run(*arguments, "--show-settings", "--format", "json", **variables)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    return {item["key"]: item for item in document["settings"]}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/own.toml").write_text(RULE)
    for path in ("a.py", "tests/a.py"):
        (tmp_path / path).write_text(SHELL)
    (tmp_path / "pyproject.toml").write_text(
        "[tool.agentforge]\nrules = ['./rules']\ndisable = ['B404']\nseverity = { B602 = 'critical' }\njobs = 1\n\n"
        "[[tool.agentforge.overrides]]\npaths = ['tests/']\ndisable = ['B1*', 'no-run']\n"
    )
    return tmp_path


def test_the_file_of_the_tree(tree: Path) -> None:
    assert found(str(tree)) == {
        ("a.py", "B101"): "low",
        ("a.py", "B602"): "critical",
        ("a.py", "no-run"): "low",
        ("tests/a.py", "B602"): "critical",
    }
    # also for a part of the checkout, where git tells its root
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    assert found(str(tree / "tests")) == {("tests/a.py", "B602"): "critical"}


def test_a_flag_and_a_variable_have_the_last_word(tree: Path) -> None:
    by_flags = found(str(tree), "--disable", "B602", "--enable", "B101")
    assert ("a.py", "B602") not in by_flags
    assert ("tests/a.py", "B101") in by_flags
    by_both = found(str(tree), "--exclude", "tests/", AGENTFORGE_ENABLE="B404")
    assert ("a.py", "B404") in by_both
    assert {path for path, _ in by_both} == {"a.py"}
    assert ("a.py", "B404") not in found(str(tree), "--disable", "B4*", AGENTFORGE_ENABLE="B404")
    assert {path for path, _ in found(str(tree), AGENTFORGE_INCLUDE="tests/,b/")} == {"tests/a.py"}


def test_no_file_and_another_file(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    plain = found(str(tree), "--isolated")
    assert ("a.py", "B404") in plain
    assert plain["a.py", "B602"] == "high"
    team = tmp_path_factory.mktemp("team") / "team.toml"
    team.write_text("disable = ['B*']\n")
    assert found(str(tree), "--config", str(team)) == {}
    assert found(str(tree), AGENTFORGE_CONFIG=str(team)) == {}
    done = run("check", str(tree), "--isolated", AGENTFORGE_CONFIG=str(team))
    assert done.returncode == 2
    assert "Give one of them" in done.stderr


def test_show_settings_names_each_source(tree: Path) -> None:
    rows = shown(
        "check", str(tree), "--jobs", "2", "--disable", "B1*", AGENTFORGE_DISABLE="B3*", AGENTFORGE_FAIL_ON="low"
    )
    assert rows["jobs"] == {"key": "jobs", "value": 2, "source": "flag", "places": ["--jobs"]}
    assert rows["max-file-size"]["source"] == "default"
    assert rows["gate.fail-on"]["places"] == ["AGENTFORGE_FAIL_ON"]
    assert rows["disable"] == {
        "key": "disable",
        "value": ["B404", "B3*", "B1*"],
        "source": "flag",
        "places": ["--disable", "AGENTFORGE_DISABLE", "pyproject.toml:3"],
    }
    assert rows["overrides[0]"]["value"] == {"paths": ["tests/"], "disable": ["B1*", "no-run"]}
    assert rows["overrides[0]"]["places"] == ["pyproject.toml:7"]
    table = run("check", str(tree), "--show-settings")
    assert table.returncode == 0
    assert [line.split() for line in table.stdout.splitlines() if line.startswith("jobs")] == [
        ["jobs", "1", "pyproject.toml:5"]
    ]


def test_a_password_is_never_shown(tree: Path) -> None:
    url = "postgresql://u:hunter2@localhost/d"
    for arguments, variables in (((), {"AGENTFORGE_DATABASE_URL": url}), (("--database-url", url), {})):
        done = run("analyze", str(tree), "--show-settings", *arguments, **variables)
        assert done.returncode == 0, done.stderr
        assert "hunter2" not in done.stdout + done.stderr
        assert "database-url" in done.stdout
    rows = shown("analyze", str(tree), AGENTFORGE_DATABASE_URL=url)
    assert rows["database-url"]["source"] == "environment"
    assert "database-url" not in shown("check", str(tree))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.agentforge]\njbs = 1\n", "pyproject.toml:2: unknown key `jbs`. Did you mean `jobs`?"),
        ("[tool.agentforge]\ndisable = ['B40']\n", "pyproject.toml:2: there is no rule `B40`. Did you mean `B40"),
        ("[tool.agentforge]\nrules = ['..']\n", "pyproject.toml:2: `..` is not within the folder"),
        ("[tool.agentforge]\ndatabase-url = 'postgresql://u:hunter2@h/d'\n", "cannot be set in a file"),
        ("[tool.agentforge\n", "pyproject.toml: it is not TOML"),
        ("\udcff", "pyproject.toml:1: this is not UTF-8"),
    ],
)
def test_mistakes_end_with_exit_code_2(tree: Path, text: str, message: str) -> None:
    (tree / "pyproject.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    done = run("check", str(tree))
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


def test_a_message_does_not_move_the_cursor(tree: Path) -> None:
    (tree / "pyproject.toml").write_text('[tool.agentforge]\n"\\u001b[2J\\n::error::x" = 1\n')
    done = run("check", str(tree), f"--config={tree}/\x1b[2J\u202e.toml")
    assert "\\x1b[2J\\u202e.toml" in done.stderr
    done = run("check", str(tree))
    assert "\\x1b[2J\\n::error::x" in done.stderr


def test_a_wrong_variable_or_flag(tree: Path) -> None:
    for arguments, variables, message in (
        ((), {"AGENTFORGE_JOBS": "x"}, "AGENTFORGE_JOBS must be a whole number"),
        (("--jobs", "-1"), {}, "--jobs"),
        (("--disable", "no-such-rule"), {}, "--disable: there is no rule `no-such-rule`."),
        ((), {"AGENTFORGE_CONFIG": "/nowhere.toml"}, "There is no file /nowhere.toml"),
    ):
        done = run("check", str(tree), *arguments, **variables)
        assert done.returncode == 2
        assert message in done.stderr


def test_a_format_of_reports_only_is_none_of_lists() -> None:
    # Options are made of the variable when the program starts.
    program = Path(sys.executable).with_name("agentforge")

    def show(value: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "AGENTFORGE_FORMAT": value}
        return subprocess.run([program, "rules", "show", "B602"], capture_output=True, text=True, env=environment)

    assert show("sarif").stdout.startswith("B602")
    assert json.loads(show("json").stdout)["rule"]["id"] == "B602"
    assert show("yaml").returncode == 2


def test_help_says_variable_and_default(tree: Path) -> None:
    done = run("check", "--help")
    assert "[env var: AGENTFORGE_JOBS; default: 0]" in " ".join(done.stdout.split())


def test_every_flag_of_the_table_is_one_of_a_command() -> None:
    import typer

    from agentforge.cli.app import app
    from agentforge.config.options import options

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for option in options().values():
        if option.flag:
            for name in ("analyze",) if option.analyze_only else ("analyze", "check"):
                flags = [flag for parameter in commands[name].params for flag in parameter.opts]
                assert option.flag in flags, (name, option.flag)


def test_formats_of_the_table_are_those_of_the_command() -> None:
    from agentforge.config.options import options
    from agentforge.report.formats import ReportFormat

    assert list(options()["format"].choices) == [item.value for item in ReportFormat]
