"""`agentforge check` as a user runs it: the installed command in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

COMMAND = str(Path(sys.executable).parent / "agentforge")
SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/analysis.schema.json").read_text())


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "bad.py").write_text("import subprocess\n\ndef run(cmd):\n    subprocess.call(cmd, shell=True)\n")
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "empty.go").write_text("")
    (tmp_path / "latin.js").write_bytes(b"// caf\xe9\r\nfunction f(a) { return a ? 1 : 2 }\r\n")
    (tmp_path / "notes.txt").write_text("one\n\ntwo\n")
    (tmp_path / "data.bin").write_bytes(b"\0\1\2")
    return tmp_path


def test_json_is_one_valid_document_on_stdout(tree: Path) -> None:
    done = run("check", str(tree), "--format", "json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    files = {file["path"]: file for file in document["files"]}
    assert set(files) == {"bad.py", "broken.py", "empty.go", "latin.js", "notes.txt"}
    assert files["broken.py"]["parse_error"]
    assert files["notes.txt"]["lines"] == {"physical": 3, "code": 2, "comment": 0, "blank": 1}
    assert [function["cyclomatic"] for function in files["latin.js"]["functions"]] == [2]
    assert "B602" in {violation["rule_id"] for violation in document["violations"]}
    assert document["analysis"]["skipped"] == [{"path": "data.bin", "reason": "binary"}]


def test_lines_inserted_above_leave_the_fingerprint_alone(tree: Path) -> None:
    def fingerprints() -> set[tuple[str, str]]:
        rows = json.loads(run("check", str(tree), "--format", "json").stdout)["violations"]
        return {(row["rule_id"], row["fingerprint"]) for row in rows}

    before = fingerprints()
    (tree / "bad.py").write_text("# a comment\n\n\n" + (tree / "bad.py").read_text().replace("    sub", "        sub"))
    assert fingerprints() == before


def test_the_table_names_what_matters(tree: Path) -> None:
    done = run("check", str(tree))
    assert done.returncode == 1
    assert "Grades by language" in done.stdout
    assert "B602" in done.stdout
    assert "1 file did not parse completely" in done.stdout
    assert done.stderr == ""


def test_exit_codes(tmp_path: Path) -> None:
    (tmp_path / "clean.py").write_text("x = 1\n")
    assert run("check", str(tmp_path)).returncode == 0
    missing = run("check", str(tmp_path / "nowhere"))
    assert missing.returncode == 2
    assert "does not exist" in missing.stderr
    assert "Traceback" not in missing.stderr
    assert run("check", str(tmp_path), "--no-such-option").returncode == 2
    (tmp_path / "empty").mkdir()
    assert run("check", str(tmp_path / "empty")).returncode == 0


def test_show_files_gives_each_reason(tree: Path) -> None:
    done = run("check", str(tree), "--show-files")
    assert done.returncode == 0
    assert "skipped: binary" in done.stdout


def test_a_closed_pipe_is_no_error(tree: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$0" check "$1" --format json | head -c 10', COMMAND, str(tree)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


def test_version() -> None:
    assert run("--version").stdout.startswith("agentforge 0.")


def test_the_rule_that_needs_the_database_is_named_where_it_is_on(tree: Path) -> None:
    asked = run("check", str(tree / "bad.py"), "--enable", "duplicate-function")
    assert "duplicate-function is not looked for here: `agentforge analyze` reports it." in asked.stderr
    assert run("check", str(tree / "bad.py"), "--enable", "duplicate-function", "--quiet").stderr == ""
    assert run("check", str(tree / "bad.py")).stderr == ""
