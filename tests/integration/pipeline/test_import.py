"""Other tools' findings in the database: the life of each tool's, beside the analyses and other tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fix_bench import SHELL, Bench
from fix_people import World

from agentforge.errors import DatabaseError, UsageError
from agentforge.model import Status
from agentforge.pipeline.events import Notice
from agentforge.pipeline.import_sarif import Imported, Request, import_sarif
from agentforge.walk import discover

DATA = Path(__file__).parents[2] / "data/sarif"


def log(*lines: int, tool: str = "lint", path: str = "run.py", results: Any = None, **members: Any) -> bytes:
    found = [
        {
            "ruleId": "r1",
            "level": "warning",
            "message": {"text": "no"},
            "locations": [
                {"physicalLocation": {"artifactLocation": {"uri": path}, "region": {"startLine": line}}},
            ],
        }
        for line in lines
    ]
    run = {"tool": {"driver": {"name": tool}}, "results": found if results is None else results} | members
    return json.dumps({"version": "2.1.0", "runs": [run]}).encode()


def take(bench: Bench, *logs: bytes, **options: Any) -> list[Imported]:
    notices: list[str] = []
    request = Request([("log", raw) for raw in logs], discover([str(bench.root)]), **options)
    done = import_sarif(
        bench.connection, request, lambda event: notices.append(event.text) if isinstance(event, Notice) else None
    )
    bench.notices = notices  # type: ignore[attr-defined]
    return done


def standing(bench: Bench, *logs: bytes, **options: Any) -> tuple[int, ...]:
    (done,) = take(bench, *logs, **options)
    found = done.standing
    return found.new, found.reopened, found.known, found.waived, found.fixed


def stored(bench: Bench) -> list[tuple[Any, ...]]:
    return bench.rows(
        "SELECT tool, imported, file_path, line_number, status FROM code_violations "
        "ORDER BY imported, tool, line_number"
    )


def test_a_finding_is_new_known_fixed_and_reopened(bench: Bench) -> None:
    bench.write("run.py", "a = 1\nb = 2\nc = 3\n")
    assert standing(bench, log(1, 2)) == (2, 0, 0, 0, 0)
    assert standing(bench, log(1, 2)) == (0, 0, 2, 0, 0)
    assert standing(bench, log(1)) == (0, 0, 1, 0, 1)
    assert standing(bench, log(1, 2)) == (0, 1, 1, 0, 0)
    bench.write("run.py", "# moved\n\na = 1\nb = 2\nc = 3\n")
    assert standing(bench, log(3, 4, 5)) == (1, 0, 2, 0, 0)
    assert [row[3:] for row in stored(bench)] == [(3, "open"), (4, "reopened"), (5, "open")]


def test_analyses_and_imports_leave_each_other_alone(bench: Bench) -> None:
    bench.write("run.py", SHELL)
    first = bench.analyze()
    own = {item.fingerprint for item in first.violations}
    take(bench, log(1, 5), log(5, tool="other"))
    before = stored(bench)
    again = bench.analyze()
    assert {item.fingerprint for item in again.violations} == own
    assert {item.status for item in again.violations} == {Status.OPEN}
    assert again.analysis.previous_id == first.analysis.id
    assert sum(row.remaining for row in again.summary.severities) == len(own)
    assert stored(bench) == before
    bench.write("run.py", "x = 1\n")
    assert {item.status for item in bench.analyze().violations} == {Status.FIXED}
    assert [row for row in stored(bench) if row[1]] == [row for row in before if row[1]]
    assert standing(bench, log(tool="other")) == (0, 0, 0, 0, 1)
    assert [row[4] for row in stored(bench) if row[0] == "lint"] == ["open", "open"]


def test_an_import_changes_no_score_and_bandit_is_named(bench: Bench) -> None:
    bench.write("run.py", SHELL)
    bench.analyze()
    scores = bench.rows("SELECT quality_score, security_score FROM file_analyses")
    take(bench, log(1, 2, 3, 4, 5))
    bench.analyze()
    assert bench.rows("SELECT quality_score, security_score FROM file_analyses") == scores
    assert bench.rows("SELECT DISTINCT tool FROM code_violations WHERE rule_id LIKE 'B___'") == [("bandit",)]
    assert {rule.tool for rule in bench.analyze().rules} == {"bandit"}


def test_real_reports_beside_each_other(bench: Bench) -> None:
    for name in ("app.py", "app.js"):
        bench.write(f"src/{name}", (DATA / "src" / name).read_text())
    logs = [(DATA / f"{name}.sarif").read_bytes() for name in ("ruff", "semgrep", "bandit", "eslint")]
    done = take(bench, *logs)
    assert {(item.tool, item.standing.new, item.standing.waived) for item in done} == {
        ("ruff", 5, 0),
        ("Semgrep OSS", 1, 1),
        ("Bandit", 4, 0),
        ("ESLint", 2, 0),
    }
    functions = bench.rows("SELECT DISTINCT function_name FROM code_violations WHERE rule_id IN ('S602', 'no-eval')")
    assert functions == [("run",)]
    assert bench.rows("SELECT waiver_kind, waiver_reason FROM code_violations WHERE status = 'waived'") == [
        ("tool", "suppressed in the source")
    ]
    assert sum(item.standing.known for item in take(bench, *logs)) == 12


def test_a_tool_that_failed_or_looked_at_a_part_fixes_only_what_it_names(bench: Bench) -> None:
    for path in ("run.py", "other.py"):
        bench.write(path, "a = 1\nb = 2\n")
    assert standing(bench, log(1, 2), log(1, path="other.py")) == (3, 0, 0, 0, 0)
    assert standing(bench, log(1), partial=True) == (0, 0, 2, 0, 1)
    failed = {"invocations": [{"executionSuccessful": False}]}
    assert standing(bench, log(1, 2, **failed)) == (0, 1, 2, 0, 0)
    assert "did not finish" in bench.notices[0]  # type: ignore[attr-defined]
    assert standing(bench, log(results=[], **failed)) == (0, 0, 3, 0, 0)
    assert standing(bench, log(results=[])) == (0, 0, 0, 0, 3)


def test_a_waiver_of_the_tool_comes_and_goes(bench: Bench) -> None:
    bench.write("run.py", "a = 1\n")
    waived = json.loads(log(1))
    waived["runs"][0]["results"][0]["suppressions"] = [{"kind": "inSource", "justification": "known"}]
    assert standing(bench, log(1)) == (1, 0, 0, 0, 0)
    assert standing(bench, json.dumps(waived).encode()) == (0, 0, 0, 1, 0)
    assert standing(bench, log(1)) == (0, 1, 0, 0, 0)


def test_renamed_files_and_branches(bench: Bench) -> None:
    bench.git("init", "-b", "main")
    bench.write("run.py", "a = 1\nb = 2\n" * 20)
    bench.git("add", ".")
    bench.git("commit", "-m", "one")
    assert standing(bench, log(1)) == (1, 0, 0, 0, 0)
    bench.git("mv", "run.py", "moved.py")
    bench.git("commit", "-m", "two")
    assert standing(bench, log(1, path="moved.py")) == (0, 0, 1, 0, 0)
    origin = [{"repositoryUri": "https://example.org/x/y", "branch": "refs/heads/feature"}]
    assert standing(bench, log(1, path="moved.py", versionControlProvenance=origin)) == (1, 0, 0, 0, 0)
    assert standing(bench, log(1, path="moved.py"), branch="feature") == (0, 0, 1, 0, 0)
    assert bench.rows("SELECT DISTINCT branch FROM code_violations ORDER BY 1") == [("feature",), ("main",)]


def test_a_report_of_another_repository_or_commit(bench: Bench) -> None:
    bench.git("init", "-b", "main")
    bench.git("remote", "add", "origin", "https://ada:secret@example.org/ada/shop.git")
    bench.write("run.py", "a = 1\n")
    bench.git("add", ".")
    bench.git("commit", "-m", "one")
    other = {"versionControlProvenance": [{"repositoryUri": "https://example.org/ada/till"}]}
    with pytest.raises(UsageError, match=r"is of example.org/ada/till, not of example.org/ada/shop"):
        take(bench, log(1, **other))
    assert bench.rows("SELECT 1 FROM code_violations") == []
    same = {"versionControlProvenance": [{"repositoryUri": "git@example.org:ada/shop", "revisionId": "0" * 40}]}
    assert standing(bench, log(1, **same)) == (1, 0, 0, 0, 0)
    assert "is checked out" in bench.notices[0]  # type: ignore[attr-defined]
    assert standing(bench, log(1, **other), project="shop") == (0, 0, 1, 0, 0)
    with pytest.raises(UsageError, match="No project nowhere is visible"):
        take(bench, log(1), project="nowhere")


def test_without_the_tree_stored_paths_say_what_is_in_the_project(bench: Bench) -> None:
    bench.write("src/run.py", SHELL)
    report = bench.analyze()
    request = Request([("log", log(1, path="/build/77/src/run.py"))], None, project=report.project.key)
    places = bench.rows("SELECT name, repository_url, local_path FROM projects")
    (done,) = import_sarif(bench.connection, request, lambda _: None)
    assert bench.rows("SELECT name, repository_url, local_path FROM projects") == places
    assert (done.standing.new, done.left_out) == (1, {})
    assert bench.rows("SELECT file_path FROM code_violations WHERE imported") == [("src/run.py",)]


def test_a_failure_leaves_nothing_and_is_recorded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write("run.py", "a = 1\nb = 2\n")
    take(bench, log(1, 2))
    before = stored(bench)

    def fail(*_: object) -> None:
        raise RuntimeError("cut")

    monkeypatch.setattr("agentforge.pipeline.import_sarif.waivers.settle", fail)
    with pytest.raises(RuntimeError, match="cut"):
        take(bench, log(1))
    assert stored(bench) == before
    assert bench.rows("SELECT analysis_type, status FROM project_analyses ORDER BY id") == [
        ("import", "imported"),
        ("import", "failed"),
    ]


def test_only_who_may_write_a_project_imports_into_it(world: World) -> None:
    request = Request([("log", log(1, path="a.py"))], None, project="open")
    for user, error, said in (
        ("rob", DatabaseError, "you may not write to it"),
        ("aud", DatabaseError, "you may not write to it"),
        ("eve", UsageError, "No project open is visible to you"),
    ):
        with world.session(user) as session, pytest.raises(error, match=said):
            import_sarif(session, request, lambda _: None)
    with world.session("wim") as session:
        (done,) = import_sarif(session, request, lambda _: None)
    assert done.standing.new == 1
