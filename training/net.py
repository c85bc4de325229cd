"""The student as a net of torch, and its weights as whole numbers for agentforge/embed/student.py.

A table of sub-token vectors, to which that of the place is added for the first ones, two blocks (a convolution over
three sub-tokens, ReLU, a square layer, added to what came in) with the mean of the function added between them, a
weighted mean and a maximum over the function, one layer to the vector. What a sub-token weighs in a mean, its row of
the table says and what flows there: one number in the first mean, in the last one a number for each part of the
components. All that flows is held between -1 and 1, so that steps of 1/127 do for it, and training rounds to these
steps as inference does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import nn

WIDTH = 192
KERNEL = 3
OUTPUT = 128
SHIPPED = 88  # of its components: training compares the first ones alone, too, so that they do without the rest
STEPS = 127.0
SIDE = KERNEL // 2
PLACES = 32  # from the beginning, where the name of a function stands
PARTS = 4  # of the components, each with weights of its own in the last mean
# How common a sub-token is when it counts half in the mean.
HALF = 0.02


class Held(torch.autograd.Function):
    """Held between a least value and 1, in steps of 1/127, zero where `inside` is; the gradient as if not rounded."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor, least: float, inside: torch.Tensor | None) -> torch.Tensor:
        """Whole multiples of 1/127."""
        found = x.clamp(least, 1)
        passed = found == x
        found.mul_(STEPS).round_().div_(STEPS)
        if inside is not None:
            found.mul_(inside)
            passed.logical_and_(inside.bool())
        context.save_for_backward(passed)
        return found

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """None outside of the range."""
        (passed,) = context.saved_tensors
        return gradients[0] * passed, None, None


def held(x: torch.Tensor, least: float = -1.0, inside: torch.Tensor | None = None) -> torch.Tensor:
    """See `Held`."""
    return Held.apply(x, least, inside)


def rounded(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """To whole multiples of `scale`, with the gradient of no rounding."""
    return x + (torch.round(x / scale) * scale - x).detach()


def step_of(name: str, weight: torch.Tensor) -> torch.Tensor:
    """The step of a layer's weights, so that the largest is 127: one a row, for the last layer one for all."""
    scale = weight.detach().abs().amax(1, keepdim=True).clamp_min(1e-8) / STEPS
    return scale.amax().expand_as(scale) if name == "out" else scale


class Rounded(nn.Linear):
    """A layer whose weights are whole multiples of a step."""

    def __init__(self, name: str, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.name = name

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As `nn.Linear`."""
        step = step_of(self.name, self.weight)
        return functional.linear(x, rounded(self.weight, step), rounded(self.bias, step[:, 0] / STEPS))


class Block(nn.Module):
    """Convolution, ReLU, square layer, added to what came in."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = Rounded("wide", WIDTH * KERNEL, WIDTH)
        self.back = Rounded("back", WIDTH, WIDTH)
        with torch.no_grad():
            self.back.weight *= 0.3

    def forward(self, x: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
        """`x` is (sub-tokens, width), zero where `inside` is."""
        room = functional.pad(x, (0, 0, SIDE, SIDE))
        windows = torch.cat([room[shift : shift + len(x)] for shift in range(KERNEL)], dim=1)
        return held(x + self.back(held(self.wide(windows), 0.0)), inside=inside)


class Student(nn.Module):
    """Rows of the vocabulary in, vectors (not of length 1) out."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.table = nn.Embedding(size, WIDTH, padding_idx=0)
        self.share = nn.Embedding(size, 1)
        self.place = nn.Embedding(PLACES + 1, WIDTH, padding_idx=PLACES)
        self.first, self.second = Block(), Block()
        self.early, self.late = Rounded("early", WIDTH, 1), Rounded("late", WIDTH, PARTS)
        self.around = Rounded("around", WIDTH, WIDTH)
        self.out = Rounded("out", 2 * WIDTH, OUTPUT)

    @torch.no_grad()
    def begin(self, words: np.ndarray, common: np.ndarray, axes: np.ndarray) -> None:
        """Begin as a mean of the teacher's vectors of sub-tokens, rare ones counting more.

        Args:
            words: the teacher's vectors of the vocabulary.
            common: the share of functions that each row of the table is in.
            axes: of the teacher's space, those of the vectors to be learned.
        """
        centred = words - words.mean(0)
        _, own = np.linalg.eigh(centred.T @ centred)
        own = own[:, : -WIDTH - 1 : -1]
        self.table.weight.normal_(0, 0.1)
        self.table.weight[1 : 1 + len(words)] = torch.tensor(centred @ own, dtype=torch.float32) * 2
        self.table.weight[0] = 0
        self.place.weight.zero_()
        for gate in (self.early, self.late):
            gate.weight.zero_()
            gate.bias.zero_()
        self.share.weight[:, 0] = torch.tensor(HALF / (HALF + common), dtype=torch.float32)
        self.around.weight *= 0.3
        self.out.weight *= 0.3
        self.out.weight[:, :WIDTH] += torch.tensor((own.T @ axes).T, dtype=torch.float32) / 2

    def forward(self, pieces: list[list[int]]) -> torch.Tensor:
        """All pieces in a row, with room between them for the windows of the convolution."""
        gap = [0] * SIDE
        ids = torch.tensor([row for piece in pieces for row in (*piece, *gap)])
        sizes = torch.tensor([len(piece) + SIDE for piece in pieces])
        owner = torch.repeat_interleave(torch.arange(len(pieces)), sizes)
        inside = (ids != 0).float()[:, None]
        starts = torch.cumsum(sizes, 0) - sizes
        places = (torch.arange(len(ids)) - torch.repeat_interleave(starts, sizes)).clamp_max(PLACES)

        def mean(x: torch.Tensor, gate: Rounded) -> torch.Tensor:
            share = held(self.share(ids) + gate(x), 0.0, inside) + inside / STEPS
            zeros = x.new_zeros(len(pieces), x.shape[1])
            total = zeros[:, : share.shape[1]].index_add(0, owner, share)
            parts = x.unflatten(1, (share.shape[1], -1)) * share[..., None]
            whole = zeros.index_add(0, owner, parts.flatten(1)).unflatten(1, (share.shape[1], -1))
            return held((whole / total[..., None] * 2).flatten(1))

        x = self.first(held(self.table(ids) + self.place(places), inside=inside), inside)
        around = self.around(mean(x, self.early))
        x = held(x + around.index_select(0, owner), inside=inside)
        x = self.second(x, inside)
        most = torch.segment_reduce(x - (1 - inside) * 2, "max", lengths=sizes, axis=0)
        return self.out(torch.cat([mean(x, self.late), most], 1))


def export(weights: dict[str, torch.Tensor], words: list[str], path: Path) -> None:
    """Whole numbers, as agentforge/embed/student.py wants them."""
    found: dict[str, np.ndarray] = {}
    table = torch.round(weights["table.weight"].clamp(-1, 1) * STEPS)
    table[0] = 0
    found["table"] = table.to(torch.int8).numpy()
    found["place"] = torch.round(weights["place.weight"].clamp(-1, 1) * STEPS).to(torch.int8).numpy()
    share = torch.round(weights["share.weight"][:, 0].clamp(0, 1) * STEPS) + 1
    found["share"] = share.to(torch.uint8).numpy()
    for name in ("first.wide", "first.back", "second.wide", "second.back", "early", "late", "around", "out"):
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        step = step_of(name, weight)
        if name == "out":
            weight, bias, step = weight[:SHIPPED], bias[:SHIPPED], step[:SHIPPED]
        whole = torch.round(bias / step[:, 0] * STEPS)
        # What is added up has to stay below 2^24, where float32 holds every whole number.
        assert weight.shape[1] * STEPS**2 + whole.abs().max() < 2**24
        found[f"{name}.weight"] = torch.round(weight / step).to(torch.int8).numpy()
        found[f"{name}.bias"] = whole.to(torch.int32).numpy()
        found[f"{name}.step"] = step[:, 0].to(torch.float64).numpy()
    found["words"] = np.frombuffer("\n".join(words).encode(), dtype=np.uint8)
    np.savez_compressed(path, allow_pickle=False, **found)
