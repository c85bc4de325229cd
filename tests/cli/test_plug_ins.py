"""Where the tool plugs in, run as its hosts run it: pre-commit, the steps of the GitHub action, the GitLab job."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from fix_repository import Repository

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
HOOKS = ROOT / ".pre-commit-hooks.yaml"
SHELL = "import subprocess\n\n\ndef run(cmd):\n    subprocess.call(cmd, shell=True)\n"
EXPRESSION = re.compile(r"\$\{\{\s*([^}]*?)\s*\}\}")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


# pre-commit


@pytest.fixture
def hook(repository: Repository, tmp_path: Path) -> str:
    """The hooks' repository and revision, for `.pre-commit-config.yaml`.

    Installing the package from PyPI takes pre-commit a minute, so the hooks run the command of this environment; with
    AGENTFORGE_TEST_HOOK_INSTALL=1 they are those of this checkout's last commit, installed as a user's are.
    """
    if os.environ.get("AGENTFORGE_TEST_HOOK_INSTALL"):
        head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        return f"  - repo: {ROOT}\n    rev: {head.stdout}"
    copy = Repository(tmp_path / "hooks")
    commit = copy.commit({HOOKS.name: HOOKS.read_text().replace("language: python", "language: system")})
    return f"  - repo: file://{copy.root}\n    rev: {commit}\n"


def pre_commit(repository: Repository, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **repository.environment,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PRE_COMMIT_HOME": str(repository.root.parent / "cache"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "protocol.file.allow",
        "GIT_CONFIG_VALUE_0": "always",
    }
    return subprocess.run(arguments, cwd=repository.root, env=environment, capture_output=True, text=True, check=False)


def test_pre_commit_stops_a_commit_that_adds_a_violation(repository: Repository, hook: str) -> None:
    repository.commit({"old.py": SHELL})
    wanted = "    hooks:\n      - id: agentforge-check\n        args: [--fail-on, high]\n"
    repository.write({".pre-commit-config.yaml": f"repos:\n{hook}{wanted}"})
    installed = pre_commit(repository, str(BIN / "pre-commit"), "install")
    assert installed.returncode == 0, installed.stderr
    repository.write({"old.py": "# moved\n" + SHELL})
    done = pre_commit(repository, "git", "commit", "-q", "-a", "-m", "what was there may stay")
    assert done.returncode == 0, done.stdout + done.stderr

    repository.write({"a.py": SHELL, "unstaged.py": SHELL})
    repository.git("add", "a.py")
    repository.write({"a.py": "x = 1\n"})
    done = pre_commit(repository, "git", "commit", "-q", "-m", "bad")
    assert done.returncode == 1
    assert "a.py:5 B602" in done.stderr
    assert "new violations, high or worse: 1, at most 0 allowed" in done.stderr
    assert (repository.root / "a.py").read_text() == "x = 1\n"

    assert pre_commit(repository, "git", "commit", "-q", "-m", "good", "-a").returncode == 0
    repository.write({"a.py": SHELL})
    done = pre_commit(repository, "git", "commit", "-q", "-m", "the hook is told of another index", "a.py")
    assert done.returncode == 1
    assert "a.py:5 B602" in done.stderr


def test_a_hook_sees_the_index_of_its_commit(repository: Repository) -> None:
    """Without pre-commit, in a linked worktree, with an index that git made for this one commit."""
    repository.commit({"a.py": "x = 1\n"})
    hook = repository.root / ".git/hooks/pre-commit"
    hook.write_text(f"#!/bin/sh\nexec {BIN / 'agentforge'} check --staged --fail-on high\n")
    hook.chmod(0o755)
    linked = repository.root.parent / "linked"
    repository.git("worktree", "add", "-q", str(linked), "-b", "side")
    (linked / "a.py").write_text(SHELL)
    for what in (["-a"], ["a.py"]):
        done = subprocess.run(
            ["git", "commit", "-q", "-m", "x", *what],
            cwd=linked,
            env=repository.environment,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, "a.py:5 B602" in done.stderr) == (1, True), done.stderr


def test_pre_commit_can_look_at_whole_files(repository: Repository, hook: str) -> None:
    repository.commit({"a.py": SHELL, "with space.py": "x = 1\n"})
    repository.write({".pre-commit-config.yaml": f"repos:\n{hook}    hooks:\n      - id: agentforge-check-files\n"})
    done = pre_commit(repository, str(BIN / "pre-commit"), "run", "--all-files")
    assert done.returncode == 1
    assert "B602" in done.stdout
    done = pre_commit(repository, str(BIN / "pre-commit"), "run", "--files", "with space.py")
    assert done.returncode == 0, done.stdout


# The GitHub action

ACTION = read(ROOT / "action.yml")
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}


class Runner:
    """Runs a step of the action as GitHub's runner does: files for outputs and the summary, `bash -e`."""

    def __init__(self, repository: Repository, folder: Path) -> None:
        self.repository, self.folder = repository, folder
        (folder / "agentforge").symlink_to(BIN.parent)
        self.outputs: dict[str, str] = {}
        self.summary = ""

    def __call__(self, step: str, inputs: dict[str, str], **environment: str) -> subprocess.CompletedProcess[str]:
        defaults = {name: value.get("default", "") for name, value in ACTION["inputs"].items()}
        values = {f"inputs.{name}": value for name, value in {**defaults, **inputs}.items()}
        values |= {f"steps.check.outputs.{name}": value for name, value in self.outputs.items()}
        given = {
            name: EXPRESSION.sub(lambda found: values[found[1]], text) for name, text in STEPS[step]["env"].items()
        }
        files = {name: self.folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[step]["run"]],
            cwd=self.repository.root,
            env={
                **self.repository.environment,
                **{name: str(file) for name, file in files.items()},
                "RUNNER_TEMP": str(self.folder),
                "GITHUB_ACTIONS": "true",
                "GITHUB_ACTION_PATH": str(ROOT),
                **given,
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        self.outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
        self.summary = files["GITHUB_STEP_SUMMARY"].read_text()
        return done


@pytest.fixture
def runner(repository: Repository, tmp_path: Path) -> Runner:
    (tmp_path / "temp").mkdir()
    return Runner(repository, tmp_path / "temp")


def test_the_action_reads_its_inputs_from_the_environment_only() -> None:
    for name, step in STEPS.items():
        assert "${{" not in step.get("run", ""), name
        if "uses" in step:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"]), name
        else:
            assert step["shell"] == "bash", name
    text = (ROOT / "action.yml").read_text()
    for name, value in ACTION["inputs"].items():
        assert f"inputs.{name}" in text, name
        assert value["description"], name
        assert isinstance(value.get("default", ""), str), name
    written = re.findall(r"printf '([\w-]+)=", STEPS["Check"]["run"])
    assert {f"${{{{ steps.check.outputs.{name} }}}}" for name in written} == {
        output["value"] for output in ACTION["outputs"].values()
    }


def test_the_action_compares_a_pull_request_with_its_base(repository: Repository, runner: Runner) -> None:
    repository.commit({"a.py": SHELL})
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.git("checkout", "-q", "--detach")
    repository.commit({"a.py": "\n" + SHELL})
    done = runner("Check", {}, GITHUB_BASE_REF="main")
    assert done.returncode == 0, done.stderr
    assert (runner.outputs["exit-code"], runner.outputs["new-violations"]) == ("0", "0")
    assert runner("Verdict", {}).returncode == 0

    repository.commit({"b.py": SHELL})
    done = runner("Check", {"fail-on": "high"}, GITHUB_BASE_REF="main")
    assert done.returncode == 0, "the report is uploaded before the verdict"
    assert "::error file=b.py,line=5" in done.stdout
    assert runner.outputs["exit-code"] == "1"
    assert runner.outputs["new-violations"] == "2"
    sarif = json.loads((repository.root / runner.outputs["sarif-file"]).read_text())
    assert sarif["version"] == "2.1.0"
    assert json.loads(Path(runner.outputs["json-file"]).read_text())["gate"]["passed"] is False
    assert "new violations, high or worse" in runner.summary
    assert runner("Verdict", {}).returncode == 1


def test_the_action_without_a_pull_request_counts_everything(repository: Repository, runner: Runner) -> None:
    repository.commit({"sub/a.py": SHELL, "b.py": SHELL})
    runner("Check", {"paths": "sub\n", "args": "--exclude\n*.txt\n"})
    assert (runner.outputs["exit-code"], runner.outputs["new-violations"]) == ("1", "2")


@pytest.mark.parametrize(
    "inputs",
    [
        {"paths": "$(touch pwned)"},
        {"paths": "`touch pwned`\n;touch pwned"},
        {"paths": "--output-file=json:pwned"},
        {"since": "--output=pwned"},
        {"since": "$(touch pwned)"},
        {"fail-on": "high;touch pwned"},
        {"args": "--format\n$(touch pwned)"},
    ],
)
def test_no_input_of_the_action_is_a_command(repository: Repository, runner: Runner, inputs: dict[str, str]) -> None:
    repository.commit({"a.py": "x = 1\n"})
    done = runner("Check", inputs)
    assert runner.outputs["exit-code"] == "2", done.stdout
    assert runner.outputs["new-violations"] == ""
    assert "sarif-file" not in runner.outputs
    assert not list(repository.root.rglob("pwned"))
    assert runner("Verdict", inputs).returncode == 2


@pytest.mark.parametrize(
    "version", ["1.0; touch pwned", "$(touch pwned)", "git+https://example.org/x", "--pre", "1.0\n2"]
)
def test_the_action_installs_versions_only(repository: Repository, runner: Runner, version: str) -> None:
    (runner.folder / "agentforge").unlink()
    done = runner("Install", {"version": version})
    assert (done.returncode, "::error" in done.stdout) == (2, True)
    assert not list(repository.root.rglob("pwned"))


@pytest.mark.skipif(
    not os.environ.get("AGENTFORGE_TEST_HOOK_INSTALL"), reason="installs from PyPI, which takes a minute"
)
def test_the_action_installs_itself(repository: Repository, runner: Runner) -> None:
    (runner.folder / "agentforge").unlink()
    done = runner("Install", {})
    assert done.returncode == 0, done.stderr
    repository.commit({"a.py": SHELL})
    runner("Check", {})
    assert runner.outputs["exit-code"] == "1"


# The GitLab job


def test_the_gitlab_job_has_the_structure_that_gitlab_wants() -> None:
    document = read(ROOT / "ci/gitlab.yml")
    assert set(document) == {"variables", ".agentforge", "agentforge"}
    assert all(isinstance(value, str) for value in document["variables"].values())
    job = document[".agentforge"]
    assert set(job) == {"image", "variables", "cache", "before_script", "script", "artifacts"}
    assert all(isinstance(line, str) for part in ("before_script", "script") for line in job[part])
    assert job["artifacts"]["when"] == "always"
    assert job["artifacts"]["reports"] == {"codequality": "gl-code-quality-report.json"}
    assert document["agentforge"]["extends"] == ".agentforge"
    assert all(set(rule) == {"if"} for rule in document["agentforge"]["rules"])


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_the_gitlab_job_reports_what_a_merge_request_brings(repository: Repository, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here; GitLab uses whichever the image has")
    base = repository.commit({"a b.py": SHELL})
    repository.commit({"a b.py": SHELL + "\n\ndef more(cmd):\n    subprocess.call(cmd, shell=True)\n"})
    document = read(ROOT / "ci/gitlab.yml")
    script = "\n".join(document[".agentforge"]["script"]).replace("/tmp/agentforge", str(BIN.parent))
    environment = {**repository.environment, **document["variables"], "AGENTFORGE_PATHS": "a b.py\n"}

    def run(**more: str) -> int:
        done = subprocess.run(
            [shell, "-e", "-c", script], cwd=repository.root, env={**environment, **more}, check=False
        )
        return done.returncode

    assert run(CI_MERGE_REQUEST_DIFF_BASE_SHA=base) == 1
    report = json.loads((repository.root / "gl-code-quality-report.json").read_text())
    assert {row["location"]["path"] for row in report} == {"a b.py"}
    assert (repository.root / "agentforge.sarif").exists()
    assert run(CI_MERGE_REQUEST_DIFF_BASE_SHA=base, AGENTFORGE_FAIL_ON="critical") == 0
    assert run(AGENTFORGE_SINCE="nowhere") == 2
