"""Where a value comes from: what is said is in the code, and where it is not clear nothing is said."""

from __future__ import annotations

import dataclasses

import pytest

from agentforge import languages, measure, parse
from agentforge.detect import detect
from agentforge.detect.bandit.config import BanditConfig
from agentforge.detect.bandit.flows import with_flows
from agentforge.detect.bandit.scan import scan
from agentforge.detect.loader import load
from agentforge.detect.rule_set import RuleSet
from agentforge.model import Violation
from agentforge.parse.python_ast import parse_python

# Language, code, and what is said of the first rule that follows a value: the source, then the assignments.
CLEAR = [
    ("bash", 'f() {\n  x="ls $1"\n  eval "$x"\n}\n', ["an argument: `$1`", "assigned to `x`"]),
    ("c", "int main(int c, char **argv) { char *e = argv[1]; printf(e); }",
     ["the command line: `argv[1]`", "assigned to `e`"]),
    ("c", 'void f(void) { sprintf(b, "%s", getenv("H")); }', ['the environment: `getenv("H")`']),
    ("cpp", "void f(char *s) { printf(s); }", ["parameter `s`"]),
    ("csharp", 'class A { void F() { var q = Request.Query["a"]; new SqlCommand("SELECT a FROM t WHERE b = " + q); } }',
     ['the request: `Request.Query["a"]`', "assigned to `q`"]),
    ("go", 'package a\nfunc f(r *http.Request) { q := r.FormValue("x"); db.Query("select a from t where b = " + q) }',
     ['the request: `r.FormValue("x")`', "assigned to `q`"]),
    ("go", 'package a\nfunc f(r *http.Request) { os.Open(filepath.Join(d, r.FormValue("x"))) }',
     ['the request: `r.FormValue("x")`']),
    ("java", "class A { void f(String n) { var q = n.trim(); s.execute(\"select a from t where b='\" + q + \"'\"); } }",
     ["parameter `n`", "assigned to `q`"]),
    ("javascript", 'app.get("/", (req, r) => { const {id} = req.query; db.query(`select a from t where b = ${id}`) })',
     ["the request: `req.query`", "assigned to `id`"]),
    ("javascript", "function f() { el.innerHTML = location.hash }", ["the address of the page: `location.hash`"]),
    ("typescript", 'function f(id: string) { db.query("select a from t where b = " + id) }', ["parameter `id`"]),
    ("tsx", "function A(t: string) { return <p dangerouslySetInnerHTML={{ __html: t }} /> }", ["parameter `t`"]),
    ("kotlin", 'fun f(n: String) { db.rawQuery("SELECT a FROM t WHERE b = $n") }', ["parameter `n`"]),
    ("lua", 'function f(n) local q = n .. "x"; db:execute("select a from t where b = " .. q) end',
     ["parameter `n`", "assigned to `q`"]),
    ("php", "<?php $q = $_GET['a']; mysqli_query($c, \"SELECT a FROM t WHERE b = '$q'\");",
     ["the request: `$_GET['a']`", "assigned to `$q`"]),
    ("python", "def f(n):\n    t = '<b>'\n    t += n\n    render_template_string(f'{t}')\n",
     ["parameter `n`", "added to `t`"]),
    ("python", "def f(n):\n    t = load(n)\n    render_template_string(f'{t}')\n",
     ["the result of `load(n)`", "assigned to `t`"]),
    ("python", "def f(n):\n    if not n:\n        n = 1\n    render_template_string(f'{n}')\n", ["parameter `n`"]),
    ("ruby", "def f\n  q = params[:a]\n  User.where(\"a = '#{q}'\")\nend",
     ["the request: `params[:a]`", "assigned to `q`"]),
    ("rust", "fn f(n: &str) { sqlx::query(&format!(\"SELECT * FROM t WHERE a = '{n}'\")); }", ["parameter `n`"]),
    ("scala", 'object A { def f(n: String) = { val q = n.trim; s"ls $q".! } }', ["parameter `n`", "assigned to `q`"]),
    ("swift", "func f(_ n: String) { sqlite3_exec(db, \"DELETE FROM t WHERE a = '\\(n)'\", nil, nil, nil) }",
     ["parameter `n`"]),
]  # fmt: skip
UNCLEAR = [
    "def f(n):\n    if a:\n        t = n\n    else:\n        t = 'x'\n    render_template_string(f'{t}')\n",  # which?
    "def f(n):\n    a, t = g(n)\n    render_template_string(f'{t}')\n",
    "def f(n):\n    n = 'x'\n    render_template_string(f'{n}')\n",
    "def f(n):\n    render_template_string(f'{x.n}')\n",  # a member of that name
    "def f(n):\n    render_template_string(f'{g(n)}')\n",  # what g makes of it is not known
    "def f(n):\n    render_template_string(f'{d[n]}')\n",
    "def f(n):\n    render_template_string(f'{a if n else b}')\n",
    "def f(n):\n    n = 1\n    def g():\n        render_template_string(f'{n}')\n",  # as of the call of g
    "def f(self):\n    render_template_string(f'{self.n}')\n",
    "def f():\n    render_template_string(f'{t}')\n    t = request.args\n",
    "def g(t):\n    pass\ndef f():\n    render_template_string(f'{t}')\n",
    "h = lambda t: t\nrender_template_string(f'{t}')\n",
]


def found(language: str, code: str) -> tuple[Violation, ...]:
    following = (dataclasses.replace(rule, enabled=True) for rule in load(language) if "@source" in rule.query)
    decoded = parse.decode(code.encode())
    parsed = parse.parse(language, decoded)
    rules = RuleSet(language, tuple(following))
    return detect(parsed, measure.measure(parsed, decoded), "file", is_test=False, rules=rules)


@pytest.mark.parametrize(("language", "code", "said"), CLEAR)
def test_the_way_of_a_value(language: str, code: str, said: list[str]) -> None:
    flow = found(language, code)[0].flow
    assert [step.message for step in flow] == said
    lines = code.split("\n")
    for step in flow:  # each place holds what is said of it
        name = step.message.split("`")[1]
        assert lines[step.line - 1][step.column - 1 :].startswith(name.split("…")[0])


@pytest.mark.parametrize("code", UNCLEAR)
def test_what_is_not_clear_is_not_said(code: str) -> None:
    violations = found("python", code)
    assert violations
    assert all(item.flow == () for item in violations)


@pytest.mark.parametrize("language", languages.names())
def test_every_language_can_follow_a_value(language: str) -> None:
    assert parse.query(language, "flow.scm").pattern_count > 5
    assert any("@source" in rule.query for rule in load(language))


BANDIT = """\
import os, subprocess
def f(name, é):
    query = "SELECT * FROM t WHERE a = '%s'" % name
    "SELECT a FROM t WHERE b = '{}'".format(é)
    subprocess.run(f"ls {name}", shell=True)
    os.system("ls " + os.environ["X"])
    eval("1")
"""


def test_bandits_findings_have_flows() -> None:
    raw = BANDIT.encode()
    decoded = parse.decode(raw)
    parsed = parse.parse("python", decoded)
    violations = scan(parse_python(raw), "a.py", "a.py", raw, BanditConfig())
    followed = with_flows(violations, parsed, measure.measure(parsed, decoded).functions)
    said = {(item.rule_id, item.line): [step.message for step in item.flow] for item in followed}
    assert said[("B608", 3)] == ["parameter `name`"]
    assert said[("B608", 4)] == ["parameter `é`"]
    assert said[("B602", 5)] == ["parameter `name`"]
    assert said[("B605", 6)] == ['the environment: `os.environ["X"]`']
    assert said[("B307", 7)] == []
    assert said[("B404", 1)] == []
