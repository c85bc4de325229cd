"""Train the student on what training/teacher.py wrote, and write its weights as whole numbers.

    python training/student.py WORK [--steps 4000]

Reads WORK/sample.pickle, vocabulary.txt, words.npy, phrases.npz and teacher.npy; writes WORK/student.npz. Needs torch.

The net: a table of sub-token vectors, two blocks (a convolution over five sub-tokens, ReLU, a square layer, added to
what came in) with the mean of the function added between them, a weighted mean and a maximum over the function, one
layer to the vector. All that flows is held between -1 and 1, so that steps of 1/127 do for it, and training rounds to
these steps as inference does (agentforge/embed/student.py).

The loss, each on a batch of functions: the cosine to the teacher's vector, its mean over the language subtracted and
cut to its principal axes, (1) of the function and (2) of a text that tells what it does (its name in words, the first
sentence of its docstring); InfoNCE (3) between a function and itself with names replaced, spans dropped, and (4)
between a function whose own name is masked and that text, which is much the same in any language.
"""

from __future__ import annotations

import argparse
import pickle
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import teacher
import torch
import torch.nn.functional as functional
from torch import nn

from agentforge.embed import subtokens

WIDTH = 128
KERNEL = 5
OUTPUT = 128
BATCH = 96
TEMPERATURE = 0.06
STEPS = 127.0
SEED = 5
# Of the four losses, in the order of the docstring.
WEIGHTS = (3.0, 1.5, 1.0, 0.5)


class Held(torch.autograd.Function):
    """Held between a least value and 1, in steps of 1/127; the gradient is that of no rounding."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor, least: float) -> torch.Tensor:
        """Whole multiples of 1/127."""
        context.save_for_backward((x >= least) & (x <= 1))
        return x.clamp(least, 1).mul_(STEPS).round_().div_(STEPS)

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        """None outside of the range."""
        (inside,) = context.saved_tensors
        return gradients[0] * inside, None


def held(x: torch.Tensor, least: float = -1.0) -> torch.Tensor:
    """See `Held`."""
    return Held.apply(x, least)


def rounded(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """To whole multiples of `scale`, with the gradient of no rounding."""
    return x + (torch.round(x / scale) * scale - x).detach()


def weight_scale(weight: torch.Tensor) -> torch.Tensor:
    """The step of a row of weights, so that the largest is 127."""
    return weight.detach().abs().amax(1, keepdim=True).clamp_min(1e-8) / STEPS


class Rounded(nn.Linear):
    """A layer whose weights are whole multiples of a step: one a row, or one for all."""

    one_step = False

    def step(self) -> torch.Tensor:
        """Of each row."""
        scale = weight_scale(self.weight)
        return scale.amax().expand_as(scale) if self.one_step else scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As `nn.Linear`."""
        step = self.step()
        bias = rounded(self.bias, step[:, 0] / STEPS)
        return functional.linear(x, rounded(self.weight, step), bias)


class Block(nn.Module):
    """Convolution, ReLU, square layer, added to what came in."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = Rounded(WIDTH * KERNEL, WIDTH)
        self.back = Rounded(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """`x` is (batch, tokens, width), zero where `mask` is."""
        side = KERNEL // 2
        room = functional.pad(x, (0, 0, side, side))
        windows = torch.cat([room[:, shift : shift + x.shape[1]] for shift in range(KERNEL)], dim=2)
        return held(x + self.back(held(self.wide(windows), 0.0))) * mask


class Student(nn.Module):
    """Rows of the vocabulary in, vectors (not of length 1) out."""

    def __init__(self, table: torch.Tensor) -> None:
        super().__init__()
        self.table = nn.Embedding.from_pretrained(table, freeze=False, padding_idx=0)
        self.share = nn.Embedding(len(table), 1)
        nn.init.constant_(self.share.weight, 1.0)
        self.first, self.second = Block(), Block()
        self.around = Rounded(WIDTH, WIDTH)
        self.out = Rounded(2 * WIDTH, OUTPUT)
        self.out.one_step = True

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """`ids` is (batch, tokens), 0 is padding."""
        mask = (ids != 0).float()[..., None]
        share = held(self.share(ids), 0.0) * mask + mask / STEPS
        total = share.sum(1)
        x = self.first(held(self.table(ids)) * mask, mask)
        mean = held((x * share).sum(1) / total * 2)
        x = held(x + self.around(mean)[:, None]) * mask
        x = self.second(x, mask)
        mean = held((x * share).sum(1) / total * 2)
        most = (x - (1 - mask) * 2).amax(1)
        return self.out(torch.cat([mean, most], 1))


class Functions:
    """The functions as rows of the vocabulary, and what is done to them in training."""

    def __init__(self, rows: list[tuple[Any, ...]], vocabulary: subtokens.Vocabulary) -> None:
        self.rng = random.Random(SEED)
        self.size = vocabulary.size
        self.code: list[list[int]] = []
        self.owner: list[list[int]] = []
        for row in rows:
            words, owners = subtokens.units(row[6], row[2])
            numbers = {"": -1, row[3]: 0}
            self.owner.append([numbers.setdefault(owner, len(numbers)) for owner in owners])
            self.code.append([vocabulary.row(word) for word in words])
        self.phrases = teacher.phrases(rows)
        self._vocabulary = vocabulary

    def changed(self, index: int) -> list[int]:
        """Some of its names replaced, each by the same everywhere; one or two spans dropped."""
        rng = self.rng
        share = rng.choice((0.0, 0.3, 0.7, 1.0))
        others: dict[tuple[int, int], int] = {}
        replaced: dict[int, bool] = {-1: False}
        code = []
        for row, owner in zip(self.code[index], self.owner[index], strict=True):
            if owner not in replaced:
                replaced[owner] = rng.random() < share
            if replaced[owner]:
                row = others.setdefault((owner, row), 1 + int(self.size * rng.random() ** 2.5) % (self.size - 1))
            code.append(row)
        for _ in range(rng.randrange(3)):
            width = max(1, len(code) // 10)
            start = rng.randrange(len(code))
            if len(code) > 12:
                del code[start : start + width]
        return code

    def nameless(self, index: int) -> list[int]:
        """Without its own name."""
        pairs = zip(self.code[index], self.owner[index], strict=True)
        return [row for row, owner in pairs if owner != 0] or [1]

    def phrase(self, index: int) -> tuple[str, list[int]]:
        """One of the texts that tell what it does, and its rows."""
        text = self.rng.choice(self.phrases[index])
        return text, self._vocabulary.rows(text, "text") or [1]

    def padded(self, code: list[list[int]]) -> torch.Tensor:
        """As a tensor (batch, tokens)."""
        ids = torch.zeros(len(code), max(map(len, code)), dtype=torch.long)
        for row, item in enumerate(code):
            ids[row, : len(item)] = torch.tensor(item)
        return ids


@dataclass(frozen=True, slots=True)
class Goals:
    """The teacher's vectors: of functions (zero where it did not get to one), and of texts."""

    functions: torch.Tensor
    phrases: dict[str, torch.Tensor]


def targets(vectors: np.ndarray, languages: list[str], texts: list[str], told: np.ndarray) -> Goals:
    """Centred by language, text being one more, cut to the principal axes of both, length 1."""
    taught = vectors.any(axis=1)
    centred = np.zeros_like(vectors)
    for language in set(languages):
        here = np.array([item == language for item in languages]) & taught
        if here.any():
            centred[here] = vectors[here] - vectors[here].mean(0)
    told = told.astype(np.float32) - told.astype(np.float32).mean(0)
    spread = centred.T @ centred / taught.sum() + told.T @ told / len(told)
    _, axes = np.linalg.eigh(spread)
    axes = axes[:, : -OUTPUT - 1 : -1]
    held = np.trace(axes.T @ spread @ axes) / np.trace(spread)
    print(f"the axes hold {held:.3f} of the teacher's variance")
    goals, texts_of = (
        functional.normalize(torch.tensor(part @ axes, dtype=torch.float32), dim=1) for part in (centred, told)
    )
    return Goals(goals, dict(zip(texts, texts_of, strict=True)))


def first_table(words: np.ndarray, size: int) -> torch.Tensor:
    """The teacher's vectors of sub-tokens on their principal axes, small random ones for those that share a row."""
    generator = torch.Generator().manual_seed(SEED)
    table = torch.randn(size, WIDTH, generator=generator) * 0.1
    centred = words - words.mean(0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    table[1 : 1 + len(words)] = torch.tensor(centred @ axes[:, : -WIDTH - 1 : -1], dtype=torch.float32) * 2
    table[0] = 0
    return table


def contrast(one: torch.Tensor, other: torch.Tensor, same: torch.Tensor | None = None) -> torch.Tensor:
    """InfoNCE in both directions; pairs of `same` are no negatives."""
    scores = functional.normalize(one, dim=1) @ functional.normalize(other, dim=1).T / TEMPERATURE
    if same is not None:
        scores = scores.masked_fill(same & ~torch.eye(len(scores), dtype=torch.bool), -1e4)
    goal = torch.arange(len(scores))
    return (functional.cross_entropy(scores, goal) + functional.cross_entropy(scores.T, goal)) / 2


def losses(model: Student, data: Functions, batch: list[int], goals: Goals) -> tuple[torch.Tensor, ...]:
    """The four losses of a batch."""
    plain = model(data.padded([data.code[index] for index in batch]))
    changed = model(data.padded([data.changed(index) for index in batch]))
    wanted = goals.functions[batch]
    known = wanted.any(1)
    cosine = functional.cosine_similarity(plain[known], wanted[known]) if known.any() else torch.ones(1)
    named = batch[: len(batch) // 2]
    texts = [data.phrase(index) for index in named]
    same = torch.tensor([[one[0] == other[0] for other in texts] for one in texts])
    bare = model(data.padded([data.nameless(index) for index in named]))
    told = model(data.padded([rows for _, rows in texts]))
    heard = functional.cosine_similarity(told, torch.stack([goals.phrases[text] for text, _ in texts]))
    return 1 - cosine.mean(), 1 - heard.mean(), contrast(plain, changed), contrast(bare, told, same)


def train(model: Student, data: Functions, goals: Goals, steps: int) -> None:
    """So many steps, on batches of like length."""
    tables = [model.table.weight, model.share.weight]
    rest = [item for name, item in model.named_parameters() if not name.startswith(("table", "share"))]
    optimiser = torch.optim.Adam([{"params": tables, "lr": 4e-3}, {"params": rest, "lr": 2e-3}], betas=(0.9, 0.98))
    rates = [group["lr"] for group in optimiser.param_groups]
    order = sorted(range(len(data.code)), key=lambda index: len(data.code[index]))
    started, seen = time.process_time(), np.zeros(4)
    for step in range(1, steps + 1):
        middle = data.rng.randrange(len(order))
        near = order[max(0, middle - 1500) : middle + 1500]
        batch = data.rng.sample(near, BATCH)
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * min(1, step / 50) * max(0.02, 1 - step / steps)
        parts = losses(model, data, batch, goals)
        optimiser.zero_grad()
        sum(weight * part for weight, part in zip(WEIGHTS, parts, strict=True)).backward()
        optimiser.step()
        seen += [part.item() for part in parts]
        if step % 25 == 0:
            spent = time.process_time() - started
            print(
                f"step {step}, {spent:.0f} CPU s: teacher of code, of text, changed, told",
                (seen / 25).round(3),
                flush=True,
            )
            seen[:] = 0


def export(model: Student, words: list[str], path: Path) -> None:
    """Whole numbers, as agentforge/embed/student.py wants them."""
    found: dict[str, np.ndarray] = {}
    with torch.no_grad():
        table = torch.round(model.table.weight.clamp(-1, 1) * STEPS)
        table[0] = 0
        found["table"] = table.to(torch.int8).numpy()
        share = torch.round(model.share.weight[:, 0].clamp(0, 1) * STEPS) + 1
        found["share"] = share.to(torch.uint8).numpy()
        for name, layer in model.named_modules():
            if isinstance(layer, Rounded):
                step = layer.step()
                found[f"{name}.weight"] = torch.round(layer.weight / step).to(torch.int8).numpy()
                found[f"{name}.bias"] = torch.round(layer.bias / step[:, 0] * STEPS).to(torch.int32).numpy()
                found[f"{name}.step"] = step[:, 0].to(torch.float64).numpy()
    found["words"] = np.frombuffer("\n".join(words).encode(), dtype=np.uint8)
    np.savez_compressed(path, allow_pickle=False, **found)


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--steps", type=int, default=4000)
    arguments = parser.parse_args()
    work = arguments.work
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    rows = pickle.loads((work / "sample.pickle").read_bytes())
    words = (work / "vocabulary.txt").read_text("utf-8").splitlines()
    vocabulary = subtokens.Vocabulary(words)
    data = Functions(rows, vocabulary)
    vectors = np.zeros((len(rows), 384), np.float32)
    taught = np.load(work / "teacher.npy")
    vectors[: len(taught)] = taught
    told = np.load(work / "phrases.npz")
    goals = targets(vectors, [row[2] for row in rows], told["texts"].tolist(), told["vectors"])
    print(len(rows), "functions,", int(goals.functions.any(1).sum()), "of them taught", flush=True)
    model = Student(first_table(np.load(work / "words.npy"), vocabulary.size))
    train(model, data, goals, arguments.steps)
    export(model, words, work / "student.npz")


if __name__ == "__main__":
    main()
