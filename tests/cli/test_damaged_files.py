"""An installation in which a file that embedding needs is damaged: a sentence, exit code 3, nothing half-written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import agentforge

PACKAGE = Path(agentforge.__file__).parent
RUN = "import sys; from agentforge.cli import main; sys.exit(main())"
TOKEN = """import random


def make_token(length):
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(random.choice(alphabet) for _ in range(length))
"""
LOST = {
    "projection.npz": "The tables of the embedder in .* are damaged",
    "idf.bin": "The file idf.bin of agentforge is damaged",
    "student.npz": "The weights of the embedder in .* are damaged",
    "hybrid.toml": "The file hybrid.toml of agentforge is damaged",
    "kinds.toml": "The file kinds.toml of agentforge is damaged",
}


def copied(folder: Path, damaged: str) -> dict[str, str]:
    """The environment in which a copy of the package runs, one of whose files is cut off."""
    embed = folder / "agentforge" / "embed"
    embed.mkdir(parents=True)
    for place in (PACKAGE, PACKAGE / "embed"):
        for file in place.iterdir():
            if file.name not in ("embed", "__pycache__"):
                (folder / "agentforge" / file.relative_to(PACKAGE)).symlink_to(file)
    (folder / "sql").symlink_to(PACKAGE.parent / "sql")
    (embed / damaged).unlink()
    (embed / damaged).write_bytes((PACKAGE / "embed" / damaged).read_bytes()[:150])
    return {**os.environ, "PYTHONPATH": str(folder)}


def run(environment: dict[str, str], *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-c", RUN, *arguments]
    return subprocess.run(call, cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("name", LOST)
def test_what_cannot_be_done_without(tmp_path: Path, name: str) -> None:
    (tmp_path / "auth.py").write_text(TOKEN)
    done = run(copied(tmp_path / "copy", name), "check", "auth.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert re.search(rf"^agentforge: {LOST[name]}", done.stderr)
    assert done.stderr.splitlines()[1].startswith("Install agentforge again")


def test_scores_that_mean_nothing(tmp_path: Path) -> None:
    (tmp_path / "agentforge.toml").write_text("[gate]\nnew-duplication = 1\n")
    (tmp_path / "long.py").write_text("def f(a):\n" + "    a += 1\n" * 6 + "    return a\n")
    done = run(copied(tmp_path / "copy", "calibration.toml"), "check", "long.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(
        "agentforge: The file calibration.toml of agentforge is damaged.\nInstall agentforge again"
    )


def test_what_can_be_computed_anew(tmp_path: Path) -> None:
    (tmp_path / "auth.py").write_text(TOKEN)
    done = run(copied(tmp_path / "copy", "patterns.npz"), "check", "auth.py", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "pattern-guessable-token" in done.stdout


def test_functions_stay_as_they_were(tmp_path: Path, migrated_url: str) -> None:
    (tmp_path / "auth.py").write_text(TOKEN)
    environment = {**os.environ, "AGENTFORGE_DATABASE_URL": migrated_url}
    assert run(environment, "analyze", "auth.py", "--embed", "fast", "--quiet", cwd=tmp_path).returncode == 1
    damaged = copied(tmp_path / "copy", "student.npz") | {"AGENTFORGE_DATABASE_URL": migrated_url}
    done = run(damaged, "embed", cwd=tmp_path)
    assert (done.returncode, "are damaged" in done.stderr, "Traceback" in done.stderr) == (3, True, False)
    done = run(environment, "embed", "--format", "json", cwd=tmp_path)
    assert (done.returncode, '"embedded": 1' in done.stdout) == (0, True)
