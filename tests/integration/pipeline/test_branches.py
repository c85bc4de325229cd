"""What is new on a branch, beside what the default branch has."""

from __future__ import annotations

import pytest
from fix_bench import SHELL, Bench
from lives import commit, found, kinds, start, status, waive

from agentforge.cli.inputs import source_tree
from agentforge.embed.interface import load
from agentforge.model import Status
from agentforge.pipeline.analyze import Request, analyze
from agentforge.pipeline.events import ignore
from agentforge.store import baseline, violations
from agentforge.walk import WalkOptions


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
