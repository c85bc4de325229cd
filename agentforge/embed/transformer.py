"""Any sentence-transformers model as an embedder (the extra `agentforge[transformers]`)."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentforge.errors import UsageError

if TYPE_CHECKING:
    from agentforge.embed.interface import Snippet, Vectors

BATCH = 32
# Far more than a model reads; what lies beyond would only be tokenised and thrown away.
_CHARACTERS_PER_TOKEN = 16
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_SNAPSHOT = re.compile(r"[0-9a-f]{40}")
_MODEL_FILES = ("*.json", "*.txt", "*.model", "*.safetensors", "*.bin")
_OTHER_RUNTIMES = ("onnx/*", "openvino/*", "*.onnx", "*.h5", "*.ot", "*.msgpack", "*.tflite", "*.pb")


def load_transformer(model: str) -> TransformerEmbedder:
    """Find a model; its weights are read at the first use.

    Args:
        model: a folder, or a name on the model hub (a bare one means `sentence-transformers/NAME`). One that the hub
            library has already on disk is taken from there without asking the network.

    Raises:
        UsageError: the extra is missing, the folder holds no model, the hub does not know it or cannot be reached.
    """
    if importlib.util.find_spec("sentence_transformers") is None:
        raise UsageError(
            f"The model '{model}' needs sentence-transformers, which is not installed.",
            "Run: pip install 'agentforge[transformers]'  (or use the model 'hybrid', which needs nothing).",
        )
    return TransformerEmbedder(model, _folder(model))


class TransformerEmbedder:
    """A sentence-transformers model. It reads the code of a function, at most as many tokens as it was trained for.

    `version` is the hub's revision, or a digest of the files of a local folder: other weights, other version. Vectors
    of one text are equal up to rounding, which depends on the processor and on what shares its batch.
    """

    needs_features = False
    wants_centres = True
    layout: tuple[int, ...] = ()

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder

    @cached_property
    def version(self) -> str:
        """Changes with the weights; found without loading them."""
        if self.folder.parent.name == "snapshots" and _SNAPSHOT.fullmatch(self.folder.name):
            return self.folder.name[:16]
        return _digest(self.folder)

    @cached_property
    def dimension(self) -> int:
        """Of each vector; loads the model."""
        size = self._model.get_embedding_dimension()
        if not size:
            raise UsageError(f"The model '{self.name}' does not say how long its vectors are.", "Choose another model.")
        return int(size)

    @cached_property
    def _model(self) -> Any:
        from sentence_transformers import SentenceTransformer

        try:
            return SentenceTransformer(str(self.folder), local_files_only=True, trust_remote_code=False)
        except Exception as error:
            raise UsageError(
                f"The model in '{self.folder}' cannot be loaded: {_first_line(error)}",
                "Check that the folder is a whole sentence-transformers model, or choose another one.",
            ) from error

    def embed(self, snippets: Sequence[Snippet]) -> Vectors:
        """See `Embedder.embed`; reads `code` only. Batches hold texts of like length, so that little is padding."""
        import numpy as np

        vectors = np.zeros((len(snippets), self.dimension), dtype=np.float32)
        limit = _CHARACTERS_PER_TOKEN * int(self._model.max_seq_length or 512)
        texts = [snippet.code[:limit] for snippet in snippets]
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]), reverse=True)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            vectors[batch] = self._model.encode(
                [texts[index] for index in batch], batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True
            )
        lengths = np.linalg.norm(vectors, axis=1)
        unusable = ~np.isfinite(lengths) | (lengths == 0)
        vectors[unusable] = np.eye(1, self.dimension, dtype=np.float32)
        lengths[unusable] = 1.0
        unit: Vectors = vectors / lengths[:, None]
        return unit


def _folder(model: str) -> Path:
    path = Path(model).expanduser()
    if path.is_dir():
        if not any((path / file).is_file() for file in ("modules.json", "config.json")):
            raise UsageError(
                f"The folder '{model}' holds no sentence-transformers model.",
                "It must contain modules.json or config.json, as SentenceTransformer.save() writes them.",
            )
        return path.resolve()
    if not _HUB_NAME.fullmatch(model):
        raise UsageError(
            f"There is no model folder '{model}'.",
            "Give 'hybrid', an existing folder, or the name of a sentence-transformers model.",
        )
    return _hub_snapshot(model if "/" in model else f"sentence-transformers/{model}")


def _hub_snapshot(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))  # nosec B615 - what is there
    except LocalEntryNotFoundError:
        pass
    try:
        return Path(snapshot_download(name, ignore_patterns=list(_OTHER_RUNTIMES)))  # nosec B615 - as the user named it
    except RepositoryNotFoundError as error:
        raise UsageError(
            f"The model hub has no public model '{name}'.",
            "Give 'hybrid', a local folder, or the full name of a sentence-transformers model.",
        ) from error
    except Exception as error:
        raise UsageError(
            f"The model '{name}' is not on this machine and could not be downloaded: {_first_line(error)}",
            "Check the name and the network, give a local folder, or use the model 'hybrid'.",
        ) from error


def _digest(folder: Path) -> str:
    """Of the names and contents of all files that decide what the vectors are; a hundred megabytes take 0.1 s."""
    files = sorted({file for pattern in _MODEL_FILES for file in folder.rglob(pattern) if file.is_file()})
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        total.update(f"{file.relative_to(folder).as_posix()} {content}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()[:16]


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
