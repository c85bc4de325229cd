"""What docs/maintenance.md offers for copying can be copied."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "docs/maintenance.md").read_text()
UNITS = dict(re.findall(r"^`/etc/systemd/system/([\w.-]+)`:\n\n```ini\n(.*?)```", TEXT, re.DOTALL | re.MULTILINE))
SERVICE, TIMER = "agentforge-maintain.service", "agentforge-maintain.timer"
HARDENED = {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes"}


def parsed(unit: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(UNITS[unit])
    return parser


def test_the_service_is_hardened_and_the_timer_is_persistent() -> None:
    service, timer = parsed(SERVICE), parsed(TIMER)
    assert set(service.sections()) == {"Unit", "Service"}
    assert service["Service"]["User"] not in ("", "root")
    assert HARDENED.items() <= dict(service["Service"]).items()
    assert timer["Timer"]["Persistent"] == "true", "a night that was missed is made up for"
    assert timer["Install"]["WantedBy"] == "timers.target"


def test_the_commands_are_those_of_the_program() -> None:
    cron = re.search(r"^    (?:\S+ ){5} ?\S+=\S+ (agentforge .*)$", TEXT, re.MULTILINE)
    assert cron is not None
    for line in (cron[1], parsed(SERVICE)["Service"]["ExecStart"]):
        done = subprocess.run(
            [Path(sys.executable).parent / "agentforge", *line.split()[1:], "--help"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    program = str(Path(sys.executable).parent / "agentforge")
    for name, text in UNITS.items():
        (tmp_path / name).write_text(text.replace("/usr/local/bin/agentforge", program))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *(str(tmp_path / name) for name in UNITS)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    assert (done.returncode, done.stderr) == (0, "")
