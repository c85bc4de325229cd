"""Learn the tables by which words and structure are projected.

    python training/projection.py WORK

Reads WORK/sample.pickle and pairs.pickle (training/sample.py) and writes WORK/features.pickle and WORK/projection.npz
(agentforge/embed/projection.py reads it). Needs torch.

A function is the sum of the rows of its features by (1 + ln count) * idf. Rows begin by chance, so that cosines are
nearly those of the features (Johnson and Lindenstrauss 1984), and learn what to keep of them. The losses, each on a
batch of functions, a few packages at a time, so that what is told apart is of one project:

- *same*: InfoNCE between a function and itself with features left out, or, where there is one, the same function of
  another version, in another language or by another author;
- *exact*: the divergence of the cosines in the batch from those of the features as they are, both as softmax;
- *told*, words only: InfoNCE between a function and what is written about it, its own name masked in half of them.

Of the tables that are written, the axes are turned to the principal ones: the first components tell most.
"""

from __future__ import annotations

import argparse
import pickle
import random
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import sample
import torch
import torch.nn.functional as functional
from torch import nn

from agentforge import parse
from agentforge.embed import features, projection
from agentforge.embed.fast import FastEmbedder
from agentforge.embed.snippets import snippet_from_code

GROUPS, GROUP = 6, 64
TEMPERATURE = 0.07
RATE, WARM = 2e-3, 50
AVERAGED = 0.995
DROPPED = 0.3  # at most, of the features of what is compared; half of it of what it is compared with
NOISE = 0.1  # deviation of the logarithm of a weight
SEED = 1
# How many values of a table's entries its largest whole number stands for.
DEVIATIONS = 4.5


@dataclass(frozen=True, slots=True)
class Kind:
    """A channel: its place among those of a function, the size of its table, and how many steps it learns."""

    name: str
    channel: int
    own: int
    shared: int
    components: int
    steps: int


WORDS = Kind("words", 0, 8192, 4096, 128, 2000)
STRUCTURE = Kind("structure", 1, 8192, 2048, 64, 1200)


@dataclass(frozen=True, slots=True)
class Bags:
    """The features of many functions as rows of a table, one function after the other.

    Attributes:
        rows, weights: of each feature; the weights of a function have length 1.
        starts: where each function begins, and the end.
    """

    rows: np.ndarray
    weights: np.ndarray
    starts: np.ndarray

    def of(self, places: list[int]) -> Bags:
        """Some of them."""
        sizes = self.starts[1:][places] - self.starts[places]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        index = np.arange(starts[-1]) + np.repeat(self.starts[places] - starts[:-1], sizes)
        return Bags(self.rows[index], self.weights[index], starts)

    def owner(self) -> np.ndarray:
        """The function of each feature."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def noisy(self, rng: np.random.Generator, dropped: float, masked: list[np.ndarray] | None = None) -> Bags:
        """With features left out by chance, those of `masked` always, and other weights."""
        owner = self.owner()
        kept = rng.random(len(self.rows)) >= rng.random(len(self.starts) - 1)[owner] * dropped
        for function, rows in enumerate(masked or ()):
            part = slice(self.starts[function], self.starts[function + 1])
            kept[part] &= ~np.isin(self.rows[part], rows)
        noise = np.exp(NOISE * rng.standard_normal(len(self.rows)))
        return Bags(self.rows, np.where(kept, self.weights * noise, 0), self.starts)

    def cosines(self, others: Bags) -> torch.Tensor:
        """Of these with others, by their features."""
        used, place = np.unique(np.concatenate([self.rows, others.rows]), return_inverse=True)
        mine, theirs = np.split(place, [len(self.rows)])
        shape = len(used), len(others.starts) - 1
        places = theirs * shape[1] + others.owner()
        dense = np.bincount(places, weights=others.weights, minlength=shape[0] * shape[1]).reshape(shape)
        one = torch.sparse_coo_tensor(
            np.stack([self.owner(), mine]), self.weights, (len(self.starts) - 1, len(used)), check_invariants=False
        )
        lengths = np.outer(self.lengths(), others.lengths())
        return (torch.sparse.mm(one, torch.from_numpy(dense)) / torch.from_numpy(lengths)).float()

    def lengths(self) -> np.ndarray:
        """Of each function, never 0."""
        sums = np.bincount(self.owner(), weights=self.weights**2, minlength=len(self.starts) - 1)
        return np.maximum(np.sqrt(sums), 1e-9)


def bags(packed: list[bytes], kind: Kind, rows: projection.Rows) -> Bags:
    """The features of a channel, weighted as they are afterwards."""
    ids, counts, function = features.unpack(packed)[kind.channel]
    row, sign = rows.of(ids)
    weights = projection.weights(ids, counts, FastEmbedder().idf[kind.channel]) * sign
    found = Bags(row, weights, np.concatenate([[0], np.cumsum(np.bincount(function, minlength=len(packed)))]))
    return Bags(row, weights / found.lengths()[function], found.starts)


def common(packed: list[bytes], kind: Kind) -> np.ndarray:
    """The buckets of the features that most functions have."""
    ids = features.unpack(packed)[kind.channel][0]
    counts = np.bincount(projection.bucket(ids), minlength=projection.BUCKETS)
    return np.argsort(-counts, kind="stable")[: kind.own].astype(np.uint16)


class Batches:
    """Which functions share a batch, and what each is compared with."""

    def __init__(self, rows: list[sample.Row], pairs: dict[int, list[int]]) -> None:
        self.rng = random.Random(SEED)
        self.names = np.array([row[3] for row in rows])
        self._pairs = pairs
        groups: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for place, row in enumerate(rows):
            groups[row[2]][row[0]].append(place)
        self._groups = [list(packages.values()) for packages in groups.values()]
        self._shares = [sum(map(len, packages)) ** 0.5 for packages in self._groups]

    def one(self) -> list[int]:
        """Places of functions, each group of one package and language where it has so many."""
        found = []
        for packages in self.rng.choices(self._groups, self._shares, k=GROUPS):
            here: set[int] = set()
            for _ in range(8):
                (package,) = self.rng.choices(packages, [len(it) ** 0.7 for it in packages])
                here |= set(self.rng.sample(package, min(GROUP - len(here), len(package))))
                if len(here) == GROUP:
                    break
            found += sorted(here)
        return list(dict.fromkeys(found))

    def other(self, place: int) -> int:
        """Another one that does the same, or itself."""
        others = self._pairs.get(place)
        return self.rng.choice(others) if others and self.rng.random() < 0.7 else place


class Sum(nn.Module):
    """The rows of the features, summed up, of length 1."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        size = kind.own + kind.shared, kind.components
        self.table = nn.EmbeddingBag.from_pretrained(torch.randn(size) / kind.components**0.5, freeze=False, mode="sum")

    def forward(self, some: Bags) -> torch.Tensor:
        """Shape (functions, components)."""
        parts = torch.from_numpy(some.rows), torch.from_numpy(some.starts[:-1])
        return functional.normalize(self.table(*parts, torch.from_numpy(some.weights).float()), dim=1)


def cross(scores: torch.Tensor, not_counted: torch.Tensor) -> torch.Tensor:
    """InfoNCE of rows of cosines whose right answers are on the diagonal."""
    return functional.cross_entropy((scores / TEMPERATURE).masked_fill(not_counted, -1e4), torch.arange(len(scores)))


class Data:
    """All that a channel learns from."""

    def __init__(
        self, kind: Kind, packed: list[bytes], told: list[bytes], named: list[bytes], batches: Batches
    ) -> None:
        self.kind, self.batches = kind, batches
        self.own = common(packed, kind)
        rows = projection.Rows(self.own, kind.shared)
        self.code, self.told = (bags(part, kind, rows) for part in (packed, told))
        names = bags(named, kind, rows)
        self.names = [names.rows[start:end] for start, end in pairwise(names.starts)]
        self.rng = np.random.default_rng(SEED)

    def losses(self, model: Sum) -> dict[str, torch.Tensor]:
        """The losses of one batch."""
        places = self.batches.one()
        words = self.kind is WORDS
        nothing = self.names[0][:0]
        hidden = [self.names[place] if words and self.rng.random() < 0.5 else nothing for place in places]
        here = self.code.of(places).noisy(self.rng, DROPPED / 2, hidden)
        there = self.code.of([self.batches.other(place) for place in places]).noisy(self.rng, DROPPED)
        one, other = model(here), model(there)
        names = self.batches.names[places]
        same = torch.from_numpy(names[:, None] == names[None, :]) & ~torch.eye(len(places), dtype=torch.bool)
        with torch.no_grad():
            exact = here.cosines(there)
        found = {
            "same": (cross(one @ other.T, same) + cross(other @ one.T, same)) / 2,
            "exact": functional.kl_div(
                functional.log_softmax(one @ other.T / TEMPERATURE, 1),
                functional.softmax(exact / TEMPERATURE, 1),
                reduction="batchmean",
            ),
        }
        if words:
            sizes = np.diff(self.told.starts)[places]
            right = np.flatnonzero(sizes > 1).tolist()
            told = model(self.told.of([places[number] for number in right]).noisy(self.rng, DROPPED))
            scores = (told @ one.T / TEMPERATURE).masked_fill(same[right], -1e4)
            back = cross(one[right] @ told.T, same[right][:, right])
            found["told"] = (functional.cross_entropy(scores, torch.tensor(right)) + back) / 2
        return found


def learn(data: Data) -> Sum:
    """A table: the running mean of what the steps gave."""
    model, steps = Sum(data.kind), data.kind.steps
    optimiser = torch.optim.Adam(model.parameters(), RATE, betas=(0.9, 0.98))
    mean = model.table.weight.detach().clone()
    started, seen = time.process_time(), defaultdict(float)
    for step in range(1, steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, step / WARM) * max(0.02, 1 - step / steps)
        parts = data.losses(model)
        optimiser.zero_grad()
        sum(parts.values()).backward()
        optimiser.step()
        mean.lerp_(model.table.weight.detach(), 1 - min(AVERAGED, step / (step + 10)))
        for name, part in parts.items():
            seen[name] += part.item()
        if step % 100 == 0:
            told = ", ".join(f"{name} {value / 100:.3f}" for name, value in seen.items())
            print(f"{data.kind.name}, step {step}, {time.process_time() - started:.0f} CPU s: {told}", flush=True)
            seen.clear()
    with torch.no_grad():
        model.table.weight.copy_(mean)
    return model


def whole(model: Sum, code: Bags) -> np.ndarray:
    """The table turned to the principal axes of the functions' vectors, in whole numbers."""
    with torch.no_grad():
        vectors = model(code).numpy()
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    turned = model.table.weight.detach().numpy() @ axes[:, ::-1]
    return np.clip(np.rint(turned / turned.std() / DEVIATIONS * 127), -127, 127).astype(np.int8)


def extracted(rows: list[sample.Row], path: Path) -> dict[str, list[bytes]]:
    """Features of each function, of what is written about it and of its name, kept in a file."""
    if not path.exists():
        found: dict[str, list[bytes]] = {"code": [], "told": [], "named": []}
        for number, row in enumerate(rows):
            try:
                found["code"].append(snippet_from_code(row[6], row[2]).features)
            except parse.ParseTimeoutError:
                found["code"].append(features.EMPTY)
            found["told"].append(features.of_text(row[8]))
            found["named"].append(features.of_text(f"{row[3]} {row[3]}("))
            if number % 10_000 == 0:
                print(f"features of {number} functions", flush=True)
        path.write_bytes(pickle.dumps(found))
    return pickle.loads(path.read_bytes())


def main() -> None:
    """Learn both tables and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    work = parser.parse_args().work
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    rows = pickle.loads((work / "sample.pickle").read_bytes())
    pairs = pickle.loads((work / "pairs.pickle").read_bytes())
    packed = extracted(rows, work / "features.pickle")
    found: dict[str, np.ndarray] = {}
    for kind in (WORDS, STRUCTURE):
        data = Data(kind, packed["code"], packed["told"], packed["named"], Batches(rows, pairs))
        found[f"{kind.name}.own"] = data.own
        found[f"{kind.name}.table"] = whole(learn(data), data.code)
    np.savez(work / "projection.npz", allow_pickle=False, **found)


if __name__ == "__main__":
    main()
