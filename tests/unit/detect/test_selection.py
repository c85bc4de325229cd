"""Which rules apply where: the last word of the project on each, and an engine version that follows."""

from __future__ import annotations

import dataclasses
import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentforge.config.files import find
from agentforge.config.resolve import resolve
from agentforge.config.settings import Override, RuleSettings, Settings
from agentforge.detect.bandit import BanditConfig
from agentforge.detect.select import select
from agentforge.detect.selection import NOTHING_CHOSEN, Selection, chosen, verdict
from agentforge.errors import UsageError
from agentforge.model import FileAnalysis, Severity, SourceFile
from agentforge.pipeline.engine import engine_version
from agentforge.pipeline.worker import WorkerConfig, analyse_file

BAD = "import subprocess\n\n\ndef run(command):\n    assert command\n    subprocess.call(command, shell=True)\n"
OWN = """
[[rule]]
id = "no-sleep"
name = "No sleep"
category = "reliability"
severity = "medium"
confidence = "high"
message = "{function} waits"
why = "Waiting for a time is waiting too long or too short."
suggestion = "Wait for what you need."
languages = ["python", "ruby"]
literals = ["sleep"]
query = '((_ (identifier) @function) @at (#eq? @function "sleep"))'
bad = ["sleep(1)"]
good = ["wake(1)"]
"""


def configured(root: Path, text: str) -> Selection:
    (root / "agentforge.toml").write_text(text)
    return select(settings_of(root))


def settings_of(root: Path) -> Settings:
    return resolve(find(str(root)), {}, {}, "/")


def found(root: Path, name: str, selection: Selection) -> dict[str, Severity]:
    path = root / name
    source = SourceFile(name, str(path), 1, "0" * 64, "python")
    result = analyse_file(WorkerConfig(10_000, BanditConfig(), selection=selection), source)
    assert isinstance(result, FileAnalysis)
    return {violation.rule_id: violation.severity for violation in result.violations}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path.resolve()
    (root / "tests").mkdir()
    for name in ("a.py", "tests/a.py"):
        (root / name).write_text(BAD)
    return root


def test_off_and_more_severe_for_some_paths(root: Path) -> None:
    assert found(root, "a.py", NOTHING_CHOSEN) == {
        "B101": Severity.LOW,
        "B404": Severity.LOW,
        "B602": Severity.HIGH,
    }
    selection = configured(
        root,
        "disable = ['B404']\nseverity = { B602 = 'critical' }\n"
        "[[overrides]]\npaths = ['tests/']\ndisable = ['B1*']\nenable = ['B404']\n"
        "[[overrides]]\npaths = ['*.py', '!/a.py']\nseverity = { B602 = 'info' }\n",
    )
    assert found(root, "a.py", selection) == {"B101": Severity.LOW, "B602": Severity.CRITICAL}
    assert found(root, "tests/a.py", selection) == {"B404": Severity.LOW, "B602": Severity.INFO}


def test_asserts_and_passwords_of_tests_count_where_they_are_enabled(root: Path) -> None:
    written = BAD + 'password = "secret"\nassert run(password="secret")\n'
    (root / "a.py").write_text(written)
    (root / "tests" / "a.py").write_text(written)
    assert set(found(root, "a.py", NOTHING_CHOSEN)) == {"B101", "B105", "B106", "B404", "B602"}
    assert set(found(root, "tests/a.py", NOTHING_CHOSEN)) == {"B404", "B602"}
    assert set(found(root, "tests/a.py", configured(root, "disable = ['B404']"))) == {"B602"}
    assert set(found(root, "tests/a.py", configured(root, "enable = ['B101', 'B10[56]']"))) >= {"B101", "B105", "B106"}


def test_scores_follow(root: Path) -> None:
    def security(selection: Selection) -> float:
        source = SourceFile("a.py", str(root / "a.py"), 1, "0" * 64, "python")
        result = analyse_file(WorkerConfig(10_000, BanditConfig(), selection=selection), source)
        assert isinstance(result, FileAnalysis)
        return result.scores.security

    plain = security(NOTHING_CHOSEN)
    assert security(configured(root, "severity = { B602 = 'critical' }")) < plain
    assert security(configured(root, "disable = ['B602']")) > plain
    assert security(configured(root, "disable = ['B*']")) == 100


def test_a_metric_rule_has_one_severity_where_one_is_given(root: Path) -> None:
    (root / "long.py").write_text("def f():\n" + "    print(1)\n" * 200)
    assert found(root, "long.py", NOTHING_CHOSEN) == {"long-function": Severity.MEDIUM}
    assert found(root, "long.py", configured(root, "severity = { long-function = 'critical' }")) == {
        "long-function": Severity.CRITICAL
    }
    assert found(root, "long.py", configured(root, "disable = ['long-*']")) == {}


def test_own_rules_in_every_language_that_they_name(root: Path) -> None:
    (root / "rules").mkdir()
    (root / "rules/own.toml").write_text(OWN)
    (root / "sleep.py").write_text("sleep(1)\n")
    selection = configured(root, "rules = ['./rules']")
    assert found(root, "sleep.py", selection) == {"no-sleep": Severity.MEDIUM}
    assert "no-sleep" in {rule.id for rule in chosen(selection, "ruby").rules}
    assert "no-sleep" not in {rule.id for rule in chosen(selection, "go").rules}
    assert chosen(pickle.loads(pickle.dumps(selection)), "ruby") is chosen(selection, "ruby")
    assert found(root, "sleep.py", configured(root, "rules = ['rules']\nseverity = { no-sleep = 'high' }")) == {
        "no-sleep": Severity.HIGH
    }
    assert found(root, "sleep.py", configured(root, "rules = ['rules']\ndisable = ['no-sleep']")) == {}


def test_a_rule_that_ships_disabled_is_switched_on(root: Path) -> None:
    (root / "rules").mkdir()
    (root / "rules/own.toml").write_text(OWN + "enabled = false\n")
    (root / "sleep.py").write_text("sleep(1)\n")
    (root / "tests/sleep.py").write_text("sleep(1)\n")
    assert found(root, "sleep.py", configured(root, "rules = ['rules']")) == {}
    for line in ("enable = ['no-sleep']", "enable = ['no-*']", "severity = { no-sleep = 'medium' }"):
        assert found(root, "sleep.py", configured(root, f"rules = ['rules']\n{line}")) == {"no-sleep": Severity.MEDIUM}
    selection = configured(root, "rules = ['rules']\n[[overrides]]\npaths = ['tests/']\nenable = ['no-sleep']")
    assert found(root, "sleep.py", selection) == {}
    assert found(root, "tests/sleep.py", selection) == {"no-sleep": Severity.MEDIUM}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "disable = ['B101', 'long-functon']",
            "agentforge.toml:1: there is no rule `long-functon`. Did you",
        ),
        ("\nenable = ['B9']", "agentforge.toml:2: there is no rule `B9`."),
        ("severity = { b602 = 'low' }", "agentforge.toml:1: there is no rule `b602`. Did you mean `B602`?"),
        ("disable = ['nope-*']", "agentforge.toml:1: no rule matches `nope-*`."),
        ("[[overrides]]\npaths = ['a']\ndisable = ['x']", "agentforge.toml:1: there is no rule `x`."),
    ],
)
def test_a_rule_that_exists_nowhere_is_an_error(root: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        configured(root, text)
    assert message in str(error.value)


def test_every_kind_of_rule_may_be_named(root: Path) -> None:
    (root / "rules").mkdir()
    (root / "rules/own.toml").write_text(OWN)
    selection = configured(root, "rules = ['rules']\ndisable = ['B101', 'B303', 'go-*', 'long-file', 'no-sleep', '*']")
    assert selection.project.disable[-1] == "*"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "no-sleep"', 'id = "long-function"', "there is a built-in rule `long-function`"),
        ("(identifier)", "(identifer)", "the query does not fit python"),
        ('"python", "ruby"', '"pyton"', "there is no language `pyton`"),
        ("[[rule]]", "[[rules]]", "unknown key `rules`"),
        ("[[rule]]", "rule = [1]\n[x]", "unknown key `x`"),
        ("why =", "wy =", "unknown key `wy`"),
    ],
)
def test_a_mistake_in_an_own_rule_is_named(root: Path, old: str, new: str, message: str) -> None:
    (root / "rules").mkdir()
    (root / "rules/own.toml").write_text(OWN.replace(old, new, 1))
    with pytest.raises(UsageError, match=r"own\.toml") as error:
        configured(root, "rules = ['rules']")
    assert message in str(error.value)


def test_folders_of_rules_hold_plain_files(root: Path) -> None:
    rules = root / "rules"
    rules.mkdir()
    with pytest.raises(UsageError, match="There is no rule in"):
        configured(root, "rules = ['rules']")
    (rules / "own.toml").symlink_to("/etc/hostname")
    with pytest.raises(UsageError, match="it is a symbolic link"):
        configured(root, "rules = ['rules']")
    (rules / "own.toml").unlink()
    os.mkfifo(rules / "own.toml")
    with pytest.raises(UsageError, match="not a regular file"):
        configured(root, "rules = ['rules']")
    (rules / "own.toml").unlink()
    (rules / "own.toml").write_text("#" * 300_000)
    with pytest.raises(UsageError, match="larger than 256 KiB"):
        configured(root, "rules = ['rules']")


def version(selection: Selection) -> str:
    return engine_version("1", BanditConfig(), selection)


def test_the_engine_version_follows_what_is_found(root: Path) -> None:
    (root / "rules").mkdir()
    (root / "rules/own.toml").write_text(OWN)
    texts = [
        "",
        "rules = ['rules']",
        "disable = ['B101']",
        "enable = ['B101']",
        "severity = { B101 = 'high' }",
        "severity = { B101 = 'low' }",
        "[[overrides]]\npaths = ['a']\ndisable = ['B101']",
        "[[overrides]]\npaths = ['b']\ndisable = ['B101']",
    ]
    versions = [version(configured(root, text)) for text in texts]
    assert len(set(versions)) == len(texts)
    assert versions[0] == version(NOTHING_CHOSEN)
    (root / "rules/own.toml").write_text(OWN + "# changed\n")
    versions.append(version(configured(root, "rules = ['rules']")))
    for language in ("python", "ruby"):
        (root / "rules" / language).mkdir()
        (root / "rules/own.toml").rename(root / "rules" / language / "own.toml")
        versions.append(version(configured(root, "rules = ['rules']")))
        (root / "rules" / language / "own.toml").rename(root / "rules/own.toml")
    assert len(set(versions)) == len(texts) + 3


def test_the_engine_version_stays_where_nothing_else_is_found(root: Path) -> None:
    plain = version(NOTHING_CHOSEN)
    for text in (
        "jobs = 2",
        "exclude = ['x']",
        "[gate]\nfail-on = 'high'",
        "format = 'json'",
        "disable = []",
        "[[overrides]]\npaths = ['x']",
    ):
        assert version(configured(root, text)) == plain, text
    one = version(configured(root, "disable = ['B101', 'B602']"))
    assert version(configured(root, "disable = ['B602', 'B101', 'B101']")) == one
    (root / "rules").mkdir()
    (root / "rules/own.toml").write_text(OWN)
    here = configured(root, "rules = ['rules']")
    (root / "rules").rename(root / "elsewhere")
    assert version(configured(root, "rules = ['elsewhere']")) == version(here)


IDS = st.sampled_from(["B101", "B102", "go-a", "go-b"])
PATTERNS = IDS | st.sampled_from(["*", "B*", "B10?", "go-*", "g*"])
LAYERS = st.lists(
    st.builds(
        RuleSettings,
        disable=st.lists(PATTERNS, max_size=2).map(tuple),
        enable=st.lists(PATTERNS, max_size=2).map(tuple),
        severity=st.dictionaries(IDS, st.sampled_from(Severity), max_size=2),
    ),
    max_size=3,
)


@given(LAYERS, IDS, st.booleans(), st.sampled_from(Severity))
def test_the_last_word_counts(layers: list[RuleSettings], rule: str, on: bool, severity: Severity) -> None:
    assert verdict([*layers, RuleSettings(disable=(rule,))], rule, on=on)[0] is False
    assert verdict([*layers, RuleSettings(enable=(rule,), disable=("*",))], rule, on=on)[0] is True
    assert verdict([*layers, RuleSettings(severity={rule: severity})], rule, on=on) == (True, severity)
    assert verdict([*layers, RuleSettings()], rule, on=on) == verdict(layers, rule, on=on)
    assert verdict([RuleSettings(), *layers], rule, on=on) == verdict(layers, rule, on=on)


@given(LAYERS, IDS, st.booleans())
def test_what_is_tried_is_exactly_what_some_path_wants(layers: list[RuleSettings], rule: str, on: bool) -> None:
    from agentforge.detect.selection import _wanted

    project, *overrides = layers or [RuleSettings()]
    selection = Selection(project, tuple(Override((f"{index}/",), item) for index, item in enumerate(overrides)))
    example = dataclasses.replace(chosen(NOTHING_CHOSEN, "go").rules.rules[0], id=rule, enabled=on)
    possible = [layers[:1], *([project, item] for item in overrides)]
    some = any(verdict(layer, rule, on=on)[0] for layer in possible)
    assert _wanted(selection, example).enabled is some
