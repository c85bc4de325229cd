"""What comments and people waive, over runs, edits and branches, as it is stored."""

from __future__ import annotations

from fix_bench import SHELL, Bench
from lives import commit, found, kinds, security, start, status, unwaive, waive, worst

from agentforge.model import Status
from agentforge.pipeline.events import ignore
from agentforge.store import violations
from agentforge.store.read import Reader
from agentforge.walk import WalkOptions

WAIVED = SHELL.replace("shell=True)", "shell=True)  # agentforge: ignore[B602] a test")


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
    from agentforge.walk import discover

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
