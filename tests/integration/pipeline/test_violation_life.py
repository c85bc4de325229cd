"""The life of a violation over runs, edits and branches, as it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fix_bench import SHELL, Bench

from agentforge.cli.inputs import source_tree
from agentforge.embed.interface import load
from agentforge.model import Report, Status
from agentforge.pipeline.analyze import Request, analyze
from agentforge.pipeline.events import ignore
from agentforge.pipeline.waivers import rescore
from agentforge.store import baseline, violations, waivers
from agentforge.store.read import Reader
from agentforge.walk import WalkOptions

if TYPE_CHECKING:
    from agentforge.store.violations import Found

WAIVED = SHELL.replace("shell=True)", "shell=True)  # agentforge: ignore[B602] a test")


def status(report: Report, rule: str = "B602") -> list[str]:
    return [violation.status.value for violation in report.violations if violation.rule_id == rule]


def commit(bench: Bench, branch: str | None = None) -> None:
    if branch:
        bench.git("checkout", "-q", "-b", branch)
    bench.git("add", "-A")
    bench.git("commit", "-qm", "x")


def start(bench: Bench) -> Report:
    """A repository with one commit on main, analysed."""
    bench.git("init", "-q", "-b", "main")
    bench.write("run.py", SHELL)
    commit(bench)
    return bench.analyze()


def found(bench: Bench, branch: str = "main", rule: str = "B602") -> Found:
    scope = [item for item in violations.branches(bench.connection) if item.name == branch]
    rows, _ = violations.find(bench.connection, scope, violations.Filter(statuses=tuple(Status)))
    return next(row for row in rows if row.rule_id == rule)


def waive(bench: Bench, item: Found, reason: str = "because", until: object = None) -> tuple[str, ...]:
    with bench.connection.transaction():
        touched = waivers.waive(
            bench.connection,
            item.project_id,
            item.project,
            rule_id=item.rule_id,
            path=item.path,
            fingerprint=item.fingerprint,
            reason=reason,
            until=until,  # type: ignore[arg-type]
        )
        rescore(bench.connection, touched.files)
    return touched.branches


def unwaive(bench: Bench, item: Found) -> tuple[str, ...]:
    with bench.connection.transaction():
        touched = waivers.unwaive(bench.connection, item.project_id, item.project, item.fingerprint, writable=True)
        assert touched is not None
        rescore(bench.connection, touched.files)
    return touched.branches


def kinds(bench: Bench, branch: str = "main") -> list[str]:
    return [event.kind for event in violations.history(bench.connection, found(bench, branch))]


def worst(bench: Bench) -> list[str]:
    """The rules of the worst violations that nothing waives, as the last analysis left them."""
    ((project_id, analysis_id),) = bench.rows("SELECT project_id, max(id) FROM project_analyses GROUP BY project_id")
    return [item.rule_id for item in Reader(bench.connection, "", project_id, "main", analysis_id).worst_violations(10)]


def security(bench: Bench, branch: str = "main", path: str = "run.py") -> float:
    ((score,),) = bench.rows(
        f"SELECT security_score FROM file_analyses WHERE file_path = '{path}' AND branch = '{branch}' "
        "AND superseded_by IS NULL"
    )
    return float(score)


def test_a_comment_waives_and_its_end_reopens(bench: Bench) -> None:
    start(bench)
    before = found(bench)
    bench.write("run.py", WAIVED)
    report = bench.analyze()
    (item,) = [violation for violation in report.violations if violation.rule_id == "B602"]
    assert item.status is Status.WAIVED
    assert item.waiver is not None
    assert (item.waiver.kind, item.waiver.reason) == ("inline", "a test")
    assert found(bench).fingerprint == before.fingerprint, "the comment is no part of what identifies it"
    assert report.summary.waived == 1
    assert not any(violation.rule_id == "B602" for violation in report.summary.top_violations)
    counts = {row.severity.value: (row.new, row.fixed, row.remaining) for row in report.summary.severities}
    assert counts["high"] == (0, 0, 0)
    assert security(bench) > 97
    bench.write("run.py", WAIVED.replace("a test", "another reason"))
    bench.analyze()
    bench.write("run.py", SHELL)
    assert status(bench.analyze()) == ["reopened"]
    assert status(bench.analyze()) == ["open"]
    assert security(bench) < 70
    assert kinds(bench) == ["found", "waived", "waived", "reopened"]
    reasons = [event.reason for event in violations.history(bench.connection, found(bench))]
    assert reasons == [None, "a test", "another reason", None]


def test_check_says_what_the_database_says_of_comments(bench: Bench) -> None:
    from agentforge.pipeline.check import check
    from agentforge.pipeline.events import ignore
    from agentforge.walk import WalkOptions, discover

    bench.write("run.py", WAIVED)
    bench.write("b.py", SHELL + "# agentforge: ignore[B999] x\n")
    stored = bench.analyze()
    computed = check(discover([str(bench.root)]), WalkOptions(), 1, "0", ignore)
    assert stored.violations == computed.violations
    assert stored.summary.severities == computed.summary.severities
    assert stored.summary.top_violations == computed.summary.top_violations
    assert stored.summary.waived == computed.summary.waived == 1
    assert [file.scores for file in stored.files] == [file.scores for file in computed.files]


def test_a_person_waives_and_thinks_better_of_it(bench: Bench) -> None:
    start(bench)
    low = security(bench)
    assert waive(bench, found(bench)) == ("main",)
    assert security(bench) > low
    item = found(bench)
    assert (item.status, item.waiver_kind, item.waiver_reason, item.waiver_user) == (
        Status.WAIVED,
        "stored",
        "because",
        "local",
    )
    before = bench.versions()
    report = bench.analyze()
    assert bench.versions() == before, "a run that finds nothing to do writes nothing"
    assert status(report) == ["waived"]
    (shown,) = [violation for violation in report.violations if violation.rule_id == "B602"]
    assert shown.waiver is not None
    assert (shown.waiver.by, shown.waiver.until) == ("local", None)
    assert unwaive(bench, found(bench)) == ("main",)
    assert security(bench) == low
    assert found(bench).status is Status.OPEN
    assert kinds(bench) == ["found", "waived", "reopened"]
    assert [event.user for event in violations.history(bench.connection, found(bench))][1:] == ["local", "local"]
    assert status(bench.analyze()) == ["open"]


def test_a_waiver_follows_edits_moves_and_renames(bench: Bench) -> None:
    start(bench)
    waive(bench, found(bench))
    edited = "LIMIT = 3\n\n\n" + SHELL.replace("(cmd, shell=True)", "(\n        cmd,\n        shell=True,\n    )")
    bench.write("run.py", edited)
    assert status(bench.analyze()) == ["waived"]
    assert security(bench) > 97, "the workers that score know nothing of it"
    bench.git("mv", "run.py", "moved.py")
    commit(bench)
    assert status(bench.analyze()) == ["waived"]
    assert kinds(bench) == ["found", "waived", "moved"]
    assert violations.history(bench.connection, found(bench))[-1].from_path == "run.py"
    (bench.root / "moved.py").unlink()
    assert status(bench.analyze()) == ["fixed"]
    bench.write("moved.py", edited)
    assert status(bench.analyze()) == ["waived"], "what comes back is still accepted"
    assert kinds(bench) == ["found", "waived", "moved", "fixed", "reopened", "waived"]


def test_a_waiver_runs_out_at_midnight_whoever_looks(bench: Bench) -> None:
    start(bench)
    waive(bench, found(bench))
    low = security(bench)
    bench.administer("UPDATE violation_waivers SET until = (now() AT TIME ZONE 'UTC')::date")
    assert found(bench).status is Status.WAIVED, "it holds on its last day"
    assert "B602" not in worst(bench)
    bench.administer("UPDATE violation_waivers SET until = (now() AT TIME ZONE 'UTC')::date - 1")
    assert found(bench).status is Status.NEW
    assert found(bench).waiver_kind is None
    assert worst(bench).count("B602") == 1
    bench.administer("UPDATE violation_events SET created_at = created_at - interval '3 days'")
    bench.administer("UPDATE code_violations SET created_at = created_at - interval '4 days'")
    assert kinds(bench) == ["found", "waived", "expired"]
    report = bench.analyze()
    assert status(report) == ["reopened"]
    assert security(bench) < low
    assert kinds(bench) == ["found", "waived", "expired", "reopened"]


def test_of_one_severity_those_in_tests_are_the_last(bench: Bench) -> None:
    start(bench)
    bench.write("aaa.py", SHELL)
    bench.analyze()
    bench.write("else.py", "x = 1\n")
    bench.analyze()  # what is new comes before all else
    places = "SELECT file_path, in_tests FROM code_violations WHERE rule_id = 'B602' ORDER BY file_path"
    assert bench.rows(places) == [("aaa.py", False), ("run.py", False)]
    bench.administer("UPDATE file_analyses SET is_test = true WHERE file_path = 'aaa.py'")
    assert bench.rows(places) == [("aaa.py", True), ("run.py", False)]
    ((project_id, analysis_id),) = bench.rows("SELECT project_id, max(id) FROM project_analyses GROUP BY project_id")
    shown = Reader(bench.connection, "", project_id, "main", analysis_id).worst_violations(10)
    assert [item.path for item in shown if item.rule_id == "B602"] == ["run.py", "aaa.py"]


def test_a_branch_starts_from_what_the_default_branch_has(bench: Bench) -> None:
    first = start(bench)
    assert bench.rows("SELECT default_branch FROM projects") == [("main",)]
    commit_body = SHELL.replace("def run", "def other") + "\n\ndef new(code):\n    exec(code)\n"
    bench.write("other.py", commit_body)
    commit(bench, "topic")
    report = bench.analyze()
    assert report.analysis.previous_id == first.analysis.id
    assert [(v.path, v.status.value) for v in report.violations if v.rule_id == "B602"] == [
        ("other.py", "new"),
        ("run.py", "open"),
    ]
    assert status(report, "B102") == ["new"]
    topic = report.analysis
    assert topic.id is not None
    ((project_id,),) = bench.rows("SELECT id FROM projects")
    mine = baseline.new_violations(bench.connection, project_id, "topic", topic.id)
    assert mine == {v.fingerprint for v in report.violations if v.path == "other.py"}
    again = bench.analyze()
    assert again.analysis.id is not None
    assert not any(v.status is Status.NEW for v in again.violations)
    assert baseline.new_violations(bench.connection, project_id, "topic", again.analysis.id) == mine, "nor old for it"


def test_a_branch_that_renames_and_edits_has_nothing_new(bench: Bench) -> None:
    start(bench)
    waive(bench, found(bench))
    bench.git("checkout", "-q", "-b", "topic")
    bench.git("mv", "run.py", "deep.py")
    bench.write("deep.py", "X = 1\n" + SHELL.replace("    return", "    print(cmd)\n    return"))
    commit(bench)
    report = bench.analyze()
    assert {v.rule_id: v.status.value for v in report.violations} == {"B404": "open", "B602": "waived"}
    assert kinds(bench, "topic") == ["found", "waived"]
    found_on = violations.history(bench.connection, found(bench, "topic"))[0]
    assert found_on.branch == "main"


def test_a_twin_of_what_is_known_is_new_on_the_branch(bench: Bench) -> None:
    start(bench)
    bench.git("checkout", "-q", "-b", "topic")
    bench.analyze()
    bench.write("run.py", SHELL + "    return subprocess.call(cmd, shell=True)\n")
    assert sorted(status(bench.analyze())) == ["new", "open"]


def test_what_came_from_the_default_branch_is_not_the_branches_own(bench: Bench) -> None:
    start(bench)
    bench.git("checkout", "-q", "-b", "topic")
    bench.analyze()
    bench.git("checkout", "-q", "main")
    bench.write("more.py", SHELL)
    commit(bench)
    bench.analyze()
    bench.git("checkout", "-q", "topic")
    bench.git("merge", "-q", "main")
    report = bench.analyze()
    assert set(status(report)) == {"open"}
    ((project_id,),) = bench.rows("SELECT id FROM projects")
    assert report.analysis.id is not None
    assert baseline.new_violations(bench.connection, project_id, "topic", report.analysis.id) == frozenset()


def test_a_waiver_holds_on_every_branch_and_so_does_its_end(bench: Bench) -> None:
    start(bench)
    bench.git("checkout", "-q", "-b", "topic")
    bench.analyze()
    bench.git("checkout", "-q", "-b", "third")
    assert waive(bench, found(bench, "topic")) == ("main", "topic")
    assert status(bench.analyze()) == ["waived"]
    assert found(bench, "main").status is Status.WAIVED
    bench.git("checkout", "-q", "main")
    assert status(bench.analyze()) == ["waived"]
    assert unwaive(bench, found(bench, "third")) == ("main", "third", "topic")
    assert {found(bench, name).status for name in ("main", "topic", "third")} == {Status.OPEN}


def test_a_newer_waiver_takes_the_place_of_an_older(bench: Bench) -> None:
    start(bench)
    waive(bench, found(bench), "one")
    waive(bench, found(bench), "two")
    assert found(bench).waiver_reason == "two"
    assert bench.rows("SELECT reason, ended_at IS NULL FROM violation_waivers ORDER BY id") == [
        ("one", False),
        ("two", True),
    ]
    unwaive(bench, found(bench))
    assert found(bench).status is Status.NEW or found(bench).status is Status.OPEN
    assert status(bench.analyze()) == ["open"]


def test_a_comment_beside_a_person_s_waiver(bench: Bench) -> None:
    start(bench)
    waive(bench, found(bench), "stored")
    bench.write("run.py", WAIVED)
    bench.analyze()
    assert found(bench).waiver_kind == "inline"
    bench.write("run.py", SHELL)
    assert status(bench.analyze()) == ["waived"]
    assert found(bench).waiver_reason == "stored"
    unwaive(bench, found(bench))
    bench.write("run.py", WAIVED)
    assert status(bench.analyze()) == ["waived"]


def test_the_baseline_is_the_default_branch_as_it_was_analysed(bench: Bench) -> None:
    ((none,),) = bench.rows("SELECT count(*) FROM projects")
    assert none == 0
    assert baseline.default_branch_analysis(bench.connection, 1) is None
    first = start(bench)
    ((project_id,),) = bench.rows("SELECT id FROM projects")
    known = baseline.default_branch_analysis(bench.connection, project_id)
    assert known is not None
    assert (known.analysis_id, known.branch) == (first.analysis.id, "main")
    new = baseline.new_violations(bench.connection, project_id, "main", known.analysis_id)
    assert new == {violation.fingerprint for violation in first.violations} != frozenset()


def test_a_commit_that_is_checked_out_is_of_the_branch_that_one_says(bench: Bench) -> None:
    start(bench)
    bench.git("checkout", "-q", "--detach")
    with source_tree([str(bench.root)], "main") as tree:
        request = Request(tree, WalkOptions(), load(), 1, "0", with_rows=True)
        assert status(analyze(bench.connection, request, ignore)) == ["open"]
    bench.write("more.py", SHELL)
    assert sorted(status(bench.analyze())) == ["new", "open"], "of no branch, and still compared with the default one"
    assert bench.rows("SELECT DISTINCT branch FROM project_analyses ORDER BY 1") == [("",), ("main",)]


@pytest.mark.parametrize("named", ["master", "trunk"])
def test_what_git_says_of_the_default_branch_is_kept(bench: Bench, named: str) -> None:
    bench.git("init", "-q", "-b", named)
    bench.write("run.py", SHELL)
    commit(bench)
    bench.analyze()
    assert bench.rows("SELECT default_branch FROM projects") == [("master" if named == "master" else None,)]
    bench.git("update-ref", "refs/remotes/origin/develop", "HEAD")
    bench.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/develop")
    bench.analyze()
    assert bench.rows("SELECT default_branch FROM projects") == [("develop",)]
    bench.git("symbolic-ref", "-d", "refs/remotes/origin/HEAD")
    bench.analyze()
    assert bench.rows("SELECT default_branch FROM projects") == [("develop",)]
