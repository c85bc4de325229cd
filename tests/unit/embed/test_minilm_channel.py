import importlib.util
import os
import subprocess
import sys
from pathlib import Path

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


def test_the_name_is_the_installed_package_and_no_folder(monkeypatch, tmp_path):
    for place in ("installed/agentforge_minilm", "here/minilm"):
        folder = tmp_path / place
        folder.mkdir(parents=True)
        for name in ("minilm.json", "model.onnx", "tokenizer.json"):
            (folder / name).write_text(place)
    monkeypatch.chdir(tmp_path / "here")
    script = (
        "import importlib.util as u; f = u.find_spec\n"
        "u.find_spec = lambda name: f('json') if name in ('onnxruntime', 'tokenizers') else f(name)\n"
        "import sys; from agentforge.embed.interface import load; m = load('minilm')\n"
        "print(m.name, m.version == load(sys.argv[1]).version, m.version == load('./minilm').version)\n"
        "print(sorted({'agentforge_minilm', 'onnxruntime'} & set(sys.modules)))"
    )
    call = [sys.executable, "-c", script, tmp_path / "installed/agentforge_minilm"]
    path = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    done = subprocess.run(call, env=path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["minilm True False", "[]"]


@pytest.mark.skipif(
    importlib.util.find_spec("agentforge_minilm") is not None, reason="the package agentforge-minilm is installed here"
)
def test_the_name_without_the_package_says_what_to_install(monkeypatch, folder):
    (folder / "minilm").mkdir()
    (folder / "minilm" / "minilm.json").write_text("{}")
    monkeypatch.chdir(folder)
    program = Path(sys.executable).with_name("agentforge")
    done = subprocess.run([program, "embed", "--model", "minilm"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "The model 'minilm' is not installed" in done.stderr
    assert "pip install agentforge_minilm-*.whl" in done.stderr


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
