"""The student in numpy, exact: the same vectors on every platform, in every run, whatever shares a batch.

All that is added up are whole numbers below 2^24 held as float32 (640 products of 127 * 127 at most), which no order of
additions changes, so BLAS may add as it likes; what is not whole is only multiplied and rounded, one element at a time.
training/README.md has its model card; training/student.py writes the weights.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agentforge.embed.packaged import Made, content, intact, unpacked
from agentforge.embed.subtokens import Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.embed.meaning import Piece

    Array = NDArray[Any]

WEIGHTS = Path(__file__).with_name("student.npz")
_REMEDY = "Install agentforge again, or use --model fast, which needs none."
_STEPS = 127
_TOKENS_AT_ONCE = 4096


class Student:
    """A small contextual net over sub-tokens, taught by all-MiniLM-L6-v2: two convolutions, the mean between them.

    Its vectors need no centring: it was taught vectors from which the mean of their language had been taken away.
    """

    name = "student"

    def __init__(self, path: Path = WEIGHTS) -> None:
        """Read nothing yet."""
        self._path = path

    @cached_property
    def version(self) -> str:
        """The checksum of the weights."""
        return f"{zlib.crc32(self._bytes()):08x}"

    @cached_property
    def dimension(self) -> int:
        """Of each vector. A command that embeds nothing asks for it, too: of the weights one array is read."""
        return self._read(lambda stored: len(stored["out.bias"]))

    @property
    def vocabulary(self) -> Vocabulary:
        """What it reads."""
        return self._net.vocabulary

    def vectors(self, pieces: Sequence[Piece]) -> NDArray[np.float32]:
        """See `Meaning.vectors`."""
        net = self._net
        rows = [net.vocabulary.rows(code, language or "") for code, language in pieces]
        vectors = np.zeros((len(rows), self.dimension), np.float32)
        batch: list[int] = []
        tokens = 0
        for index, function in enumerate(rows):
            if batch and tokens + len(function) > _TOKENS_AT_ONCE:
                vectors[batch] = net.vectors([rows[item] for item in batch])
                batch, tokens = [], 0
            if function:
                batch.append(index)
                tokens += len(function)
        if batch:
            vectors[batch] = net.vectors([rows[item] for item in batch])
        return vectors

    @cached_property
    def _net(self) -> _Net:
        return self._read(lambda stored: _Net({name: stored[name] for name in stored}))

    def _read(self, make: Callable[[Mapping[str, Array]], Made]) -> Made:
        with intact(f"The weights of the embedder in {self._path} are", _REMEDY):
            return unpacked(self._bytes(), make)

    def _bytes(self) -> bytes:
        return content(self._path, "The weights of the embedder are", _REMEDY)


class _Net:
    """The weights, and what is done with them."""

    def __init__(self, found: dict[str, Array]) -> None:
        self.vocabulary = Vocabulary(found["words"].tobytes().decode().split("\n"))
        self._table = found["table"]
        self._place = found["place"]
        self._share = found["share"].astype(np.float64)
        if len(self._share) != len(self._table):
            raise ValueError("the table has not as many rows as there are shares")
        self._layers = {
            name.removesuffix(".weight"): (
                np.ascontiguousarray(found[name].T.astype(np.float32)),
                found[name.removesuffix("weight") + "bias"].astype(np.float32),
                found[name.removesuffix("weight") + "step"],
            )
            for name in found
            if name.endswith(".weight")
        }
        self._width = self._table.shape[1]
        self._kernel = len(self._layers["first.wide"][0]) // self._width

    def vectors(self, rows: list[list[int]]) -> Array:
        """One batch: all functions in a row, with room between them for the windows of the convolution.

        Args:
            rows: of the table, at least one for each function.
        """
        side = self._kernel // 2
        gap = [0] * side
        ids = np.array(gap + [row for function in rows for row in (*function, *gap)])
        sizes = np.array([len(function) for function in rows])
        starts = side + np.concatenate([[0], np.cumsum(sizes[:-1] + side)])
        bounds = np.stack([starts, starts + sizes], 1).ravel()
        inside = np.zeros((len(ids), 1), np.float32)
        for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
            inside[start : start + size] = 1
        places = np.concatenate([np.arange(-side, 0), *(np.arange(size + side) for size in sizes)])
        seen = self._table[ids].astype(np.float32) + self._place[np.minimum(places, len(self._place) - 1)]
        x = self._block("first", _rounded(seen) * inside, inside)
        around = self._scaled("around", self._mean("early", x, ids, bounds))
        x = x.astype(np.float64)
        x[side:] += np.repeat(around, sizes + side, axis=0)
        x = _rounded(x) * inside
        x = self._block("second", x, inside)
        most = np.maximum.reduceat(x, bounds, axis=0)[::2]
        total = self._whole("out", np.hstack([self._mean("late", x, ids, bounds), most]))[0].astype(np.float64)
        lengths = np.sqrt(np.square(total).sum(axis=1))
        return total / np.where(lengths == 0, 1, lengths)[:, None]

    def _whole(self, name: str, x: Array) -> tuple[Array, Array]:
        """The sums of a layer as whole numbers, and the step of each."""
        weight, bias, step = self._layers[name]
        return x @ weight + bias, step

    def _scaled(self, name: str, x: Array) -> Array:
        """The sums of a layer in steps of what flows, not rounded."""
        sums, step = self._whole(name, x)
        scaled: Array = sums * step
        return scaled

    def _block(self, name: str, x: Array, inside: Array) -> Array:
        side = self._kernel // 2
        room = np.zeros((len(x) + 2 * side, self._width), np.float32)
        room[side:-side] = x
        windows = np.lib.stride_tricks.sliding_window_view(room, self._kernel, axis=0).transpose(0, 2, 1)
        hidden = np.clip(np.rint(self._scaled(f"{name}.wide", windows.reshape(len(x), -1))), 0, _STEPS)
        block: Array = _rounded(x + self._scaled(f"{name}.back", hidden.astype(np.float32))) * inside
        return block

    def _mean(self, gate: str, x: Array, ids: Array, bounds: Array) -> Array:
        """The mean of each function, sub-tokens weighing what the table says and what flows; 1 to 128."""
        share = np.clip(np.rint(self._share[ids][:, None] - 1 + self._scaled(gate, x)), 0, _STEPS) + 1
        share = share.astype(np.float32)  # whole numbers, so are all that is added up here
        parts = x.reshape(len(x), share.shape[1], -1) * share[:, :, None]
        total = np.add.reduceat(parts, bounds, axis=0)[::2].astype(np.float64)
        whole = np.add.reduceat(share, bounds, axis=0)[::2, :, None]
        return _rounded(total / whole * 2).reshape(len(total), -1)


def _rounded(x: Array) -> Array:
    """To whole numbers from -127 to 127."""
    whole: Array = np.clip(np.rint(x), -_STEPS, _STEPS).astype(np.float32)
    return whole
