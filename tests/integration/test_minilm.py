"""MiniLM on onnxruntime, as the package agentforge-minilm carries it.

`make test-transformers` builds and installs the package, and runs it.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

if any(importlib.util.find_spec(name) is None for name in ("agentforge_minilm", "onnxruntime", "tokenizers")):
    pytest.skip(
        "needs agentforge-minilm, onnxruntime and tokenizers (make test-transformers builds and installs all)",
        allow_module_level=True,
    )

import numpy as np

from agentforge.embed.interface import Snippet, load
from agentforge.embed.minilm import MiniLM
from agentforge.embed.snippets import snippet_from_code
from agentforge.errors import UsageError

pytestmark = pytest.mark.filterwarnings("default")

READ = "def read_config(path):\n    with open(path) as stream:\n        return json.load(stream)\n"
SAME = "def load_settings(file_name):\n    text = open(file_name).read()\n    return json.loads(text)\n"
OTHER = "def area(self):\n    return sum(side ** 2 for side in self.sides)\n"


@pytest.fixture(scope="module")
def folder() -> Path:
    spec = importlib.util.find_spec("agentforge_minilm")
    return Path(spec.submodule_search_locations[0])


def test_code_and_sentences_that_mean_the_same_are_near(folder: Path):
    one, same, other, sentence = MiniLM(folder).vectors(
        [(READ, "python"), (SAME, "python"), (OTHER, "python"), ("Load the settings from a JSON file", "text")]
    )
    assert one @ same > one @ other + 0.2
    assert sentence @ same > sentence @ other + 0.2


def test_bits_do_not_depend_on_the_batch(folder: Path):
    pieces = [(READ, "python"), (SAME, None), (OTHER * 40, "python"), ("sum of squares", "text")]
    model = MiniLM(folder)
    together = model.vectors(pieces)
    assert np.array_equal(together, np.concatenate([MiniLM(folder).vectors([piece]) for piece in pieces]))
    assert np.array_equal(together[::-1], model.vectors(pieces[::-1]))
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)


def test_nothing_to_read_is_zero(folder: Path):
    vectors = MiniLM(folder).vectors([("", "python"), ("# only a comment", "python"), ("  ", "text"), ("\x00", None)])
    assert not vectors.any()


def test_the_folder_is_a_model_of_three_channels(folder: Path):
    embedder = load(str(folder))
    vectors = embedder.embed([snippet_from_code(code, "python") for code in (READ, SAME)])
    assert embedder.name == str(folder)
    assert vectors.shape == (2, embedder.dimension)
    assert embedder.dimension > MiniLM(folder).dimension
    assert embedder.version != load().version


def test_the_installed_package_is_a_model_by_name(folder: Path):
    by_name = load("minilm")
    assert (by_name.name, by_name.version) == ("minilm", load(str(folder)).version)


def test_functions_are_found_by_its_vectors(migrated_url: str, tmp_path: Path):
    (tmp_path / "code.py").write_text("\n\n".join((READ, SAME, OTHER)))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).with_name("agentforge")
        call = [program, *arguments, "--model", "minilm", "--database-url", migrated_url]
        return subprocess.run(call, cwd=tmp_path, capture_output=True, text=True)

    assert run("analyze", ".", "--quiet").returncode <= 1
    found = run("similar", "read_config", "--format", "json")
    assert found.returncode == 0, found.stderr
    document = json.loads(found.stdout)
    assert (document["model"], document["matches"][0]["qualified_name"]) == ("minilm", "load_settings")


def test_nothing_is_told_to_anyone(folder: Path, tmp_path: Path):
    script = "import sys; from agentforge.embed.interface import load; from agentforge.embed.interface import Snippet\n"
    script += "load(sys.argv[1]).embed([Snippet('python', '', 'x = f(y)', b'')])"
    home = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    home.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", script, folder], check=True, env=home)
    assert not [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name]


def test_a_long_function_is_cut(folder: Path):
    vectors = MiniLM(folder).vectors([("x = 1\n" * 20_000, "python"), ("x = 1\n" * 30_000, "python")])
    assert np.array_equal(vectors[0], vectors[1])


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "minilm.json"])
def test_a_damaged_folder_says_what_to_do(folder: Path, tmp_path: Path, name: str):
    for file in ("model.onnx", "tokenizer.json", "minilm.json"):
        (tmp_path / file).write_bytes(b"{}" if file == name else (folder / file).read_bytes())
    with pytest.raises(UsageError, match="cannot be loaded"):
        load(str(tmp_path)).embed([Snippet("python", "", READ, b"")])
