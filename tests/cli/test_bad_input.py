"""Bad input is normal input: a reason for what cannot be analysed, everything else analysed, the right exit code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import in_process
import pytest

COMMAND = str(Path(sys.executable).parent / "agentforge")
OK = "def ok(a):\n    return a + 1\n"


def run(*arguments: str, prefix: tuple[str, ...] = (), **variables: str) -> in_process.Done:
    """The command in this process, or behind a prefix, which takes one of its own."""
    if not prefix:
        return in_process.run(*arguments, **{"NO_COLOR": "1", **variables})
    done = subprocess.run([*prefix, COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=180)
    return in_process.Done(done.returncode, done.stdout, done.stderr)


def check(tree: Path, *options: str, prefix: tuple[str, ...] = ()) -> dict[str, Any]:
    """The JSON of a check that came to its end."""
    done = run("check", str(tree), "--format", "json", *options, prefix=prefix)
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def skipped(document: dict[str, Any]) -> dict[str, str]:
    return {item["path"]: item["reason"] for item in document["analysis"]["skipped"]}


def files(document: dict[str, Any]) -> dict[str, Any]:
    return {item["path"]: item for item in document["files"]}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "ok.py").write_text(OK)
    return tmp_path


def test_text_in_any_encoding(tree: Path) -> None:
    (tree / "latin.py").write_bytes("# -*- coding: latin-1 -*-\ndef f():\n    return 'é'\n".encode("latin-1"))
    (tree / "mark.py").write_bytes(b"\xef\xbb\xbf" + OK.encode())
    (tree / "wide.js").write_bytes("function f() { return 'é' }\n".encode("utf-16"))
    (tree / "ends.py").write_bytes(OK.replace("\n", "\r\n").encode())
    found = files(check(tree))
    assert {path: len(file["functions"]) for path, file in found.items()} == dict.fromkeys(
        ("ends.py", "latin.py", "mark.py", "ok.py", "wide.js"), 1
    )
    assert not any(file["parse_error"] for file in found.values())


def test_empty_and_binary_files(tree: Path) -> None:
    (tree / "empty.py").write_bytes(b"")
    (tree / "nul.py").write_bytes(b"x = 1\n\0\0\0")
    (tree / "blob").write_bytes(b"x = 1\n\0\0\0")
    document = check(tree)
    assert files(document)["empty.py"]["functions"] == []
    assert files(document)["nul.py"]["parse_error"]
    assert skipped(document) == {"blob": "binary"}


def test_one_line_of_50_megabytes(tree: Path) -> None:
    with (tree / "long.js").open("w") as file:
        file.write("x=[" + "1," * 25_000_000 + "]")
    assert "larger than" in skipped(check(tree))["long.js"]
    document = check(tree, "--max-file-size", "100000000")
    assert set(files(document)) | set(skipped(document)) == {"long.js", "ok.py"}


def test_three_thousand_parentheses(tree: Path) -> None:
    (tree / "deep.py").write_text("x = " + "(" * 3000 + "1" + ")" * 3000 + "\n")
    (tree / "deep.js").write_text("x = " + "[\n" * 3000 + "1" + "]\n" * 3000)
    found = files(check(tree))
    assert set(found) == {"deep.js", "deep.py", "ok.py"}
    assert found["deep.py"]["parse_error"]


def test_links_pipes_and_folders_that_loop(tree: Path) -> None:
    (tree / "sub").mkdir()
    (tree / "sub" / "up").symlink_to("..")
    (tree / "self.py").symlink_to("self.py")
    (tree / "dangling.py").symlink_to("nowhere")
    os.mkfifo(tree / "pipe.py")
    document = check(tree)
    assert set(files(document)) == {"ok.py"}
    assert set(skipped(document)) == {"dangling.py", "pipe.py", "self.py", "sub/up"}


def test_names_with_line_ends_and_invalid_utf8(tree: Path, migrated_url: str) -> None:
    (tree / "new\nline.py").write_text(OK)
    Path(os.fsdecode(os.fsencode(tree) + b"/by\xfftes.py")).write_text(OK)
    assert set(files(check(tree))) == {"ok.py", "new\\x0aline.py", "by\\xfftes.py"}
    done = run("analyze", str(tree), "--format", "json", AGENTFORGE_DATABASE_URL=migrated_url)
    assert done.returncode == 0, done.stderr
    assert set(files(json.loads(done.stdout))) == {"ok.py", "new\\x0aline.py", "by\\xfftes.py"}


def test_a_file_without_permission(tree: Path) -> None:
    (tree / "secret.py").write_text(OK)
    (tree / "secret.py").chmod(0)
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("root may read everything here")
        prefix = ("setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search")
    document = check(tree, prefix=prefix)
    assert skipped(document) == {"secret.py": "no permission"}
    assert set(files(document)) == {"ok.py"}


def test_nul_and_lone_surrogates_in_code_are_stored(tree: Path, migrated_url: str) -> None:
    (tree / "odd.js").write_text('function f() { return "\\ud800" + 1 }\n' + "function g() { return '\x01' }\n")
    (tree / "odd.py").write_bytes(b"def f():\n    return '\xed\xa0\x80'\n")
    done = run("analyze", str(tree), AGENTFORGE_DATABASE_URL=migrated_url)
    assert done.returncode == 0, done.stderr


def test_no_git_command(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    empty = tmp_path_factory.mktemp("bin")
    done = run("check", str(tree), "--format", "json", PATH=str(empty))
    assert done.returncode == 0, done.stderr
    assert "ok.py" in files(json.loads(done.stdout))


def test_an_empty_folder_and_one_that_is_not_there(tmp_path: Path, migrated_url: str) -> None:
    for command in ("check", "analyze"):
        done = run(command, str(tmp_path), AGENTFORGE_DATABASE_URL=migrated_url)
        assert done.returncode == 0, done.stderr
        done = run(command, str(tmp_path / "nowhere"), AGENTFORGE_DATABASE_URL=migrated_url)
        assert done.returncode == 2
        assert "does not exist" in done.stderr


@pytest.mark.parametrize("arguments", [("db", "sql"), ("rules", "list", "--format", "json")])
def test_a_reader_that_has_seen_enough_is_no_finding(arguments: tuple[str, ...]) -> None:
    """As in `agentforge ... | head -1`: typer and rich would end with 1, which is a finding here."""
    with subprocess.Popen([COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_debug_shows_where_it_failed_and_keeps_the_exit_code() -> None:
    done = run("--debug", "whoami", "--database-url", "postgresql://127.0.0.1:1/none")
    assert done.returncode == 3
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("user", "add", ""), "add"),
        (("check", " "), "check"),
        (("similar", "save", "--project", ""), "--project"),
        (("similar", "save", "--model="), "--model"),
        (("",), "agentforge"),
    ],
)
def test_an_empty_value_is_refused_by_name(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from agentforge.cli import run as run_here

    assert run_here(list(arguments)) == 2
    assert capsys.readouterr().err.startswith(
        f"agentforge: The value after {said} is empty.\nGive one, or leave it out."
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("similar", "total", "--min-score", "nan"),
        ("duplicates", "--min-score", "nan"),
        ("patterns", "add", "csv-by-split", "--type", "smell", "--from", "total", "--spread", "nan"),
    ],
)
def test_what_is_no_number_is_in_no_range(arguments: tuple[str, ...]) -> None:
    done = in_process.run(*arguments)
    assert done.returncode == 2
    assert f"'{arguments[-2]}': nan is no number." in done.stderr
