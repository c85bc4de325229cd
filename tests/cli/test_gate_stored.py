"""The gate of `agentforge analyze`: new since the last analysis, since a ref, and by conditions on what is stored."""

from __future__ import annotations

from collections.abc import Callable

import in_process
import pytest
from fix_repository import Repository

SHELL = "import subprocess\n\n\ndef run(cmd):\n    subprocess.call(cmd, shell=True)\n"
ADDED = "\n\ndef more(cmd):\n    subprocess.call(cmd, shell=True)\n"

Analyze = Callable[..., in_process.Done]


@pytest.fixture
def analyze(repository: Repository, migrated_url: str) -> Analyze:
    environment = {"AGENTFORGE_DATABASE_URL": migrated_url, "COLUMNS": "200"}

    def analyze(*arguments: str) -> in_process.Done:
        return in_process.run("analyze", str(repository.root), *arguments, **environment)

    return analyze


def test_new_is_what_the_last_analysis_did_not_have(repository: Repository, analyze: Analyze) -> None:
    repository.commit({"a.py": SHELL})
    first = analyze("--fail-on", "high")
    assert (first.returncode, "violations, high or worse: 1, at most 0 allowed" in first.stdout) == (1, True), (
        first.stderr
    )
    assert analyze().returncode == 1, "without a word about the gate any violation fails"
    assert analyze("--fail-on", "high").returncode == 0
    repository.commit({"a.py": SHELL + ADDED})
    done = analyze("--fail-on", "high")
    assert done.returncode == 1
    assert "Gate: failed (new is what was not there at analysis " in done.stdout
    assert "new violations, high or worse: 1, at most 0 allowed (1 too high)" in done.stdout
    assert "1. a.py:9 B602" in done.stdout


def test_since_needs_no_earlier_analysis(repository: Repository, analyze: Analyze) -> None:
    repository.commit({"a.py": SHELL, "b.py": SHELL})
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit({"a.py": "\n" + SHELL})
    assert analyze("--since", "main").returncode == 0
    repository.commit({"a.py": SHELL + ADDED})
    done = analyze("--since", "main")
    assert done.returncode == 1
    assert "new violations: 1, at most 0 allowed" in done.stdout
    assert analyze("--since", "nowhere").returncode == 2


def test_on_a_branch_new_is_what_the_default_branch_does_not_have(repository: Repository, analyze: Analyze) -> None:
    repository.commit({"a.py": SHELL})
    analyze()
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit({"a.py": "\n" + SHELL})
    assert analyze("--fail-on", "high").returncode == 0
    repository.commit({"a.py": SHELL + ADDED})
    for _ in range(2):
        done = analyze("--fail-on", "high")
        assert done.returncode == 1, "a second run does not make it old"
        assert "of main)" in done.stdout
        assert "new violations, high or worse: 1, at most 0 allowed" in done.stdout


def test_a_branch_alone_has_nothing_to_be_compared_with(repository: Repository, analyze: Analyze) -> None:
    repository.commit({"a.py": SHELL})
    repository.git("checkout", "-q", "-b", "feature")
    for _ in range(2):
        done = analyze("--fail-on", "high")
        assert done.returncode == 1
        assert "main was never analysed: everything on this branch counts." in done.stderr
        assert "\n  violations, high or worse: 1" in done.stdout


COPIED = "".join(f"    total += value * {n} + other\n" for n in range(12))
GATE = "[gate]\nnew-cyclomatic = 5\nnew-duplication = 10\nmin-security-score = 101e-2\n"


def test_functions_and_scores_are_judged_from_what_is_stored(repository: Repository, analyze: Analyze) -> None:
    old = "def old(a):\n" + "".join(f"    if a == {n}:\n        return {n}\n" for n in range(9)) + "    return a\n"
    copied = f"def first(value, other):\n    total = 0\n{COPIED}    return total\n"
    repository.commit({"old.py": old, "first.py": copied, "agentforge.toml": GATE})
    analyze("--isolated")
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit({"old.py": old.replace("return a\n", "return -a\n")})
    assert analyze().returncode == 0, "it was too complex before, and did not get worse"
    repository.commit({"old.py": old.replace("return a\n", "return a if a else 0\n"), "again.py": copied})
    done = analyze()
    assert done.returncode == 1
    assert "cyclomatic complexity of old, old.py:1: 11, at most 5 allowed (6 too high)" in done.stdout
    assert "nearly the same as others: 100, at most 10 allowed (90 too high)" in done.stdout
    assert "old has a cyclomatic complexity of 11, 5 are allowed" in done.stdout
    assert "first is nearly the same as first, first.py:1" in done.stdout
