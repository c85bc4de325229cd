import importlib.util
import subprocess
import sys

import pytest

from agentforge.embed import transformer
from agentforge.embed.interface import load
from agentforge.errors import UsageError

WITHOUT_EXTRA = importlib.util.find_spec("sentence_transformers") is None


def test_the_default_has_three_channels():
    assert (load().name, load().needs_features) == ("hybrid", True)
    assert load().dimension > load("fast").dimension


def test_the_name_of_an_earlier_version_is_understood():
    assert load("hashed").name == load("fast").name == "fast"
    assert load("hashed").version == load("fast").version


@pytest.mark.skipif(not WITHOUT_EXTRA, reason="sentence-transformers is installed here")
def test_a_missing_extra_says_what_to_install():
    with pytest.raises(UsageError, match=r"pip install 'agentforge\[transformers\]'"):
        load("all-MiniLM-L6-v2")


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "a/b/c", "no such", "", "..", "model\x07"])
def test_what_is_no_model_is_refused_before_any_network(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(transformer.importlib.util, "find_spec", lambda _name: True)
    monkeypatch.setattr(transformer, "_hub_snapshot", lambda name: pytest.fail(f"asked the network for {name}"))
    with pytest.raises(UsageError):
        load(name)


def test_a_folder_without_a_model(monkeypatch, tmp_path):
    monkeypatch.setattr(transformer.importlib.util, "find_spec", lambda _name: True)
    with pytest.raises(UsageError, match=r"holds no sentence-transformers model"):
        load(str(tmp_path))


def test_the_version_of_a_folder_follows_its_files(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"1")
    before = transformer.TransformerEmbedder("m", tmp_path).version
    assert transformer.TransformerEmbedder("n", tmp_path).version == before
    (tmp_path / "model.safetensors").write_bytes(b"2")
    assert transformer.TransformerEmbedder("m", tmp_path).version != before


def test_the_version_of_a_hub_snapshot_is_its_revision(tmp_path):
    folder = tmp_path / "snapshots" / ("0123456789" * 4)
    folder.mkdir(parents=True)
    assert transformer.TransformerEmbedder("m", folder).version == "0123456789012345"


def test_the_interface_imports_nothing_heavy():
    script = (
        "import sys, agentforge.embed.interface; print(sorted({'numpy', 'torch', 'tree_sitter'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
