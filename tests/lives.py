"""A violation in a repository: analysed, looked up, waived."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from fix_bench import SHELL, Bench

from agentforge.model import Report, Status
from agentforge.pipeline.waivers import rescore
from agentforge.store import violations, waivers
from agentforge.store.read import Reader

if TYPE_CHECKING:
    from agentforge.store.violations import Found


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


def waive(bench: Bench, item: Found, reason: str = "because", until: date | None = None) -> tuple[str, ...]:
    with bench.connection.transaction():
        touched = waivers.waive(
            bench.connection,
            item.project_id,
            item.project,
            rule_id=item.rule_id,
            path=item.path,
            fingerprint=item.fingerprint,
            reason=reason,
            until=until,
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
