"""The gate as a user meets it: real repositories, every flag, every message, every exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jsonschema
import pytest
from fix_repository import Repository

from agentforge.cli import run

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/analysis.schema.json").read_text())
COMMAND = str(Path(sys.executable).parent / "agentforge")
SHELL = "import subprocess\n\n\ndef run(cmd):\n    subprocess.call(cmd, shell=True)\n"
ADDED = "\n\ndef more(cmd):\n    subprocess.call(cmd, shell=True)\n"
TANGLED = "def tangled(a):\n" + "".join(f"    if a == {n}:\n        return {n}\n" for n in range(30)) + "    return a\n"


class Done(NamedTuple):
    code: int
    out: str
    err: str


Check = Callable[..., Done]


@pytest.fixture
def check(repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """`agentforge check . ...` at the root of the repository; its words are on one line each."""
    monkeypatch.chdir(repository.root)
    monkeypatch.setenv("COLUMNS", "200")

    def check(*arguments: str) -> Done:
        code = run(["check", ".", *arguments])
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return check


def new_places(done: Done) -> set[str]:
    """`path:line rule` of what counts as new."""
    document = json.loads(done.out)
    return {f"{row['path']}:{row['line']} {row['rule_id']}" for row in document["violations"] if row["status"] == "new"}


def test_since_fails_on_what_is_new_and_says_how_far_off(repository: Repository, check: Check) -> None:
    repository.commit({"a.py": SHELL, "other.py": SHELL})
    repository.git("checkout", "-q", "-b", "feature")
    assert check("--since", "main").code == 0
    repository.commit({"a.py": SHELL + ADDED})
    done = check("--since", "main")
    assert done.code == 1
    assert "Gate: failed (new is what was not there at the merge base with main, " in done.out
    assert "; 1 file changed since)" in done.out
    assert "new violations: 1, at most 0 allowed (1 too high)" in done.out
    assert "1. a.py:9 B602 subprocess call with shell=True" in done.out
    assert "2. " not in done.out.partition("Fix first")[2]
    assert "1 file analysed" in done.out.replace("files", "file")
    assert new_places(check("--since", "main", "--format", "json")) == {"a.py:9 B602"}
    assert check("--since", "main", "--fail-on", "critical").code == 0
    assert check("--since", "main", "--fail-on", "high").code == 1
    assert check("--since", "main", "--fail-on", "never").code == 0
    assert check("--fail-on", "critical").code == 0
    assert check().code == 1


def test_moving_renaming_and_reformatting_is_nothing_new(repository: Repository, check: Check) -> None:
    repository.commit({"src/a.py": SHELL + TANGLED, "b.py": SHELL})
    repository.git("checkout", "-q", "-b", "feature")
    repository.git("mv", "src/a.py", "src/renamed file.py")
    repository.write({"src/renamed file.py": "# a comment\n\n" + SHELL.replace("(cmd, ", "( cmd,  ") + TANGLED})
    (repository.root / "b.py").rename(repository.root / "untracked.py")
    done = check("--since", "main", "--format", "json")
    assert (done.code, new_places(done)) == (0, set())
    assert {row["status"] for row in json.loads(done.out)["violations"]} == {"open"}
    repository.commit()
    assert check("--since", "main").code == 0


def test_a_line_that_was_changed_and_is_still_wrong_is_new(repository: Repository, check: Check) -> None:
    repository.commit({"a.py": SHELL})
    repository.write({"a.py": SHELL.replace("call(cmd", "call(cmd.strip()")})
    assert new_places(check("--since", "HEAD", "--format", "json")) == {"a.py:5 B602"}


def test_what_a_change_does_to_lines_elsewhere_is_new(repository: Repository, check: Check) -> None:
    """The header of a function did not change, but the function is too complex now."""
    repository.commit({"a.py": TANGLED.replace("if a == 29", "while a == 29").replace("if", "x =", 25)})
    before = check("--since", "HEAD", "--format", "json")
    assert new_places(before) == set()
    repository.write({"a.py": TANGLED})
    assert any(place.startswith("a.py:1 ") for place in new_places(check("--since", "HEAD", "--format", "json")))


def test_staged_is_what_will_be_committed(repository: Repository, check: Check) -> None:
    repository.commit({"a.py": "x = 1\n", "b.py": "x = 1\n"})
    assert check("--staged").code == 0
    repository.write({"a.py": SHELL})
    assert check("--staged").code == 0, "an edit that is not staged adds nothing"
    repository.git("add", "a.py")
    repository.write({"a.py": "x = 2\n", "b.py": SHELL})
    done = check("--staged", "--format", "json")
    assert done.code == 1, "and hides nothing"
    assert new_places(done) == {"a.py:1 B404", "a.py:5 B602"}
    assert [file["path"] for file in json.loads(done.out)["files"]] == ["a.py"]
    repository.git("commit", "-q", "-m", "x")
    assert check("--staged").code == 0
    repository.write({"a.py": SHELL + ADDED})
    repository.git("add", "a.py")
    assert new_places(check("--staged", "--format", "json")) == {"a.py:9 B602"}
    assert check("--staged", "--exclude", "a.py").code == 0


def test_staged_before_the_first_commit(repository: Repository, check: Check) -> None:
    repository.write({"a.py": SHELL, "notes.txt": "x\n", "picture.png": b"\x89PNG\0"})
    repository.git("add", ".")
    done = check("--staged")
    assert done.code == 1
    assert "not there in the last commit; 3 files are staged" in done.out


def test_in_a_merge_the_other_branch_is_not_new(repository: Repository, check: Check) -> None:
    repository.commit({"a.py": "x = 1\n"})
    repository.git("checkout", "-q", "-b", "side")
    repository.commit({"a.py": "x = 2\n" + SHELL})
    repository.git("checkout", "-q", "main")
    repository.commit({"a.py": "x = 3\n" + SHELL.replace("cmd", "command")})
    repository.git("merge", "-q", "side", check=False)
    both = "x = 4\n" + SHELL.replace("cmd", "command") + SHELL
    repository.write({"a.py": both})
    repository.git("add", "a.py")
    assert check("--staged").code == 0
    repository.write({"a.py": both + ADDED})
    repository.git("add", "a.py")
    assert check("--staged").code == 1


@pytest.mark.parametrize("format_", ["json", "sarif", "other tool"])
def test_a_report_of_before_is_a_baseline(repository: Repository, check: Check, format_: str) -> None:
    repository.commit({"a.py": SHELL, "old.py": TANGLED})
    report = check("--format", "sarif" if format_ == "sarif" else "json").out
    if format_ == "other tool":
        report = json.dumps(as_sarif(json.loads(report)))
    Path("../baseline").write_text(report)
    assert check("--baseline", "../baseline").code == 0
    repository.commit({"a.py": "\n\n" + SHELL + ADDED})
    done = check("--baseline", "../baseline")
    assert done.code == 1
    assert "Gate: failed (new is what was not there in ../baseline)" in done.out
    assert "new violations: 1, at most 0 allowed" in done.out
    assert "a.py:11 B602" in done.out.partition("Fix first")[2]


def as_sarif(report: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    """The report as another tool would write it: no fingerprints of ours, lines quoted, rules by index, a URI."""
    rules = sorted({str(row["rule_id"]) for row in report["violations"]})
    results = []
    for row in report["violations"]:
        path, line = str(row["path"]), int(str(row["line"]))
        region = {"startLine": line, "snippet": {"text": Path(path).read_text().split("\n")[line - 1]}}
        place = {"physicalLocation": {"artifactLocation": {"uri": f"file://{Path(path).resolve()}"}, "region": region}}
        results.append(
            {"ruleIndex": rules.index(str(row["rule_id"])), "message": {"text": "another text"}, "locations": [place]}
        )
    driver = {"name": "other", "rules": [{"id": rule} for rule in rules]}
    return {
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [*results, {"message": {"text": "no place"}}]}],
    }


def test_a_baseline_is_followed_through_renames(repository: Repository, check: Check) -> None:
    repository.commit({"a.py": SHELL})
    Path("../baseline").write_text(check("--format", "json").out)
    repository.git("mv", "a.py", "b.py")
    repository.write({"b.py": "\n" + SHELL})
    assert check("--baseline", "../baseline").code == 0


def test_a_baseline_may_be_read_from_git(repository: Repository, check: Check) -> None:
    repository.commit({"a.py": SHELL})
    report = check("--format", "json").out
    repository.commit({"b.json": report})
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit({"b.json": "{}", "a.py": SHELL})
    assert check("--baseline", "main:b.json").code == 0
    assert check("--baseline", "b.json").code == 2


def test_a_baseline_that_the_branch_has_changed_is_warned_of(repository: Repository, check: Check) -> None:
    repository.commit({"b.json": check("--format", "json").out, "a.py": SHELL})
    repository.git("checkout", "-q", "-b", "feature")
    assert check("--baseline", "b.json", "--fail-on", "never").err == ""
    repository.write({"b.json": check("--format", "json").out})
    done = check("--baseline", "b.json")
    assert done.code == 0
    assert "b.json is not what main has" in done.err
    assert "Use --baseline main:b.json" in done.err
    assert check("--baseline", "main:b.json").code == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "--baseline: there is no b.json."),
        ("", "b.json is not JSON, or was cut off."),
        ('{"runs": [', "b.json is not JSON, or was cut off."),
        ("[" * 100_000, "b.json is not JSON, or was cut off."),
        ("[]", "b.json is neither a JSON report of agentforge nor SARIF."),
        ('{"schema_version": 9, "violations": []}', "its schema_version is 9, this agentforge reads 1."),
        ('{"schema_version": 1, "violations": [7]}', "b.json is broken: violations[0] is no object."),
        ('{"schema_version": 1, "violations": [{"path": "a"}]}', "violations[0].rule_id is missing or no text."),
        ('{"runs": [{"results": {}}]}', "b.json is broken: runs[0].results is no list."),
    ],
)
def test_a_broken_baseline_is_a_usage_error(
    repository: Repository, check: Check, content: str | None, message: str
) -> None:
    if content is not None:
        repository.write({"b.json": content})
    done = check("--baseline", "b.json")
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


CONDITIONS = """
[gate]
new-violations = { high = 1, low = 0 }
new-cyclomatic = 10
new-cognitive = 12
new-duplication = 5
min-complexity-score = 99.5
min-quality-score = 99.9
min-security-score = 90
"""


def test_every_condition_says_what_failed_and_by_how_much(repository: Repository, check: Check) -> None:
    copied = "def first(value, other):\n    total = 0\n" + "".join(f"    total += value * {n}\n" for n in range(9))
    repository.commit({"first.py": copied})
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit(
        {"agentforge.toml": CONDITIONS, "a.py": TANGLED + SHELL + ADDED, "b.py": copied.replace("first", "again")}
    )
    done = check("--since", "main")
    assert done.code == 1
    for line in (
        "new high violations: 2, at most 1 allowed (1 too high)",
        "new low violations: 3, at most 0 allowed (3 too high)",
        "cyclomatic complexity of tangled, a.py:1: 31, at most 10 allowed (21 too high)",
        "cognitive complexity of tangled, a.py:1: 30, at most 12 allowed (18 too high)",
        "nearly the same as others: ",
        "complexity score of the project: ",
        "quality score of the project: ",
        "security score of the project: ",
    ):
        assert line in done.out
    assert done.out.count(" required (") == 3
    assert "3. " in done.out.partition("Fix first")[2]
    assert check("--since", "main", "--isolated", "--fail-on", "never").code == 0
    document = json.loads(check("--since", "main", "--format", "json").out)
    jsonschema.validate(document, SCHEMA)
    assert [item["passed"] for item in document["gate"]["conditions"]] == [False] * 8
    assert len(document["files"]) == 4, "scores and duplication need the whole project"

    repository.write({"a.py": TANGLED})
    repository.git("add", "a.py")
    staged = check("--staged")
    assert staged.code == 0
    assert "--staged: the project's scores and duplication are not judged" in staged.err


def test_a_small_repair_in_complex_code_passes(repository: Repository, check: Check) -> None:
    repository.commit({"a.py": TANGLED, "agentforge.toml": "[gate]\nnew-cyclomatic = 10\n"})
    repository.write({"a.py": TANGLED.replace("return 29", "return -29")})
    assert check("--since", "HEAD").code == 0
    repository.write({"a.py": TANGLED.replace("return 29", "return 29 if a else 0")})
    done = check("--since", "HEAD")
    assert "cyclomatic complexity of tangled, a.py:1: 32, at most 10 allowed" in done.out
    assert done.code == 1


def test_waived_violations_never_count(repository: Repository, check: Check) -> None:
    repository.commit({"a.py": SHELL})
    waived = ADDED.replace("shell=True)", "shell=True)  # agentforge: ignore[B602] the command is ours")
    repository.write({"a.py": SHELL + waived})
    assert check("--since", "HEAD").code == 0
    repository.write({"a.py": SHELL.replace("shell=True)", "shell=True)  # agentforge: ignore[B602] ours")})
    repository.commit()
    repository.write({"a.py": SHELL})
    assert check("--since", "HEAD").code == 0, "it was there, whatever was said of it"


def test_a_baseline_of_a_part_is_said_to_be_one(repository: Repository, check: Check) -> None:
    repository.commit({"a.py": SHELL})
    Path("../baseline").write_text(check("--since", "HEAD", "--format", "json").out)
    done = check("--baseline", "../baseline")
    assert done.code == 1
    assert "../baseline is a report of a part of the project" in done.err


def test_each_impossible_comparison_says_what_to_do(repository: Repository, check: Check, tmp_path: Path) -> None:
    repository.commit({"a.py": "x = 1\n"})
    assert check("--since", "nowhere") == (
        2,
        "",
        "agentforge: --since: git knows no commit 'nowhere' here.\nFetch it first, and look with: git branch --all\n",
    )
    both = check("--since", "HEAD", "--staged")
    assert (both.code, both.err) == (
        2, "agentforge: --since and --staged say different things of what is new.\nGive one of them.\n",
    )  # fmt: skip
    url = check("https://example.org/x.git", "--since", "main")
    assert (url.code, "--since: a git URL is cloned without its history." in url.err) == (2, True)
    assert check("--baseline", "x" * 5000).code == 2
    (tmp_path / "plain").mkdir()
    for flags in (["--since", "main"], ["--staged"]):
        done = subprocess.run(
            [COMMAND, "check", tmp_path / "plain", *flags], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert f"{flags[0]}: {tmp_path / 'plain'} is not in a git repository." in done.stderr
    wrong = subprocess.run(
        [COMMAND, "check", ".", "--fail-on", "terrible"], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2
    assert "critical" in wrong.stderr
