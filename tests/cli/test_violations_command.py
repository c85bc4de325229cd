"""`agentforge violations` as people run it, in a repository, on a database with and without users."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import in_process
import jsonschema
import psycopg
import pytest
from fix_bench import SHELL, Bench
from fix_people import World

from agentforge.cli.violations import parse_day
from agentforge.errors import UsageError

COMMAND = str(Path(sys.executable).parent / "agentforge")
SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/violations.schema.json").read_text())
EVAL = "\x1b[31m\u202e"


def run(bench: Bench, *arguments: str, code: int = 0, cwd: Path | None = None, **more: str) -> str:
    """What the command prints, stdout before stderr."""
    environment = {"AGENTFORGE_DATABASE_URL": bench.url, "NO_COLOR": "1", "COLUMNS": "200", **more}
    done = in_process.run("violations", *arguments, cwd=cwd or bench.root, **environment)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def document(bench: Bench, *arguments: str) -> Any:
    found = json.JSONDecoder().raw_decode(run(bench, *arguments, "--format", "json"))[0]  # notes are on stderr
    jsonschema.validate(found, SCHEMA)
    return found


@pytest.fixture
def repository(bench: Bench) -> Bench:
    """Two files on main, analysed and committed."""
    bench.git("init", "-q", "-b", "main")
    bench.write("src/run.py", SHELL)
    bench.write("tests/test_run.py", f"def f(code):\n\tx = 1; exec(code)  # {EVAL}\n\treturn x\n")
    bench.git("add", "-A")
    bench.git("commit", "-qm", "one")
    bench.analyze()
    return bench


def short(bench: Bench, rule: str) -> str:
    ((fingerprint,),) = bench.rows(
        f"SELECT v.fingerprint FROM code_violations AS v JOIN projects AS p ON p.id = v.project_id "
        f"WHERE rule_id = '{rule}' AND local_path = '{bench.root}'"
    )
    return str(fingerprint[:10])


def test_list_filters(repository: Bench) -> None:
    everything = document(repository, "list")
    assert everything["total"] == 4
    assert [row["rule_id"] for row in everything["violations"]] == ["B602", "B613", "B102", "B404"]
    assert {row["status"] for row in everything["violations"]} == {"new"}

    def rules(*arguments: str) -> list[str]:
        return [row["rule_id"] for row in document(repository, "list", *arguments)["violations"]]

    assert rules("--severity", "medium", "--since", "1h", "--category", "security") == ["B602", "B613", "B102"]
    assert rules("--path", "tests/", "--rule", "B4*", "--rule", "B102") == ["B102"]
    assert rules("--since", "2200-01-01", "--status", "all") == []
    assert rules("--branch", "main", "--limit", "1", "--status", "new", "--status", "fixed") == ["B602"]
    assert "1 of 4 are shown" in run(repository, "list", "-n", "1")
    text = run(repository, "list")
    assert f"{short(repository, 'B602')}  high    new  B602  src/run.py:5" in text
    assert run(repository, "list", "--severity", "critical") == "No violations.\n"
    environment = {**os.environ, "AGENTFORGE_DATABASE_URL": repository.url, "NO_COLOR": "1", "COLUMNS": "200"}
    installed = subprocess.run(
        [COMMAND, "violations", "list"], capture_output=True, text=True, cwd=repository.root, env=environment
    )
    assert installed.stdout + installed.stderr == text
    rows = list(csv.DictReader(run(repository, "list", "--format", "csv").splitlines()))
    assert [row["path"] for row in rows] == ["src/run.py", "tests/test_run.py", "tests/test_run.py", "src/run.py"]


def test_another_branch_than_the_one_checked_out_is_named(repository: Bench) -> None:
    repository.git("checkout", "-q", "-b", "topic")
    assert "Branch topic was not analysed yet: this is main." in run(repository, "list")
    repository.git("checkout", "-q", "main")
    assert "not analysed" not in run(repository, "list")


def test_show_marks_the_place_and_lets_nothing_through_to_the_terminal(repository: Bench) -> None:
    text = run(repository, "show", short(repository, "B102"))
    lines = text.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith(">"))
    assert lines[place] == r"> 2 |     x = 1; exec(code)  # \x1b[31m\u202e"
    assert lines[place + 1] == "    |            ^^^^^^^^^^"
    assert "from parameter `code`, line 1 → here" in text
    assert EVAL[0] not in text
    assert EVAL[-1] not in text
    for part in ("Why", "Fix", "CWE-78", "https://cwe.mitre.org/data/definitions/78.html", "found by analysis"):
        assert part in text
    assert f"agentforge violations waive {short(repository, 'B102')}" in text
    assert "# agentforge: ignore[B102]" in text
    found = document(repository, "show", short(repository, "B602"))
    assert found["code"] == {"first_line": 2, "lines": SHELL.splitlines()[1:]}
    assert [event["event"] for event in found["history"]] == ["found"]
    (step,) = document(repository, "show", short(repository, "B102"))["violation"]["flow"]
    assert step == {"line": 1, "column": 7, "end_line": 1, "end_column": 11, "message": "parameter `code`"}


def test_code_that_changed_comes_from_the_database_or_not_at_all(repository: Bench) -> None:
    repository.write("src/run.py", "# else\n" + SHELL)
    found = document(repository, "show", short(repository, "B602"))
    assert found["code"] == {"first_line": 4, "lines": SHELL.splitlines()[3:]}
    assert document(repository, "show", short(repository, "B404"))["code"] is None
    assert "not at hand" in run(repository, "show", short(repository, "B404"))


def test_waive_and_unwaive(repository: Bench) -> None:
    one, two = short(repository, "B602"), short(repository, "B404")
    text = run(repository, "waive", one, two[:6], "--reason", "  our own\ncommand ", "--until", "30d")
    assert f"Waived {one} B602 src/run.py:5 (on main)" in text
    assert document(repository, "list")["total"] == 2
    waived = document(repository, "list", "--status", "waived")["violations"]
    assert [row["waiver"]["reason"] for row in waived] == ["our own command"] * 2
    assert {row["waiver"]["by"] for row in waived} == {"local"}
    assert (
        "2 violations waived"
        in subprocess.run(
            [COMMAND, "analyze", ".", "-q", "--database-url", repository.url],
            cwd=repository.root,
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    )
    text = run(repository, "show", one)
    assert "Waived  by local on" in text
    assert ": our own command" in text
    assert f"Counts again: {one}" in run(repository, "unwaive", one)
    lines = run(repository, "history", one).splitlines()
    assert [part in line for line, part in zip(lines[1:], ("found by", "waived until", "open again"), strict=True)]
    life = document(repository, "history", one)["branches"][0]["history"]
    assert [event["event"] for event in life] == ["found", "waived", "reopened"]


def test_nothing_is_half_waived(repository: Bench) -> None:
    one = short(repository, "B602")
    repository.write("src/run.py", "import subprocess\n")
    repository.analyze()
    two = short(repository, "B404")
    text = run(repository, "waive", two, one, "--reason", "r", code=2)
    assert f"{one} is fixed" in text
    assert document(repository, "list", "--status", "waived")["total"] == 0
    assert repository.rows("SELECT count(*) FROM violation_waivers") == [(0,)]


def test_bad_input_is_answered_in_a_sentence(repository: Bench) -> None:
    for arguments, said in (
        (("show", "xyz"), "is not the id of a violation"),
        (("show", "0000000000000000"), "There is no violation 0000000000000000"),
        (("waive", "ID", "--reason", " \n"), "The value after --reason is empty"),
        (("waive", "ID", "--reason", "r", "--until", "soon"), "is not a day"),
        (("unwaive", "ID"), "Nobody has waived"),
        (("list", "--project", "nope"), "There is no analysed project nope"),
        (("list", "--branch", "nope"), "There are: main."),
    ):
        actual = [short(repository, "B602") if argument == "ID" else argument for argument in arguments]
        assert said in run(repository, *actual, code=2)


@pytest.mark.parametrize("text", ["soon", "2020-02-02", "99999w", "0x1d", "-1d", ""])
def test_what_is_no_day_to_come(text: str) -> None:
    with pytest.raises(UsageError):
        parse_day(text)


def test_days_to_come() -> None:
    today = datetime.now(UTC).date()
    assert parse_day(None) is None
    assert parse_day("0d") == parse_day(today.isoformat()) == today
    assert parse_day("2w") == today + timedelta(days=14)


def test_a_comment_is_not_ended_by_a_command(repository: Bench) -> None:
    repository.write("src/run.py", SHELL.replace("shell=True)", "shell=True)  # agentforge: ignore[B602] r"))
    repository.analyze()
    text = run(repository, "unwaive", short(repository, "B602"), code=2)
    assert "waived by a comment at src/run.py:5" in text


def test_ids_are_looked_for_in_the_project_that_one_is_in(repository: Bench, tmp_path: Path) -> None:
    other = Bench(tmp_path / "other", repository.connection, repository.url)
    other.root.mkdir()
    other.write("src/run.py", SHELL)
    other.analyze()
    one = short(repository, "B602")
    assert short(other, "B602") == one
    assert "(project, branch main)" in run(repository, "show", one)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    text = run(repository, "show", one, code=2, cwd=elsewhere)
    assert "is in several projects" in text
    assert "(other)" in run(repository, "show", one, "--project", "other", cwd=elsewhere)
    assert len(json.loads(run(repository, "list", "--format", "json", cwd=elsewhere))["violations"]) == 6


def test_ambiguous_digits_name_what_they_may_be(repository: Bench) -> None:
    repository.administer(
        "UPDATE code_violations SET fingerprint = 'abcd' || CASE rule_id WHEN 'B602' THEN repeat('0', 60) "
        "ELSE repeat('0', 10) || repeat('1', 50) END WHERE rule_id IN ('B602', 'B404')"
    )
    text = run(repository, "show", "abcd", code=2)
    assert "abcd is ambiguous" in text
    assert "  abcd00000000000  B602  src/run.py:5" in text
    assert "B404" in run(repository, "show", "abcd00000000001")


def test_an_empty_database_says_what_to_do(bench: Bench) -> None:
    assert "Run `agentforge analyze PATH`." in run(bench, "list", code=2)


def as_user(world: World, user: str, tmp_path: Path, *arguments: str) -> in_process.Done:
    environment = {"AGENTFORGE_DATABASE_URL": world.app_url, "AGENTFORGE_TOKEN": world.tokens[user], "COLUMNS": "200"}
    return in_process.run("violations", *arguments, cwd=tmp_path, **environment)


def test_who_may_waive(world: World, tmp_path: Path) -> None:
    world.admin.execute(
        "UPDATE code_violations SET status = 'open', waiver_kind = NULL, waiver_id = NULL; "
        "UPDATE violation_waivers SET ended_at = now()"
    )
    found = world.admin.execute(
        "SELECT fingerprint FROM code_violations WHERE project_id = %s", (world.projects["open"],)
    )
    (fingerprint,) = found.fetchone() or ("",)
    for user, status in (("rob", 3), ("aud", 3), ("eve", 2), ("wim", 0)):
        done = as_user(world, user, tmp_path, "waive", fingerprint, "--reason", "mine", "--project", "open")
        assert done.returncode == status, (user, done.stderr)
        assert ("agentforge grant <you> write" in done.stderr) == (status == 3), done.stderr
    for user in ("rob", "aud"):
        done = as_user(world, user, tmp_path, "unwaive", fingerprint, "--project", "open")
        assert done.returncode == 3, done.stderr
        shown = as_user(world, user, tmp_path, "show", fingerprint, "--project", "open")
        assert "Waived  by wim on" in shown.stdout
    with world.session("wim") as session:
        row = session.execute(
            "SELECT created_by, created_by_name FROM agentforge.violation_waivers WHERE ended_at IS NULL"
        )
        assert row.fetchall() == [(world.users["wim"], "wim")]
    done = as_user(world, "ann", tmp_path, "unwaive", fingerprint, "--project", "open")
    assert done.returncode == 0, done.stderr
    ended = world.admin.execute("SELECT ended_by_name FROM violation_waivers WHERE created_by_name = 'wim'").fetchall()
    assert ended == [("ann",)]
    trail = world.admin.execute(
        "SELECT action, u.username FROM audit_logs AS a JOIN users AS u ON u.id = a.user_id "
        "WHERE resource_type = 'violation_waivers' AND u.username IN ('wim', 'ann') ORDER BY a.id"
    ).fetchall()
    assert trail == [("INSERT", "wim"), ("UPDATE", "ann")]


def test_an_ended_waiver_does_not_begin_again(world: World) -> None:
    with world.session("wim") as session:
        session.execute("UPDATE agentforge.violation_waivers SET ended_at = '2000-01-01'")
        first = session.execute("SELECT ended_at, ended_by_name FROM agentforge.violation_waivers").fetchall()
        assert all(name == "wim" and at.year > 2000 for at, name in first)
        session.execute("UPDATE agentforge.violation_waivers SET ended_at = NULL")
        assert session.execute("SELECT ended_at, ended_by_name FROM agentforge.violation_waivers").fetchall() == first
        with pytest.raises(psycopg.errors.CheckViolation):
            session.execute("UPDATE agentforge.code_violations SET waiver_kind = NULL WHERE status = 'waived'")
