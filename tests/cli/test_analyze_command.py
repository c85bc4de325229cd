"""`agentforge analyze` and `agentforge similar` as a user runs them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import psycopg
import pytest

COMMAND = str(Path(sys.executable).parent / "agentforge")
SCHEMAS = Path(__file__).parents[2] / "docs/schemas"
SHELL = "import subprocess\n\n\ndef run(cmd):\n    return subprocess.call(cmd, shell=True)\n"


class Command:
    """The installed command with a database of its own."""

    def __init__(self, url: str) -> None:
        self.environment = {**os.environ, "AGENTFORGE_DATABASE_URL": url, "NO_COLOR": "1", "COLUMNS": "120"}

    def __call__(self, *arguments: str, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=self.environment,
            cwd=cwd,
        )


@pytest.fixture
def agentforge(migrated_url: str) -> Command:
    return Command(migrated_url)


def write_tree(folder: Path) -> Path:
    (folder / "run.py").write_text(SHELL)
    (folder / "run_again.py").write_text(SHELL.replace("run", "start"))
    (folder / "ok.go").write_text("package ok\n\nfunc Add(a, b int) int { return a + b }\n")
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path)


@pytest.fixture(scope="module")
def analysed(shared_migrated_url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A database, and the tree that was analysed into it, for tests that change neither."""
    folder = write_tree(tmp_path_factory.mktemp("tree"))
    done = Command(shared_migrated_url)("analyze", str(folder))
    assert done.returncode == 1, done.stderr
    return shared_migrated_url, folder


def test_json_is_one_valid_document_and_so_is_the_next(agentforge: Command, tree: Path) -> None:
    schema = json.loads((SCHEMAS / "analysis.schema.json").read_text())
    documents = []
    for _ in range(2):
        done = agentforge("analyze", str(tree), "--format", "json")
        assert done.returncode == 1, done.stderr
        documents.append(json.loads(done.stdout))
        jsonschema.validate(documents[-1], schema)
    first, second = documents
    assert [file["path"] for file in second["files"]] == ["ok.go", "run.py", "run_again.py"]
    assert second["files"] == first["files"]
    assert {row["status"] for row in first["violations"]} == {"new"}
    assert {row["status"] for row in second["violations"]} == {"open"}
    assert second["analysis"]["files_analyzed"] == 0
    assert second["analysis"]["previous_id"] == first["analysis"]["id"]


def test_the_table_says_what_is_new_and_what_to_do_next(agentforge: Command, tree: Path) -> None:
    agentforge("analyze", str(tree))
    (tree / "worse.py").write_text(SHELL.replace("run", "worse") + "\n\neval(input())\n")
    done = agentforge("analyze", str(tree))
    assert done.returncode == 1
    assert "since the last analysis" in done.stdout
    assert "1 file analysed, 3 unchanged" in done.stdout
    assert "agentforge similar" in done.stdout


def test_a_clean_project_in_an_empty_database_exits_with_0(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "ok.go").write_text("package ok\n\nfunc Add(a, b int) int { return a + b }\n")
    assert Command(database_url)("analyze", str(tmp_path)).returncode == 0


def test_similar_by_name_by_place_and_by_code(analysed: tuple[str, Path]) -> None:
    agentforge, tree = Command(analysed[0]), analysed[1]
    schema = json.loads((SCHEMAS / "similar.schema.json").read_text())
    for arguments, stdin in (
        (["run"], ""),
        (["run.py:5"], ""),
        (["-"], "def go(cmd):\n    return call(cmd, shell=True)"),
    ):
        done = agentforge("similar", *arguments, "--format", "json", stdin=stdin, cwd=tree)
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        jsonschema.validate(document, schema)
        assert document["matches"][0]["qualified_name"] in {"start", "run"}
    shown = agentforge("similar", "run", "--show-code", cwd=tree).stdout
    assert "def start(cmd)" in shown
    assert "def run(cmd)" in shown


def test_similar_explains_what_it_cannot_find(analysed: tuple[str, Path]) -> None:
    done = Command(analysed[0])("similar", "strat")
    assert done.returncode == 2
    assert "Did you mean start" in done.stderr
    assert done.stdout == ""


def test_similar_loads_no_model_for_what_is_stored(analysed: tuple[str, Path]) -> None:
    agentforge = Command(analysed[0])
    agentforge.environment["PYTHONPROFILEIMPORTTIME"] = "1"
    done = agentforge("similar", "run")
    assert done.returncode == 0
    assert "agentforge.store.similar" in done.stderr
    assert "agentforge.embed.explain" in done.stderr, "which parses what is shown"
    assert not re.search(r"\| +(torch|sentence_transformers|agentforge\.embed\.transformer|bandit)\b", done.stderr)


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("postgresql://me:s3cr3t@127.0.0.1:1/none", "s3cr3t"),
        ("postgresql://me:s3cr3t@nowhere.invalid/none", "s3cr3t"),
        ("nonsense://s3cr3t", "s3cr3t"),
        ("postgresql://me:p@s3cr3t/x@127.0.0.1:1/none", "s3cr3t"),
        ("postgresql://me:p?x@s3cr3t/x@127.0.0.1:1/none", "s3cr3t"),
    ],
)
def test_a_database_that_is_not_there_is_3_and_no_secret(tree: Path, url: str, secret: str) -> None:
    done = Command(url)("analyze", str(tree))
    assert done.returncode == 3
    assert secret not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) >= 2


def test_ctrl_c_cancels_and_the_next_run_goes_on(agentforge: Command, tmp_path: Path, migrated_url: str) -> None:
    for number in range(400):
        body = "\n".join(f"def f{i}(x):\n    return [x + {i} for x in range(x) if x > {number}]\n" for i in range(60))
        (tmp_path / f"m{number}.py").write_text(body)
    process = subprocess.Popen(
        [COMMAND, "analyze", str(tmp_path)],
        env=agentforge.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with psycopg.connect(migrated_url, autocommit=True) as connection:
        begun = "SELECT FROM agentforge.project_analyses"
        while connection.execute(begun).fetchone() is None and process.poll() is None:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 130, stderr
        assert "cancelled" in stderr
        assert "Traceback" not in stderr
        assert stdout == ""
        assert connection.execute("SELECT status FROM agentforge.project_analyses").fetchall() == [("cancelled",)]
        assert connection.execute("SELECT count(*) FROM agentforge.file_analyses").fetchone() == (0,)
