"""What a project's configuration makes of the analyses that are stored."""

from __future__ import annotations

from fix_bench import SHELL, Bench

from agentforge.config.files import find
from agentforge.config.resolve import resolve
from agentforge.config.settings import Override, RuleSettings
from agentforge.detect.select import select
from agentforge.detect.selection import Selection
from agentforge.model import Report, Severity, Status
from agentforge.walk import WalkOptions

OWN = """
[[rule]]
id = "no-fetch"
name = "No fetch"
category = "reliability"
severity = "medium"
confidence = "high"
message = "{function} is gone"
why = "It was replaced."
suggestion = "Use load."
languages = ["python"]
query = '((call function: (identifier) @function) @at (#eq? @function "fetch"))'
bad = ["fetch(1)"]
good = ["load(1)"]
"""


def shells(report: Report) -> set[tuple[str, Status]]:
    return {(item.path, item.status) for item in report.violations if item.rule_id == "B602"}


def test_what_the_project_leaves_out_is_no_part_of_it(bench: Bench) -> None:
    bench.write("a.py", SHELL)
    bench.write("vendored/b.py", SHELL)
    bench.write("gone.py", SHELL)
    bench.analyze()
    (bench.root / "gone.py").unlink()
    own = ("vendored/",)
    report = bench.analyze(options=WalkOptions(exclude=own, project_exclude=own))
    assert not report.analysis.partial
    assert shells(report) == {("a.py", Status.OPEN), ("vendored/b.py", Status.FIXED), ("gone.py", Status.FIXED)}
    assert report.analysis.skipped[0].reason == "left out by the project"
    assert bench.analyze(options=WalkOptions(exclude=own, project_exclude=own)).analysis.files_removed == 0


def test_a_flag_on_top_of_what_the_project_leaves_out(bench: Bench) -> None:
    for path in ("a.py", "b.py", "vendored/c.py"):
        bench.write(path, SHELL)
    bench.analyze()
    (bench.root / "b.py").unlink()
    options = WalkOptions(exclude=("vendored/", "b.py"), project_exclude=("vendored/",))
    report = bench.analyze(options=options)
    assert report.analysis.partial
    assert shells(report) == {("a.py", Status.OPEN), ("b.py", Status.OPEN), ("vendored/c.py", Status.FIXED)}


def test_what_the_project_includes(bench: Bench) -> None:
    for path in ("src/a.py", "src/b.py", "other/c.py"):
        bench.write(path, SHELL)
    bench.analyze()
    own = ("src/",)
    report = bench.analyze(options=WalkOptions(include=("src/a.py",), project_include=own))
    assert report.analysis.partial
    assert shells(report) == {("src/a.py", Status.OPEN), ("src/b.py", Status.OPEN), ("other/c.py", Status.FIXED)}


def test_own_rules_are_stored_like_any_other(bench: Bench) -> None:
    bench.write("rules/own.toml", OWN)
    bench.write("agentforge.toml", "rules = ['rules']\n")
    bench.write("a.py", "def f():\n    fetch(1)\n")
    selection = select(resolve(find(str(bench.root.resolve())), {}, {}, "/"))
    assert [item.rule_id for item in bench.analyze(selection=selection).violations] == ["no-fetch"]
    assert bench.analyze(selection=selection).analysis.files_analyzed == 0
    bench.write("rules/own.toml", OWN.replace('"fetch"', '"fetched"'))
    again = select(resolve(find(str(bench.root.resolve())), {}, {}, "/"))
    report = bench.analyze(selection=again)
    assert report.analysis.files_analyzed == len(report.files)
    assert [item.status for item in report.violations] == [Status.FIXED]


def test_new_settings_of_rules_look_at_every_file_again_and_nothing_else_does(bench: Bench) -> None:
    bench.write("a.py", SHELL)
    bench.write("tests/b.py", SHELL)
    bench.analyze()
    selection = Selection(
        RuleSettings(severity={"B602": Severity.CRITICAL}), (Override(("tests/",), RuleSettings(disable=("B602",))),)
    )
    report = bench.analyze(selection=selection)
    assert report.analysis.files_analyzed == 2
    assert shells(report) == {("a.py", Status.OPEN), ("tests/b.py", Status.FIXED)}
    assert [row.remaining for row in report.summary.severities if row.severity is Severity.CRITICAL] == [1]
    assert bench.analyze(selection=selection).analysis.files_analyzed == 0
    report = bench.analyze()
    assert shells(report) == {("a.py", Status.OPEN), ("tests/b.py", Status.REOPENED)}
    assert [row.remaining for row in report.summary.severities if row.severity is Severity.CRITICAL] == [0]
