"""What bandit's tests are spared changes no finding: odd code, foreign tests, settings, profiles, waivers."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import bandit
import pytest
from bandit.core import config as bandit_config
from bandit.core import extension_loader, manager, test_properties, test_set

from agentforge.detect.bandit import BanditConfig, gates, load_config
from agentforge.detect.bandit.plan import Plan
from agentforge.detect.bandit.scan import scan
from agentforge.detect.bandit.visitor import Visitor
from agentforge.parse.python_ast import parse_python

CASES = {
    "aliases": """\
import os as o, subprocess as sp
from hashlib import md5 as digest
from importlib import import_module as load
from yaml import load as read
import yaml
o.system("rm *"); sp.Popen("tar cf x *", shell=True); digest(b"x"); load("pickle"); read(x); __import__("telnetlib")
(lambda: exec)()("x"); exec("x"); getattr(o, "system")("ls")
""",
    "strings": """\
tmp = "/tmp/x"; host = f"0.0.0.0"; bind = "0.0.0.0"
sql = "SELECT a FROM b WHERE c=" + x + " AND d=" + y
sql = f"delete from {table} where a = {b!r:>{width}}"
sql = "select {} from t ".format(x); sql = "select x from t ".replace("x", y)
cursor.execute("insert into t values (%s)" % x)
config = {"password": "x", "token": None, "pwd": 3, "other": "secret"}
d["secret_key"] = "x"; d["passwd"] = "y"
if self.password == "hunter2" or token != "x": pass
def login(a, password="x", *, token="y", **kw): f(password="z", token=t, **{"pwd": "x"})
[x for x in ("/tmp/a", "/var/tmp/b") if x]
""",
    "waivers": """\
subprocess.call(
    "/tmp/x",  # nosec B108
    shell=True,
    password="x",  # nosec B106
)
x = {  # nosec B105
    "password": "a",
    "token": "b",  # nosec B108
    "pwd": "/tmp/c",
}
try:  # nosec
    pass
except Exception:
    pass
try:
    pass
except Exception:
    pass  # nosec B110
assert x  # nosec: assert_used
""",
    "calls": """\
import requests, httpx, ssl, tarfile, flask, torch, paramiko, jinja2, mako.template, markupsafe, transformers
requests.get(u); requests.get(u, timeout=None, verify=False); httpx.Client(verify=False); requests.Session().get(u)
ssl.wrap_socket(); f(ssl_version=ssl.PROTOCOL_SSLv3); g(method=SSL.SSLv2_METHOD)
tarfile.open(x).extractall(); t.extractall(members=f(t)); t.extractall(filter="data")
app.run(debug=True); torch.load(x); c.exec_command(x); c.set_missing_host_key_policy(paramiko.AutoAddPolicy())
jinja2.Environment(); mako.template.Template(x); markupsafe.Markup(x); transformers.AutoModel.from_pretrained("x")
os.chmod(p, 0o777); os.fchmod(p, 0o755); f(shell=True); f(x, shell=y); q.extra(where=[x])
def f(version=ssl.PROTOCOL_SSLv2, /, a=1): pass
async def g(password="x"): pass
class C:
    def m(self, password="x"): return mark_safe(x)
""",
    "bidi": "x = 1  # \u202e\n",
}


def both(root: Path, *options: str) -> tuple[list[Any], list[Any]]:
    """Our findings and the command's, with their messages and columns."""
    config = load_config(str(root))
    found = []
    for file in root.rglob("*.py"):
        raw = file.read_bytes()
        for item in scan(parse_python(raw), str(file), str(file), raw, config):
            found.append((str(file), item.rule_id, item.line, item.column, item.end_column, item.message))
    command = [sys.executable, "-m", "bandit", "-q", "-r", "-f", "json", *options, str(root)]
    rows = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)["results"]
    theirs = [
        (r["filename"], r["test_id"], r["line_number"], r["col_offset"] + 1, r["end_col_offset"] + 1, r["issue_text"])
        for r in rows
    ]
    return sorted(found), sorted(theirs)


def write(root: Path) -> None:
    for name, text in CASES.items():
        (root / f"{name}.py").write_text(text, "utf-8")


def test_findings_in_odd_code_are_bandits(tmp_path: Path) -> None:
    write(tmp_path)
    ours, theirs = both(tmp_path)
    assert ours == theirs
    assert len({finding[1] for finding in ours}) > 30


def test_settings_of_tests_reach_their_gates(tmp_path: Path) -> None:
    write(tmp_path)
    config = tmp_path / "bandit.yaml"
    config.write_text(
        "hardcoded_tmp_directory: {tmp_dirs: [/srv, 'del']}\n"
        "shell_injection: {subprocess: [os.chmod], shell: [os.fchmod], no_shell: [app.run]}\n"
        "markupsafe_xss: {extend_markup_names: [mark_safe]}\n"
        "try_except_pass: {check_typed_exception: true}\n"
    )
    ours, theirs = both(tmp_path, "-c", str(config))
    assert ours == theirs
    assert {"B108", "B603", "B605", "B606", "B704"} <= {finding[1] for finding in ours}


def test_the_ini_file_adds_to_the_configuration_and_names_profiles(tmp_path: Path) -> None:
    write(tmp_path)
    config = tmp_path / "settings.yaml"
    config.write_text("skips: [B101]\nprofiles: {strings: {include: [B105, B108], exclude: []}}\n")
    ini = tmp_path / ".bandit"
    ini.write_text(f"[bandit]\nconfigfile: {config}\nskips: B105,B106\n")
    ours, theirs = both(tmp_path)
    assert ours == theirs
    assert not {"B101", "B105", "B106"} & {finding[1] for finding in ours}
    ini.write_text(f"[bandit]\nconfigfile: {config}\nprofile: strings\n")
    ours, theirs = both(tmp_path)
    assert ours == theirs
    assert {finding[1] for finding in ours} == {"B105", "B108"}


def test_two_configurations_in_one_process_keep_apart(tmp_path: Path) -> None:
    (tmp_path / "bandit.yaml").write_text("hardcoded_tmp_directory: {tmp_dirs: [/srv]}\n")
    raw = b"a = '/tmp/x'\nb = '/srv/x'\n"
    lines = []
    for config in (BanditConfig(), load_config(str(tmp_path)), BanditConfig()):
        lines.append([item.line for item in scan(parse_python(raw), "x.py", "/x/x.py", raw, config)])
    assert lines == [[1], [2], [1]]


@test_properties.checks("Name", "Add", "arguments", "Call", "Str", "FunctionDef", "Import")
@test_properties.test_id("X100")
def everything(context: Any) -> bandit.Issue:
    node = context.node
    seen = f"{ast.dump(node)} {type(node._bandit_parent).__name__} {type(node._bandit_sibling).__name__}"
    text = f"{seen} {context.call_function_name} {context._context['linerange']}"
    # bandit gives a whole file up when a finding at a node without a place names none.
    place = {name: getattr(node, name, 1) for name in ("lineno", "col_offset")}
    return bandit.Issue(severity=bandit.LOW, confidence=bandit.LOW, text=text, **place)


class Foreign:
    """What an entry point gives."""

    name = "everything"
    plugin = staticmethod(everything)


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_test_of_another_package_sees_what_bandit_shows_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extension_loader.MANAGER, "plugins", [*extension_loader.MANAGER.plugins, Foreign])
    settings = bandit_config.BanditConfig()
    profile = {"include": {"X100", "B608", "B105", "B324"}, "exclude": set()}
    tests = test_set.BanditTestSet(settings, profile)
    raw = CASES[name].encode()
    ours = Visitor("/x/x.py", io.BytesIO(raw), Plan(tests), {})
    python = parse_python(raw)
    assert python.module is not None
    ours.run(python.module, python.text)
    theirs = manager.BanditManager(settings, "file", profile=profile)
    monkeypatch.setattr(theirs, "ignore_nosec", True)
    theirs._parse_file("/x/x.py", io.BytesIO(raw), ["/x/x.py"])
    expected = [(issue.test_id, issue.text, issue.lineno) for issue in theirs.results]
    assert [(issue.test_id, issue.text, issue.lineno) for issue in ours.results] == expected
    assert expected


def test_an_unread_release_of_bandit_has_no_gates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bandit, "__version__", "1.99.0")
    tests = test_set.BanditTestSet(bandit_config.BanditConfig(), {})
    assert all(gates.gates_of(test) is gates.NONE for found in tests.tests.values() for test in found)
    write(tmp_path)
    raw = CASES["calls"].encode()
    ours = Visitor("/x/x.py", io.BytesIO(raw), Plan(tests), {})
    ours.run(ast.parse(raw), "")
    monkeypatch.undo()
    gated = Visitor("/x/x.py", io.BytesIO(raw), Plan(tests), {})
    gated.run(ast.parse(raw), "")
    assert list(map(str, ours.results)) == list(map(str, gated.results))
