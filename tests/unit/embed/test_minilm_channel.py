import importlib.util

import pytest

from agentforge.embed import minilm
from agentforge.embed.interface import load
from agentforge.errors import UsageError


@pytest.fixture
def folder(tmp_path):
    for name in ("minilm.json", "model.onnx", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    return tmp_path


def without(monkeypatch, name):
    find = importlib.util.find_spec
    monkeypatch.setattr(minilm.importlib.util, "find_spec", lambda wanted: None if wanted == name else find("json"))


def test_a_missing_extra_says_what_to_install(monkeypatch, folder):
    without(monkeypatch, "onnxruntime")
    with pytest.raises(UsageError, match="onnxruntime and tokenizers") as caught:
        load(str(folder))
    assert "pip install 'agentforge[minilm]'" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_folder_that_lacks_a_file_says_which(monkeypatch, folder, name):
    without(monkeypatch, "nothing")
    (folder / name).unlink()
    with pytest.raises(UsageError, match=f"has no {name}"):
        load(str(folder))


def test_the_version_follows_the_files(monkeypatch, folder):
    without(monkeypatch, "nothing")
    before = minilm.MiniLM(folder).version
    assert minilm.MiniLM(folder).version == before
    (folder / "model.onnx").write_text("other weights")
    assert minilm.MiniLM(folder).version != before


def test_means_and_axes_of_every_language_are_there(monkeypatch, folder):
    without(monkeypatch, "nothing")
    model = minilm.MiniLM(folder)
    means = model._centres["means"]
    assert {"", "text", "python", "go", "rust"} <= set(model._centres["languages"].tolist())
    assert means.shape[1] == len(model._centres["axes"]) > model.dimension
