"""Patterns in analyses: violations with a life, idioms of functions, and the patterns of a team."""

from __future__ import annotations

import psycopg
import pytest
from fix_bench import Bench
from fix_people import World

from agentforge.config.settings import RuleSettings
from agentforge.detect.selection import Selection
from agentforge.embed.interface import DEFAULT_MODEL
from agentforge.errors import UsageError
from agentforge.model import FunctionRef, PatternType, Report
from agentforge.pipeline.pattern_matches import in_projects
from agentforge.pipeline.patterns import Finder
from agentforge.pipeline.team_patterns import Definition, add, remove, team_patterns
from agentforge.store.similar import Search

TOKEN = """
def make_token(length):
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    token = ""
    for _ in range(length):
        token += random.choice(alphabet)
    return token
"""
CACHE = """
def schema(name):
    found = _cache.get(name)
    if found is None:
        found = load_schema(name)
        _cache[name] = found
    return found
"""
ZEBRA = """
def paint_{0}(zebra, canvas):
    for stripe in zebra.stripes:
        canvas.fill(stripe.outline, stripe.colour)
    canvas.flush_{0}()
    return canvas
"""
GUESSABLE = "pattern-guessable-token"


def found(report: Report) -> list[tuple[str, str, str]]:
    return [(item.rule_id, item.function, item.status.value) for item in report.violations if "pattern" in item.rule_id]


def example(code: str, language: str = "python") -> FunctionRef:
    lines = code.strip().count("\n") + 1
    return FunctionRef("", "-", language, "paint", "", 1, lines, lines, 1, 0, code)


def test_a_function_within_a_pattern_is_a_violation_with_a_life(bench: Bench) -> None:
    bench.write("auth.py", f"import random\n{TOKEN}")
    report = bench.analyze()
    assert found(report) == [(GUESSABLE, "make_token", "new")]
    violation = next(item for item in report.violations if item.rule_id == GUESSABLE)
    assert (violation.path, violation.line, violation.cwe, violation.severity.value) == ("auth.py", 3, 338, "high")
    assert violation.message.startswith("make_token makes a secret")
    assert report.files[0].scores.security < 100
    assert [rule.name for rule in report.rules if rule.id == GUESSABLE] == ["A secret made of guessable random numbers"]

    bench.write("auth.py", f"import random\n\n\nX = 1\n{TOKEN}")
    moved = bench.analyze()
    assert found(moved) == [(GUESSABLE, "make_token", "open")]
    assert [item.fingerprint for item in moved.violations if item.rule_id == GUESSABLE] == [violation.fingerprint]

    waiver = f"# agentforge: ignore[{GUESSABLE}] an old scheme, read only\n"
    bench.write("auth.py", f"import random\n\n\n{waiver}{TOKEN.strip()}\n")
    assert found(bench.analyze()) == [(GUESSABLE, "make_token", "waived")]

    bench.write("auth.py", "import random\n")
    assert found(bench.analyze()) == [(GUESSABLE, "make_token", "fixed")]


def test_a_project_switches_a_pattern_off_and_gives_it_another_severity(bench: Bench) -> None:
    bench.write("auth.py", f"import random\n{TOKEN}{CACHE}")
    off = Selection(RuleSettings(disable=(GUESSABLE, "pattern-memoisation")))
    report = bench.analyze(selection=off)
    assert (found(report), report.summary.idioms) == ([], ())
    from agentforge.model import Severity

    mild = Selection(RuleSettings(severity={GUESSABLE: Severity.INFO}))
    report = bench.analyze(selection=mild)
    assert [item.severity.value for item in report.violations if item.rule_id == GUESSABLE] == ["info"]
    assert [(item.name, item.functions) for item in report.summary.idioms] == [("memoisation", 1)]


def test_idioms_are_stored_with_their_functions_and_go_with_them(bench: Bench) -> None:
    bench.write("a.py", CACHE)
    bench.write("b.py", CACHE.replace("schema", "table"))
    report = bench.analyze()
    assert [function.idioms for file in report.files for function in file.metrics.functions] == [("memoisation",)] * 2
    assert [(item.name, item.functions) for item in report.summary.idioms] == [("memoisation", 2)]
    assert found(report) == []
    stored = (
        "SELECT f.qualified_name, i.pattern_name FROM function_idioms AS i JOIN functions AS f ON f.id = i.function_id"
    )
    assert bench.rows(f"{stored} ORDER BY 1") == [("schema", "memoisation"), ("table", "memoisation")]
    bench.write("b.py", "X = 1\n")
    bench.analyze()
    assert bench.rows(stored) == [("schema", "memoisation")]


def test_a_team_adds_a_pattern_finds_it_and_removes_it(bench: Bench) -> None:
    bench.write("zebra.py", ZEBRA.format("one"))
    bench.write("other.py", CACHE)
    bench.analyze()
    definition = Definition("zebra-painting", PatternType.SMELL, message="{name} paints a zebra")
    added = add(bench.connection, definition, [example(ZEBRA.format("x")), example(ZEBRA.format("y"))])
    assert {"zebra", "stripe"} & set(added.pattern.words[0])
    report = bench.analyze()
    assert found(report) == [("pattern-zebra-painting", "paint_one", "new")]
    assert [rule.id for rule in report.rules if rule.id.startswith("pattern")] == ["pattern-zebra-painting"]
    assert team_patterns(bench.connection) == (added.pattern,)

    with pytest.raises(UsageError, match="already"):
        add(bench.connection, definition, [example(ZEBRA.format("x"))])
    with pytest.raises(UsageError, match="ships with agentforge"):
        add(bench.connection, Definition("memoisation", PatternType.IDIOM), [example(CACHE)])
    with pytest.raises(UsageError, match="ships with agentforge and stays"):
        remove(bench.connection, "memoisation")
    with pytest.raises(UsageError, match="Did you mean zebra-painting"):
        remove(bench.connection, "zebra-paintin")

    search = Search(bench.connection)
    finder = Finder([added.pattern], DEFAULT_MODEL)
    matches = in_projects(bench.connection, list(search.projects.values()), finder, tests=False)
    assert [match.function.qualified_name for match in matches] == ["paint_one"]
    assert matches[0].score >= matches[0].least == pytest.approx(finder.shape(added.pattern).least)

    remove(bench.connection, "pattern-zebra-painting")
    assert team_patterns(bench.connection) == ()
    assert found(bench.analyze()) == [("pattern-zebra-painting", "paint_one", "fixed")]


def test_what_is_worth_saying_of_examples_is_said(bench: Bench) -> None:
    one = add(bench.connection, Definition("one-zebra", PatternType.IDIOM), [example(ZEBRA.format("x"))])
    assert any("One example" in text for text in one.warnings)
    short = example("def paint(self, zebra):\n    return self.canvas.draw(zebra)\n")
    assert add(bench.connection, Definition("short", PatternType.IDIOM), [short]).pattern.words == (
        ("canvas", "draw", "paint", "zebra"),
    ), "all code has keywords"
    two = add(
        bench.connection,
        Definition("odd-pair", PatternType.IDIOM, words=(("def",),)),
        [example(ZEBRA.format("x")), example("func Sum(a []int) int {\n\treturn a[0] + a[1]\n}", "go")],
    )
    assert any("little in common" in text for text in two.warnings)
    with pytest.raises(UsageError, match="needs an example"):
        add(bench.connection, Definition("none", PatternType.SMELL), [])
    with pytest.raises(UsageError, match="has no code"):
        add(bench.connection, Definition("empty", PatternType.SMELL), [example(" \n")])
    with pytest.raises(UsageError, match="no name of a pattern"):
        add(bench.connection, Definition("No Name", PatternType.SMELL), [example(CACHE)])


def test_a_pattern_of_another_model_is_computed_anew_and_a_row_that_is_none_is_passed_over(bench: Bench) -> None:
    bench.write("zebra.py", ZEBRA.format("one"))
    definition = Definition("zebra-painting", PatternType.SMELL)
    add(bench.connection, definition, [example(ZEBRA.format("x")), example(ZEBRA.format("y"))])
    model = bench.rows("SELECT ensure_embedding_model('older', '1', 2)")[0][0]
    bench.administer(f"UPDATE pattern_embeddings SET model_id = {model}, embedding = '[1,2]'")
    bench.administer(
        f"INSERT INTO pattern_embeddings (model_id, pattern_type, pattern_name, embedding) "
        f"VALUES ({model}, 'smell', 'by-hand', '[1,2]')"
    )
    bench.administer(
        f"INSERT INTO pattern_embeddings (model_id, pattern_type, pattern_name, embedding, examples, configuration) "
        f"VALUES ({model}, 'smell', 'odd', '[1,2]', '[3]', '{{\"words\": [[\"a\"]]}}')"
    )
    assert [pattern.name for pattern in team_patterns(bench.connection)] == ["zebra-painting"]
    assert found(bench.analyze()) == [("pattern-zebra-painting", "paint_one", "new")]


def test_everybody_reads_patterns_and_only_admins_write_them(world: World) -> None:
    row = (
        "INSERT INTO pattern_embeddings (model_id, pattern_type, pattern_name, embedding, examples) "
        "VALUES (1, 'smell', 'planted', '[1,2]', '[]')"
    )
    for user in ("ann", "eve", "aud", "rob"):
        with world.session(user) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(row.encode())
    with world.session("root") as session:
        session.execute(row.encode())
    for user, seen in (("eve", 1), ("rob", 1), ("aud", 1), (None, 0)):
        with world.session(user) as session:
            assert session.execute("SELECT count(*) FROM pattern_embeddings").fetchone() == (seen,), user
    with world.session("ann") as session:
        for statement in ("DELETE FROM pattern_embeddings", "UPDATE pattern_embeddings SET examples = '[1]'"):
            assert session.execute(statement.encode()).rowcount == 0
