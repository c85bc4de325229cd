"""The student in numpy, exact: the same vectors on every platform, in every run, whatever shares a batch.

    python training/infer.py WEIGHTS --speed FOLDER

All that is added up are whole numbers below 2^24 held as float32 (640 products of 127 * 127 at most), which no order of
additions changes, so BLAS may add as it likes; what is not whole is only multiplied and rounded, one element at a time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import subtokens

STEPS = 127
TOKENS_AT_ONCE = 4096


class NumpyStudent:
    """The net of training/student.py with the weights that it wrote."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as stored:
            found = {name: stored[name] for name in stored.files}
        self.vocabulary = subtokens.Vocabulary(found["words"].tobytes().decode().split("\n"))
        self._table = found["table"].astype(np.float32)
        self._share = found["share"].astype(np.float64)
        self._layers = {
            name.removesuffix(".weight"): (
                np.ascontiguousarray(found[name].T.astype(np.float32)),
                found[name.removesuffix("weight") + "bias"].astype(np.float32),
                found[name.removesuffix("weight") + "step"],
            )
            for name in found
            if name.endswith(".weight")
        }
        self.width = self._table.shape[1]
        self.kernel = len(self._layers["first.wide"][0]) // self.width
        self.dimension = len(self._layers["out"][1])

    def embed(self, functions: Sequence[tuple[str, str]]) -> np.ndarray:
        """Vectors of length 1 of (code, language)."""
        rows = [self.vocabulary.rows(code, language) or [0] for code, language in functions]
        vectors = np.empty((len(rows), self.dimension), np.float32)
        start = 0
        while start < len(rows):
            end, tokens = start, 0
            while end < len(rows) and (end == start or tokens + len(rows[end]) <= TOKENS_AT_ONCE):
                tokens += len(rows[end])
                end += 1
            vectors[start:end] = self._embed(rows[start:end])
            start = end
        return vectors

    def _embed(self, rows: list[list[int]]) -> np.ndarray:
        """One batch: all functions in a row, with room between them for the windows of the convolution."""
        side = self.kernel // 2
        gap = [0] * side
        ids = np.array(gap + [row for function in rows for row in (*function, *gap)])
        sizes = np.array([len(function) for function in rows])
        starts = side + np.concatenate([[0], np.cumsum(sizes[:-1] + side)])
        bounds = np.stack([starts, starts + sizes], 1).ravel()
        inside = np.zeros((len(ids), 1), np.float32)
        for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
            inside[start : start + size] = 1
        share = self._share[ids][:, None]
        x = self._block("first", self._table[ids] * inside, inside)
        around = self._scaled("around", self._mean(x, share, bounds))
        x = x.astype(np.float64)
        x[side:] += np.repeat(around, sizes + side, axis=0)
        x = rounded(x) * inside
        x = self._block("second", x, inside)
        most = np.maximum.reduceat(x, bounds, axis=0)[::2]
        total = self._whole("out", np.hstack([self._mean(x, share, bounds), most]))[0].astype(np.float64)
        lengths = np.sqrt(np.square(total).sum(axis=1))
        vectors: np.ndarray = total / np.where(lengths == 0, 1, lengths)[:, None]
        return vectors

    def _whole(self, name: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The sums of a layer as whole numbers, and the step of each."""
        weight, bias, step = self._layers[name]
        return x @ weight + bias, step

    def _scaled(self, name: str, x: np.ndarray) -> np.ndarray:
        """The sums of a layer in steps of what flows, not rounded."""
        sums, step = self._whole(name, x)
        return sums * step

    def _block(self, name: str, x: np.ndarray, inside: np.ndarray) -> np.ndarray:
        side = self.kernel // 2
        room = np.zeros((len(x) + 2 * side, self.width), np.float32)
        room[side:-side] = x
        windows = np.lib.stride_tricks.sliding_window_view(room, self.kernel, axis=0).transpose(0, 2, 1)
        hidden = np.clip(np.rint(self._scaled(f"{name}.wide", windows.reshape(len(x), -1))), 0, STEPS)
        return rounded(x + self._scaled(f"{name}.back", hidden.astype(np.float32))) * inside

    def _mean(self, x: np.ndarray, share: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        total = np.add.reduceat(x * share, bounds, axis=0)[::2]
        return rounded(total / np.add.reduceat(share, bounds, axis=0)[::2] * 2)


def rounded(x: np.ndarray) -> np.ndarray:
    """To whole numbers from -127 to 127."""
    return np.clip(np.rint(x), -STEPS, STEPS).astype(np.float32)


def main() -> None:
    """Print functions a CPU second, tokens and all, on the harvested functions of a folder."""
    import pickle

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--speed", type=Path, required=True, help="a pickle that training/harvest.py wrote")
    arguments = parser.parse_args()
    rows = pickle.loads(arguments.speed.read_bytes())
    student = NumpyStudent(arguments.weights)
    functions = [(row[6], row[2]) for row in rows]
    tokens = np.mean([len(student.vocabulary.rows(*item)) for item in functions])
    for _ in range(3):
        started = time.process_time()
        for item in functions:
            student.vocabulary.rows(*item)
        middle = time.process_time()
        student.embed(functions)
        ended = time.process_time()
        read, both = middle - started, ended - middle
        print(
            f"{len(functions)} functions, {tokens:.0f} sub-tokens each: "
            f"{len(functions) / both:,.0f} a CPU second, of which sub-tokens {len(functions) / read:,.0f}"
        )


if __name__ == "__main__":
    main()
