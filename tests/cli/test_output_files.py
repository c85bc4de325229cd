"""`--format` and `--output-file` as a user gives them."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import in_process
import pytest

COMMAND = str(Path(sys.executable).parent / "agentforge")
SHELL = "import subprocess\n\n\ndef run(cmd):\n    return subprocess.call(cmd, shell=True)\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "run.py").write_text(SHELL)
    return folder


def check(tree: Path, *arguments: str, **environment: str) -> in_process.Done:
    given = {"NO_COLOR": "1", "COLUMNS": "120", **environment}
    return in_process.run("check", ".", "--quiet", *arguments, cwd=tree, **given)


def test_several_files_and_the_summary_in_one_run(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    done = check(
        tree, "-o", f"sarif:{out}/a.json", "--output-file", f"{out}/b.xml", "-o", f"{out}/c.json", "-f", "github"
    )
    assert done.returncode == 1
    assert done.stdout.startswith("::error file=run.py,line=5,")
    assert json.loads((out / "a.json").read_text())["version"] == "2.1.0"
    assert (out / "b.xml").read_text().startswith("<?xml")
    assert json.loads((out / "c.json").read_text())["schema_version"] == 1
    assert sorted(path.name for path in out.iterdir()) == ["a.json", "b.xml", "c.json"]


def test_a_file_takes_the_format_and_then_nothing_is_printed(tree: Path, tmp_path: Path) -> None:
    for wanted, name in (("sarif", "x.json"), ("gitlab", "gl-code-quality-report.json"), ("ai", "notes")):
        done = check(tree, "-f", wanted, "-o", str(tmp_path / name))
        assert (done.returncode, done.stdout) == (1, "")
    assert json.loads((tmp_path / "x.json").read_text())["version"] == "2.1.0"
    assert isinstance(json.loads((tmp_path / "gl-code-quality-report.json").read_text()), list)
    assert (tmp_path / "notes").read_text().startswith("run.py\n")
    summary = check(tree, "-o", str(tmp_path / "x.sarif"))
    assert "Look at these first" in summary.stdout
    assert check(tree, "-o", "csv:-").stdout.startswith("path,line,")


def test_a_file_is_replaced_whole_keeps_its_mode_and_stays_a_link(tree: Path, tmp_path: Path) -> None:
    target, link = tmp_path / "real.sarif", tmp_path / "link.sarif"
    target.write_text("old")
    target.chmod(0o640)
    before = target.stat().st_ino
    link.symlink_to(target)
    assert check(tree, "-o", str(link)).returncode == 1
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert target.stat().st_ino != before
    assert json.loads(target.read_text())["version"] == "2.1.0"
    assert check(tree, "-o", "sarif:/dev/null").returncode == 1
    assert Path("/dev/null").is_char_device()
    new = tmp_path / "new.csv"
    subprocess.run(
        ["sh", "-c", f"umask 027; cd {tree}; {COMMAND} check . -q -o {new}"], check=False, capture_output=True
    )
    assert stat.S_IMODE(new.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "nowhere/x.sarif"], "there is no folder"),
        (["-o", "."], "tree is a folder"),
        (["-o", "sarfi:x"], "--output-file: there is no format `sarfi`. Did you mean `sarif`?"),
        (["-o", "bogus:x"], "there is no format `bogus`"),
        (["-o", ""], "The value after -o is empty"),
        (["-o", "x.sarif", "-o", "./x.sarif"], "is written twice"),
        (["-o", "csv:-", "-o", "ai:-"], "Only one report"),
        (["-o", "x" * 5000], "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_said_before_the_work(tree: Path, arguments: list[str], said: str) -> None:
    done = check(tree, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert [path.name for path in tree.iterdir()] == ["run.py"]


def test_a_failed_write_leaves_the_old_file(tree: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("/dev/full is Linux's")
    done = check(tree, "-o", "sarif:/dev/full")
    assert done.returncode == 3
    assert "No space left on device" in done.stderr


def test_a_workflow_of_github_gets_no_alert_for_what_is_waived(tree: Path) -> None:
    (tree / "waived.py").write_text(SHELL.replace("True)", "True)  # agentforge: ignore[B602] only words of ours"))
    plain = check(tree, "-f", "sarif", GITHUB_ACTIONS="")
    (kept,) = (item for item in json.loads(plain.stdout)["runs"][0]["results"] if "suppressions" in item)
    assert kept["suppressions"] == [{"kind": "inSource", "justification": "only words of ours"}]
    assert plain.stderr == ""
    in_workflow = check(tree, "-f", "sarif", GITHUB_ACTIONS="true")
    assert not any("suppressions" in item for item in json.loads(in_workflow.stdout)["runs"][0]["results"])
    assert "SARIF: 1 waived or fixed violation left out" in in_workflow.stderr
