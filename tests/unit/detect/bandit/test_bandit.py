"""Findings equal those of the bandit command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import rich

from agentforge.detect.bandit import BanditConfig, load_config
from agentforge.detect.bandit.scan import scan
from agentforge.errors import UsageError
from agentforge.parse.python_ast import parse_python

TREE = Path(os.environ.get("AGENTFORGE_REFERENCE_TREE", Path(rich.__file__).parent))

Finding = tuple[str, str, int, int, str, str]


def ours(root: Path, config: BanditConfig) -> set[Finding]:
    found = set()
    for file in root.rglob("*.py"):
        raw = file.read_bytes()
        for item in scan(parse_python(raw), str(file), str(file), raw, config):
            found.add((str(file), item.rule_id, item.line, item.end_line, item.severity.value, item.confidence.value))
    return found


def theirs(root: Path, *options: str) -> set[Finding]:
    command = [sys.executable, "-m", "bandit", "-q", "-r", "-f", "json", "--exclude", "/none", *options, str(root)]
    rows = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)["results"]
    return {
        (
            row["filename"],
            row["test_id"],
            row["line_number"],
            max([row["line_number"], *row["line_range"]]),
            row["issue_severity"].lower(),
            row["issue_confidence"].lower(),
        )
        for row in rows
    }


def test_findings_of_a_package_equal_bandits() -> None:
    expected = theirs(TREE)
    assert expected
    assert ours(TREE, BanditConfig()) == expected


CODE = b"""\
import pickle, subprocess
subprocess.call(cmd, shell=True)  # nosec
subprocess.call(cmd, shell=True)  # nosec B602
subprocess.call(cmd, shell=True)  # nosec B101
assert x
password = 'hunter2'
eval(x)  #nosec
"""


def test_nosec_and_configuration_are_bandits(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_bytes(CODE)
    assert ours(tmp_path, load_config(str(tmp_path))) == theirs(tmp_path)
    config = tmp_path / "bandit.yaml"
    config.write_text("skips: [B101, B403]\n")
    skipped = ours(tmp_path, load_config(str(tmp_path)))
    assert skipped == theirs(tmp_path, "-c", str(config))
    assert not {"B101", "B403"} & {finding[1] for finding in skipped}


@pytest.mark.parametrize("name", ["bandit.yaml", ".bandit"])
def test_no_configuration_from_elsewhere(tmp_path: Path, name: str) -> None:
    root = tmp_path.resolve() / "root"
    root.mkdir()
    (tmp_path / "secret").write_text("hunter2\n")
    (root / name).symlink_to(tmp_path / "secret")
    with pytest.raises(UsageError, match="symbolic link") as error:
        load_config(str(root))
    assert "hunter2" not in str(error.value)
    (root / name).unlink()
    for path in ("../secret", str(tmp_path / "secret"), "gone.yaml"):
        (root / ".bandit").write_text(f"[bandit]\nconfigfile = {path}\n")
        with pytest.raises(UsageError, match="configfile"):
            load_config(str(root))


def test_a_broken_configuration_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / ".bandit").write_text("no section\n")
    with pytest.raises(UsageError, match="cannot be read"):
        load_config(str(tmp_path))
