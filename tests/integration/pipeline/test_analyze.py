"""What is stored follows the tree, and only what changed is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from fix_bench import SHELL, Bench

from agentforge.embed.fast import FastEmbedder
from agentforge.model import Report, Status
from agentforge.pipeline.check import check
from agentforge.pipeline.events import ignore
from agentforge.walk import WalkOptions, discover

LONG = """def {name}(rows):
    total = 0
    for row in rows:
        if row:
            total += row
    return total
"""
PACKAGE = Path(__file__).parents[3] / "agentforge"


def statuses(report: Report) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for violation in report.violations:
        found.setdefault(violation.rule_id, []).append(violation.status.value)
    return found


def test_the_summary_from_sql_is_the_summary_from_memory(bench: Bench) -> None:
    for file in sorted((PACKAGE / "measure").glob("*.py")):
        bench.write(f"measure/{file.name}", file.read_text())
    bench.write("run.py", SHELL)
    bench.write("tests/test_run.py", SHELL + "\n\nassert run\n")
    bench.write("broken.js", "function f( {")
    bench.write("Ärger.txt", "a\n")
    stored = bench.analyze()
    computed = check(discover([str(bench.root)]), WalkOptions(), 1, "0", ignore)
    for part in ("severities", "worst_functions", "top_violations", "parse_errors"):
        assert getattr(stored.summary, part) == getattr(computed.summary, part), part
    for one, other in zip(stored.summary.languages, computed.summary.languages, strict=True):
        assert (one.language, one.files, one.functions, one.code_lines) == (
            other.language,
            other.files,
            other.functions,
            other.code_lines,
        )
        assert one.scores.quality == pytest.approx(other.scores.quality)
        assert one.scores.security == pytest.approx(other.scores.security)
    assert stored.violations == computed.violations
    assert [file.path for file in stored.files] == [file.path for file in computed.files]
    for one, other in zip(stored.files, computed.files, strict=True):
        assert one.metrics.lines == other.metrics.lines
        assert [function.qualified_name for function in one.metrics.functions] == [
            function.qualified_name for function in other.metrics.functions
        ]


def test_an_unchanged_tree_is_neither_parsed_nor_written(bench: Bench) -> None:
    bench.write("run.py", SHELL)
    bench.write("b.go", "package b\nfunc F() int { return 1 }\n")
    first = bench.analyze()
    before = bench.versions()
    second = bench.analyze()
    assert (first.analysis.files_analyzed, first.analysis.files_unchanged) == (2, 0)
    assert (second.analysis.files_analyzed, second.analysis.files_unchanged) == (0, 2)
    assert bench.versions() == before
    assert before
    assert second.analysis.previous_id == first.analysis.id
    assert statuses(second)["B602"] == ["open"]


def test_one_changed_file_costs_one_file_and_moved_code_is_not_new(bench: Bench) -> None:
    bench.write("run.py", SHELL)
    bench.write("other.py", "def f():\n    return 1\n")
    assert statuses(bench.analyze())["B602"] == ["new"]
    bench.write(
        "run.py",
        SHELL.replace("\n\n\ndef", "\n\nLIMIT = 3\n\n\ndef").replace("    return", "    cmd = cmd or []\n    return"),
    )
    report = bench.analyze()
    assert (report.analysis.files_analyzed, report.analysis.files_unchanged) == (1, 1)
    assert statuses(report)["B602"] == ["open"]
    assert bench.rows("SELECT file_path, count(*), count(superseded_by) FROM file_analyses GROUP BY 1 ORDER BY 1") == [
        ("other.py", 1, 0),
        ("run.py", 2, 1),
    ]
    assert bench.rows("SELECT line_number FROM code_violations WHERE rule_id = 'B602'") == [(8,)]


def test_a_violation_is_fixed_and_reopened(bench: Bench) -> None:
    bench.write("run.py", SHELL)
    first = bench.analyze()
    bench.write("run.py", SHELL.replace(", shell=True", ""))
    fixed = bench.analyze()
    assert statuses(fixed)["B602"] == ["fixed"]
    assert sum(row.fixed for row in fixed.summary.severities) == 1
    bench.write("run.py", SHELL)
    again = bench.analyze()
    assert statuses(again)["B602"] == ["reopened"]
    assert statuses(bench.analyze())["B602"] == ["open"]
    assert bench.rows("SELECT introduced_by, reopened_by, resolved_by FROM code_violations WHERE rule_id = 'B602'") == [
        (first.analysis.id, again.analysis.id, None)
    ]


def test_a_removed_file_is_closed_and_its_violations_are_fixed(bench: Bench) -> None:
    bench.write("run.py", SHELL)
    bench.write("keep.py", "X = 1\n")
    bench.analyze()
    (bench.root / "run.py").unlink()
    report = bench.analyze()
    assert report.analysis.files_removed == 1
    assert set(statuses(report)["B602"]) == {"fixed"}
    assert bench.rows("SELECT count(*) FROM functions") == [(0,)]
    assert [file.path for file in report.files] == ["keep.py"]


def test_a_rename_that_git_sees_keeps_the_history(bench: Bench) -> None:
    body = "".join(LONG.format(name=f"f{number}") for number in range(8))
    bench.write("old.py", SHELL + body)
    bench.git("init", "-q", "-b", "main")
    bench.git("add", ".")
    bench.git("commit", "-qm", "one")
    bench.analyze()
    bench.git("mv", "old.py", "new.py")
    bench.write("new.py", SHELL + "\nLIMIT = 3\n" + body)
    bench.git("add", ".")
    bench.git("commit", "-qm", "two")
    report = bench.analyze()
    assert statuses(report)["B602"] == ["open"]
    assert bench.rows("SELECT previous_path FROM file_analyses WHERE file_path = 'new.py'") == [("old.py",)]


def test_a_moved_file_keeps_the_history_without_git(bench: Bench) -> None:
    bench.write("old.py", SHELL)
    bench.analyze()
    bench.write("sub/new.py", SHELL)
    (bench.root / "old.py").unlink()
    assert statuses(bench.analyze())["B602"] == ["open"]


@pytest.mark.parametrize(
    ("path", "options"),
    [("a", WalkOptions()), (".", WalkOptions(exclude=("b/",))), (".", WalkOptions(include=("a/",)))],
)
def test_what_was_not_looked_at_stays(bench: Bench, path: str, options: WalkOptions) -> None:
    bench.git("init", "-q", "-b", "main")
    bench.write("a/one.py", SHELL)
    bench.write("a/gone.py", SHELL)
    bench.write("b/two.py", SHELL)
    bench.analyze()
    (bench.root / "a/gone.py").unlink()
    (bench.root / "b/two.py").unlink()
    report = bench.analyze(path, options=options)
    assert report.analysis.partial
    assert {(item.path, item.status) for item in report.violations if item.rule_id == "B602"} == {
        ("a/one.py", Status.OPEN),
        ("a/gone.py", Status.FIXED),
        ("b/two.py", Status.OPEN),
    }


def test_a_file_that_became_a_link_is_gone(bench: Bench) -> None:
    bench.write("a/run.py", SHELL)
    bench.write("b.py", "X = 1\n")
    bench.analyze()
    (bench.root / "a/run.py").unlink()
    (bench.root / "a/run.py").symlink_to("../b.py")
    assert set(statuses(bench.analyze())["B602"]) == {"fixed"}


def test_another_model_embeds_again_and_leaves_the_rest(bench: Bench) -> None:
    class Renamed(FastEmbedder):
        name = "renamed"

    bench.write("run.py", SHELL)
    bench.write("a.py", LONG.format(name="f"))
    bench.analyze()
    files = bench.rows("SELECT ctid FROM code_violations")
    report = bench.analyze(embedder=Renamed())
    assert report.analysis.files_analyzed == 2
    assert bench.rows("SELECT ctid FROM code_violations") != []
    assert len(files) == len(bench.rows("SELECT 1 FROM code_violations"))
    assert bench.rows("SELECT count(*), count(superseded_by) FROM file_analyses") == [(2, 0)]
    assert bench.rows(
        "SELECT m.name, count(*) FROM function_embeddings JOIN embedding_models m ON m.id = model_id GROUP BY 1"
    ) == [("renamed", 2)]
    assert bench.analyze(embedder=Renamed()).analysis.files_analyzed == 0


def test_identical_bodies_are_embedded_once_and_paired(bench: Bench) -> None:
    class Counting(FastEmbedder):
        seen = 0

        def embed(self, snippets):  # type: ignore[no-untyped-def]
            self.seen += len(snippets)
            return super().embed(snippets)

    embedder = Counting()
    bench.write("a.py", LONG.format(name="f"))
    bench.write("b.py", LONG.format(name="f") + "\n\n" + LONG.format(name="g"))
    report = bench.analyze(embedder=embedder)
    assert embedder.seen == 2
    assert bench.rows("SELECT count(*) FROM function_embeddings") == [(3,)]
    assert report.summary.duplicate_count == 2
    assert {pair.score > 0.9 for pair in report.summary.duplicates} == {True}
    bench.write("c.py", LONG.format(name="f"))
    report = bench.analyze(embedder=embedder)
    assert embedder.seen == 2
    assert report.summary.duplicate_count == 3
    (bench.root / "a.py").unlink()
    assert bench.analyze(embedder=embedder).summary.duplicate_count == 2


def test_phases_are_measured(bench: Bench) -> None:
    bench.write("run.py", SHELL)
    report = bench.analyze()
    names = {name for (name,) in bench.rows("SELECT tags ->> 'phase' FROM performance_metrics")}
    assert {"walk", "analyse", "embed", "store"} <= names
    assert {phase.name for phase in report.analysis.phases} >= names


def test_code_outside_functions_is_embedded(bench: Bench) -> None:
    bench.write("conf.py", "A = 1\nB = 2\nC = 3\n\n\nclass K:\n    x = 1\n    y = 2\n    z = 3\n")
    bench.analyze()
    assert bench.rows("SELECT kind, name, start_line, end_line FROM code_chunks ORDER BY start_line") == [
        ("module", "", 1, 3),
        ("class", "K", 6, 9),
    ]
    assert bench.rows("SELECT count(*) FROM code_embeddings") == [(2,)]


def test_branches_are_apart(bench: Bench) -> None:
    bench.git("init", "-q", "-b", "main")
    bench.write("run.py", SHELL)
    bench.analyze()
    bench.git("checkout", "-q", "-b", "topic")
    bench.write("run.py", SHELL.replace(", shell=True", ""))
    assert "B602" not in statuses(bench.analyze())
    bench.git("checkout", "-q", "-B", "main")
    bench.write("run.py", SHELL)
    assert statuses(bench.analyze())["B602"] == ["open"]
