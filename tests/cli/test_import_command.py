"""`agentforge import sarif` as a user runs it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import in_process
import pytest

DATA = Path(__file__).parents[1] / "data/sarif"


class Command:
    """The command with a database of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.folder = folder
        self.environment = {"AGENTFORGE_DATABASE_URL": url, "NO_COLOR": "1", "COLUMNS": "120"}

    def __call__(self, *arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> in_process.Done:
        return in_process.run(*arguments, stdin=stdin, cwd=cwd or self.folder, **self.environment)


@pytest.fixture
def agentforge(migrated_url: str, tmp_path: Path) -> Command:
    folder = tmp_path / "shop"
    (folder / "src").mkdir(parents=True)
    for name in ("app.py", "app.js"):
        (folder / "src" / name).write_bytes((DATA / "src" / name).read_bytes())
    return Command(migrated_url, folder)


def test_a_table_a_document_and_standard_input(agentforge: Command) -> None:
    done = agentforge("import", "sarif", str(DATA / "semgrep.sarif"), str(DATA / "bandit.sarif"))
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["tool", "project", "branch", "new", "reopened", "known", "waived", "fixed"],
        ["Semgrep", "OSS", "1.185.0", "shop", "1", "0", "0", "1", "0"],
        ["Bandit", "1.9.4", "shop", "4", "0", "0", "0", "0"],
    ]
    assert "makes the findings of Bandit, too" in done.stderr
    again = agentforge(
        "import", "sarif", "-", "--format", "json", "--project", "shop", stdin=(DATA / "semgrep.sarif").read_bytes()
    )
    assert again.returncode == 0, again.stderr
    document = json.loads(again.stdout)
    assert document["schema_version"] == 1
    assert document["imports"][0]["tool"] == "Semgrep OSS"
    assert document["imports"][0]["standing"] == {"new": 0, "reopened": 0, "known": 1, "waived": 1, "fixed": 0}


def test_a_tool_that_ran_below_the_root(agentforge: Command) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=agentforge.folder, check=True)
    raw = (DATA / "semgrep.sarif").read_bytes().replace(b"src/app.py", b"app.py")
    done = agentforge("import", "sarif", "-", "--format", "json", stdin=raw, cwd=agentforge.folder / "src")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["imports"][0]["branch"] == "main"
    listed = agentforge("check", ".", "-q", "-f", "ai").stdout
    assert "src/app.py" in listed


def test_what_is_left_out_is_said(agentforge: Command, tmp_path: Path) -> None:
    log = json.loads((DATA / "semgrep.sarif").read_text())
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] = "../../etc/passwd"
    file = tmp_path / "x.sarif"
    file.write_text(json.dumps(log))
    done = agentforge("import", "sarif", str(file))
    assert "Semgrep OSS: 1 result in files outside the project left out." in done.stderr
    assert agentforge("import", "sarif", str(file), "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is not JSON"),
        (b"\xef\xbb\xbf{}", "has no list of runs"),
        (b'{"version": "2.1.0", "runs": []}', "There are no runs"),
        (b'{"version": "2.0.0", "runs": []}', "2.1.0 can be read"),
    ],
)
def test_what_is_no_sarif_exits_with_2(agentforge: Command, raw: bytes, said: str) -> None:
    done = agentforge("import", "sarif", "-", stdin=raw)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_files_and_projects_that_are_not_there(agentforge: Command) -> None:
    for arguments, said in (
        (["nowhere.sarif"], "nowhere.sarif cannot be read: vanished"),
        (["src"], "src cannot be read: not a regular file"),
        (["-", "--project", "nowhere"], "No project nowhere is visible"),
    ):
        done = agentforge("import", "sarif", *arguments, stdin=(DATA / "semgrep.sarif").read_bytes())
        assert done.returncode == 2
        assert said in done.stderr


def test_our_own_report_made_without_a_database_can_be_imported(agentforge: Command) -> None:
    made = agentforge("check", ".", "-q", "-f", "sarif")
    done = agentforge("import", "sarif", "-", "--format", "json", stdin=made.stdout.encode())
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["imports"]
    assert found["tool"] == "agentforge"
    assert found["standing"]["new"] == len(json.loads(made.stdout)["runs"][0]["results"])
