"""`agentforge embed` as it is called, and what `agentforge analyze` says of meaning."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import in_process
import jsonschema
import psycopg
import pytest

from agentforge.store.connection import DatabaseSettings, connect

PROGRAM = Path(sys.executable).with_name("agentforge")
SCHEMAS = Path(__file__).parents[2] / "docs/schemas"
FUNCTION = "def load_{n}(path):\n    with open(path) as stream:\n        return parse(stream, {n})\n\n\n"
# Each function takes its time, so that there is a middle to interrupt, on any machine.
SLOW = """
    CREATE FUNCTION agentforge.slow() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END';
    CREATE TRIGGER slow BEFORE UPDATE ON agentforge.function_embeddings FOR EACH ROW EXECUTE FUNCTION agentforge.slow();
"""
STATE = "SELECT count(*) FILTER (WHERE lacks_meaning), count(*) FROM agentforge.function_embeddings"


def command(url: str, *arguments: str) -> list[str]:
    return [str(PROGRAM), *arguments, "--database-url", url]


def run(url: str, *arguments: str, cwd: Path | None = None, text: str = "") -> in_process.Done:
    return in_process.run(*arguments, "--database-url", url, cwd=cwd, stdin=text)


def query(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "[red]loads"
    folder.mkdir()
    (folder / "loads.py").write_text("".join(FUNCTION.format(n=n) for n in range(200)))
    return folder


def test_ctrl_c_in_the_middle_of_a_fill_and_on_from_there(project: Path, migrated_url: str) -> None:
    done = run(migrated_url, "analyze", ".", "--quiet", "--embed", "fast", cwd=project)
    assert done.returncode <= 1, done.stderr
    assert query(migrated_url, STATE) == [(200, 200)]
    done = run(migrated_url, "similar", "load_7", "--format", "json")
    assert "Compared by words and structure only: 200 functions have no meaning yet." in done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads((SCHEMAS / "similar.schema.json").read_text()))
    assert (document["without_meaning"], len(document["matches"])) == (200, 10)

    with connect(DatabaseSettings(url=migrated_url)) as connection:
        connection.execute(SLOW.encode())
    started = subprocess.Popen(
        command(migrated_url, "embed", "--jobs", "1"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while query(migrated_url, STATE) == [(200, 200)] and started.poll() is None:
        time.sleep(0.02)
    started.send_signal(signal.SIGINT)
    output, errors = started.communicate(timeout=60)
    assert started.returncode == 0, errors
    assert "Interrupted: what is done is kept. `agentforge embed` goes on from here." in errors
    assert "Traceback" not in errors
    ((left, _),) = query(migrated_url, STATE)
    assert 0 < left < 200
    assert re.search(rf"\[red\]loads +{200 - left} +{left}\b", output)

    with connect(DatabaseSettings(url=migrated_url)) as connection:
        connection.execute("DROP TRIGGER slow ON agentforge.function_embeddings")
    done = run(migrated_url, "embed", "[red]loads", "--format", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads((SCHEMAS / "embed.schema.json").read_text()))
    assert document["projects"] == [{"name": "[red]loads", "embedded": left, "left": 0}]
    assert query(migrated_url, STATE) == [(0, 200)]
    done = run(migrated_url, "search", "load a path", "--format", "json")
    assert (json.loads(done.stdout)["without_meaning"], done.stderr) == (0, "")

    (project / "bare.py").write_text("def bare(path):\n    return load(path)\n")
    assert run(migrated_url, "analyze", ".", "--quiet", "--embed", "none", cwd=project).returncode <= 1
    for command_line in (("similar", "load_7"), ("search", "load a path")):
        done = run(migrated_url, *command_line, "--format", "json")
        document = json.loads(done.stdout)
        jsonschema.validate(document, json.loads((SCHEMAS / f"{command_line[0]}.schema.json").read_text()))
        said = "1 function is not embedded yet, and not compared. `agentforge embed` makes the vectors.\n"
        assert (document["without_vector"], done.stderr) == (1, said)


def test_ctrl_c_in_what_an_analysis_fills_in_after_its_summary(project: Path, migrated_url: str) -> None:
    # The meaning of more than 500 functions is not waited for.
    (project / "more.py").write_text("".join(FUNCTION.format(n=n) for n in range(200, 510)))
    with connect(DatabaseSettings(url=migrated_url)) as connection:
        connection.execute(SLOW.encode())
    started = subprocess.Popen(
        command(migrated_url, "analyze", ".", "--jobs", "1", "--fail-on", "never"),
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while query(migrated_url, STATE)[0] in ((0, 0), (510, 510)) and started.poll() is None:
        time.sleep(0.02)
    started.send_signal(signal.SIGINT)
    output, errors = started.communicate(timeout=60)
    assert (started.returncode, "Traceback" in errors) == (0, False), errors
    assert "2 files analysed" in output
    assert "Adding meaning to 510 functions; Ctrl-C leaves it to `agentforge embed`." in errors
    assert "The analysis is stored; meaning is not complete. `agentforge embed` goes on from here." in errors
    ((left, _),) = query(migrated_url, STATE)
    assert 0 < left < 510
    with connect(DatabaseSettings(url=migrated_url)) as connection:
        connection.execute("DROP TRIGGER slow ON agentforge.function_embeddings")
    assert run(migrated_url, "embed", "--quiet").returncode == 0
    assert query(migrated_url, STATE) == [(0, 510)]
    assert run(migrated_url, "analyze", ".", cwd=project).stderr == ""


def test_bad_input_is_answered_in_a_sentence(tmp_path: Path, migrated_url: str) -> None:
    done = run(migrated_url, "embed")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No project is stored yet that you may write." in done.stderr
    (tmp_path / "a.py").write_text("def f(x):\n    return x\n")
    assert run(migrated_url, "analyze", ".", "--quiet", "--embed", "none", cwd=tmp_path).returncode <= 1
    done = run(migrated_url, "similar", "f")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(r"f is not embedded yet\.\nRun `agentforge embed .+` first\.", done.stderr)
    done = run(migrated_url, "embed", "nowhere")
    assert (done.returncode, done.stderr.startswith("agentforge: There is no project nowhere.")) == (2, True)
    assert run(migrated_url, "analyze", ".", "--embed", "some", cwd=tmp_path).returncode == 2
    assert run(migrated_url, "embed").returncode == 0
    for code in ("def broken(:\n  return [", "?", "\0\0", "x" * 100_000):
        done = run(migrated_url, "similar", "-", text=code)
        assert done.returncode == 0, (code[:20], done.stderr)
    with connect(DatabaseSettings(url=migrated_url)) as connection:
        connection.execute("UPDATE agentforge.embedding_models SET name = 'mine'")
    done = run(migrated_url, "embed")
    assert (done.returncode, "is embedded by mine, and stays so: --model mine completes it." in done.stderr) == (
        0,
        True,
    )
    done = run(migrated_url, "similar", "-", text=" \n")
    assert (done.returncode, "There is no code on standard input." in done.stderr) == (2, True)
