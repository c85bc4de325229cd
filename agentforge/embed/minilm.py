"""all-MiniLM-L6-v2 as the channel of meaning, by onnxruntime (the extra `agentforge[minilm]`); no torch."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agentforge.embed.meaning import TEXT
from agentforge.embed.subtokens import units
from agentforge.errors import UsageError
from agentforge.model import Centres

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.embed.meaning import Piece

MODEL = "minilm"
DESCRIPTION = "minilm.json"
_PACKAGE = "agentforge_minilm"
_FORMAT = 1
_CENTRES = Path(__file__).with_name("minilm.npz")
_FILES = (DESCRIPTION, "model.onnx", "tokenizer.json")
_MAKE_AGAIN = "Install agentforge-minilm again, or make the folder again: make minilm FOLDER=..."
# Of code; what lies beyond is cut off by the tokenizer, which makes one token or more of each.
_SUB_TOKENS = 256
_CHARACTERS = 4096


def find(model: str) -> MiniLM | None:
    """The model of this name: the installed package for `minilm`, else a folder that `make minilm` wrote.

    A folder of that name is not looked at: what lies in a repository does not choose its weights.

    Returns:
        None where the name is neither.

    Raises:
        UsageError: the package, or what it needs, is not installed; or a file is missing.
    """
    if model != MODEL:
        folder = Path(model).expanduser()
        return MiniLM(folder) if (folder / DESCRIPTION).is_file() else None
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise UsageError(
            "The model 'minilm' is not installed: its weights are in a package of their own, agentforge-minilm.",
            "Install its wheel (pip install agentforge_minilm-*.whl), which `make minilm` builds, or use the model "
            "'hybrid', which needs nothing.",
        )
    return MiniLM(Path(next(iter(package.submodule_search_locations))))


class MiniLM:
    """A `Meaning`. Texts are run one by one: weights of 8 bits are scaled by what shares a batch.

    From each vector the mean of its language is subtracted, and it is cut to its first principal axes
    (`training/minilm.py` counted both over many packages). Equal bits for equal text on one machine and version of
    onnxruntime; other processors may round otherwise.
    """

    name = MODEL

    def __init__(self, folder: Path) -> None:
        """Read nothing yet.

        Raises:
            UsageError: the extra is not installed, or a file is missing.
        """
        self._folder = folder.resolve()
        if any(importlib.util.find_spec(name) is None for name in ("onnxruntime", "tokenizers")):
            raise UsageError(
                f"The model in '{folder}' needs onnxruntime and tokenizers, which are not installed.",
                "Run: pip install 'agentforge[minilm]'  (or use the model 'hybrid', which needs nothing).",
            )
        if missing := [name for name in _FILES if not (self._folder / name).is_file()]:
            raise UsageError(f"The folder '{folder}' has no {' and no '.join(missing)}.", _MAKE_AGAIN)

    @cached_property
    def version(self) -> str:
        """A digest of the weights, the tokenizer and the means."""
        total = hashlib.sha256()
        for file in (*(self._folder / name for name in _FILES), _CENTRES):
            with file.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
        return total.hexdigest()[:16]

    @cached_property
    def dimension(self) -> int:
        """Of each vector."""
        return int(self._centres["axes"].shape[1])

    def vectors(self, pieces: Sequence[Piece]) -> NDArray[np.float32]:
        """See `Meaning.vectors`."""
        session, tokenizer = self._session
        means = dict(zip(self._centres["languages"].tolist(), self._centres["means"], strict=True))
        centres, axes = Centres(means, {}), self._centres["axes"].astype(np.float64)
        vectors = np.zeros((len(pieces), self.dimension), np.float32)
        for row, (code, language) in enumerate(pieces):
            if text := _text(code, language or ""):
                ids = np.array([tokenizer.encode(text).ids], np.int64)
                raw = session.run(None, {"ids": ids})[0][0].astype(np.float64)
                vector = (raw - centres.of(language)) @ axes
                vectors[row] = vector / (np.linalg.norm(vector) or 1.0)
        return vectors

    @cached_property
    def _centres(self) -> dict[str, NDArray[Any]]:
        with np.load(_CENTRES, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}

    @cached_property
    def _session(self) -> tuple[Any, Any]:
        # onnxruntime 1.32 sends events about what it runs to its maker, and keeps an identifier in the home directory,
        # unless this is set before it is loaded. Nothing leaves the machine here.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime
        from tokenizers import Tokenizer

        try:
            description = json.loads((self._folder / DESCRIPTION).read_text("utf-8"))
            if description.get("format") != _FORMAT:
                raise ValueError("it was made for another version of agentforge")
            tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
            tokenizer.no_padding()
            tokenizer.enable_truncation(int(description["tokens"]))
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.log_severity_level = 3
            session = onnxruntime.InferenceSession(
                str(self._folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # both libraries raise classes of their own, which share no base but this
            line = next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
            raise UsageError(f"The model in '{self._folder}' cannot be loaded: {line}", _MAKE_AGAIN) from error
        return session, tokenizer


def _text(code: str, language: str) -> str:
    """What the model reads: a sentence as it is, of code the words, without comments, identifiers split."""
    if language == TEXT:
        return code[:_CHARACTERS].strip()
    return " ".join(units(code, language, _SUB_TOKENS + 1)[0][1:])
