"""Train the student on what training/teacher.py wrote, and write its weights as whole numbers.

    python training/student.py WORK [--steps 8500]

Reads WORK/sample.pickle, pairs.pickle, vocabulary.txt, words.npy, texts.npz and teacher.npz; writes WORK/student.npz,
and every `SAVE` steps WORK/student-STEP.npz and WORK/state.pt, from which a run that was cut off goes on. Needs torch.
training/net.py has the net.

The losses, each on a batch of functions, a few packages at a time, so that what is told apart is of one project:

- *taught*: the cosine of a function to the teacher's vector of it, its mean over the language subtracted and cut to its
  principal axes; every other function without its own name;
- *heard*: the same for texts, and InfoNCE between them and the teacher's vectors of the batch;
- *changed*: InfoNCE between a function and itself with names replaced, spans dropped, or, where there is one, the same
  function of another version, in another language or by another author;
- *told*: InfoNCE between a function and what is written about it (or, in words, its name, which it is then without);
- *far*: the same towards the teacher's vectors of many texts.
"""

from __future__ import annotations

import argparse
import pickle
import random
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import net
import numpy as np
import sample
import teacher
import torch
import torch.nn.functional as functional

from agentforge.embed import subtokens

GROUPS, GROUP = 5, 32
CHANGED = 48  # of a batch
MORE_TEXTS = 128
FAR = 2048
TEMPERATURE = 0.06
SEED = 5
SAVE = 500
LIMIT = 128
AVERAGED = 0.998
UNNAMED = 0.1  # of the functions do not say their language
# Of each loss, and how often only the leading components are compared, so that fewer of them do too.
WEIGHTS = {"taught": 2.0, "heard": 1.5, "changed": 0.7, "told": 1.5, "far": 0.5}
COMPONENTS = ((128, 0.6), (96, 0.8), (64, 1.0))


class Functions:
    """The functions as rows of the vocabulary, and what is done to them in training."""

    def __init__(self, rows: list[sample.Row], pairs: dict[int, list[int]], vocabulary: subtokens.Vocabulary) -> None:
        self.rng = random.Random(SEED)
        self.size = vocabulary.size
        self.pairs = pairs
        self.names = [row[3] for row in rows]
        self.code: list[list[int]] = []
        self.owner: list[list[int]] = []
        for row in rows:
            words, owners = subtokens.units(row[6], row[2], LIMIT)
            numbers = {"": -1, row[3]: 0}
            self.owner.append([numbers.setdefault(owner, len(numbers)) for owner in owners])
            self.code.append([vocabulary.row(word) for word in words])
        self.called = [teacher.called(row) for row in rows]
        self.described = [row[8] for row in rows]
        self.text_rows = {text: vocabulary.rows(text, "text") for text in {*self.called, *self.described} if text}
        self.text_rows = {text: found for text, found in self.text_rows.items() if len(found) > 1}
        groups: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for place, row in enumerate(rows):
            if self.called[place] in self.text_rows:
                groups[row[2]][row[0]].append(place)
        self.groups = [
            (
                sum(map(len, packages.values())) ** 0.5,
                list(packages.values()),
                [len(it) ** 0.7 for it in packages.values()],
            )
            for packages in groups.values()
        ]

    def batch(self) -> list[int]:
        """Places of `GROUPS` times `GROUP` functions, each group of one package and language where it has so many."""
        rng, found = self.rng, []
        for _, packages, weights in rng.choices(self.groups, [group[0] for group in self.groups], k=GROUPS):
            here: set[int] = set()
            for _ in range(8):
                package = rng.choices(packages, weights)[0]
                here |= set(rng.sample(package, min(GROUP - len(here), len(package))))
                if len(here) == GROUP:
                    break
            found += sorted(here)
        return list(dict.fromkeys(found))

    def plain(self, place: int, nameless: bool) -> list[int]:
        """As it is, or without its own name."""
        if not nameless:
            return self.code[place]
        return [row for row, owner in zip(self.code[place], self.owner[place], strict=True) if owner != 0]

    def changed(self, place: int, nameless: bool) -> list[int]:
        """Some of its names replaced, each by the same everywhere; one or two spans dropped."""
        rng = self.rng
        share = rng.choice((0.0, 0.3, 0.7, 1.0))
        others: dict[tuple[int, int], int] = {}
        replaced: dict[int, bool] = {-1: False}
        code = []
        for row, owner in zip(self.code[place], self.owner[place], strict=True):
            if nameless and owner == 0:
                continue
            if owner not in replaced:
                replaced[owner] = rng.random() < share
            if replaced[owner]:
                row = others.setdefault((owner, row), 1 + int(self.size * rng.random() ** 2.5) % (self.size - 1))
            code.append(row)
        for _ in range(rng.randrange(3)):
            width = max(1, len(code) // 10)
            if len(code) > 12:
                start = rng.randrange(len(code))
                del code[start : start + width]
        return code or self.code[place]

    def other(self, place: int, nameless: bool) -> list[int]:
        """Another one that does the same."""
        if place in self.pairs and self.rng.random() < 0.7:
            return self.plain(self.rng.choice(self.pairs[place]), nameless)
        return self.changed(place, nameless)

    def text(self, place: int) -> str:
        """What is written about it, or its name."""
        text = self.described[place]
        return text if text in self.text_rows and self.rng.random() < 0.8 else self.called[place]

    def shortened(self, text: str) -> list[int]:
        """The rows of a text, of its beginning, or of some of its words, as people ask in few words."""
        rows, rng = self.text_rows[text], self.rng
        chance = rng.random()
        if len(rows) < 6 or chance < 0.4:
            return rows
        if chance < 0.7:
            return rows[: rng.randrange(5, len(rows) + 1)]
        kept = rng.uniform(0.5, 0.9)
        return rows[:1] + ([row for row in rows[1:] if rng.random() < kept] or rows[1:])


@dataclass(frozen=True, slots=True)
class Goals:
    """The teacher's vectors: of functions (zero where it has none), and of texts with their places."""

    functions: torch.Tensor
    texts: torch.Tensor
    places: dict[str, int]
    axes: np.ndarray


def targets(work: Path, languages: list[str]) -> Goals:
    """Centred by language, text being one more, cut to the principal axes of both, length 1."""
    stored = np.load(work / "teacher.npz")
    vectors = np.zeros((len(languages), 384), np.float32)
    vectors[stored["places"]] = stored["vectors"]
    taught = vectors.any(axis=1)
    centred = np.zeros_like(vectors)
    for language in set(languages):
        here = np.array([item == language for item in languages]) & taught
        if here.any():
            centred[here] = vectors[here] - vectors[here].mean(0)
    stored = np.load(work / "texts.npz")
    told = stored["vectors"].astype(np.float32)
    told -= told.mean(0)
    spread = centred.T @ centred / taught.sum() + told.T @ told / len(told)
    _, axes = np.linalg.eigh(spread)
    axes = axes[:, : -net.OUTPUT - 1 : -1]
    held = np.trace(axes.T @ spread @ axes) / np.trace(spread)
    print(f"the axes hold {held:.3f} of the teacher's variance")
    goals, texts = (
        functional.normalize(torch.tensor(part @ axes, dtype=torch.float32), dim=1) for part in (centred, told)
    )
    return Goals(goals, texts, {text: place for place, text in enumerate(stored["texts"].tolist())}, axes)


def cross(scores: torch.Tensor, not_counted: torch.Tensor | None = None) -> torch.Tensor:
    """InfoNCE of rows of cosines whose right answers are on the diagonal."""
    scores = scores / TEMPERATURE
    if not_counted is not None:
        scores = scores.masked_fill(not_counted, -1e4)
    return functional.cross_entropy(scores, torch.arange(len(scores)))


def both(one: torch.Tensor, other: torch.Tensor, same: torch.Tensor) -> torch.Tensor:
    """InfoNCE in both directions; `same` are no wrong answers."""
    scores = one @ other.T
    return (cross(scores, same) + cross(scores.T, same.T)) / 2


def losses(model: net.Student, data: Functions, goals: Goals) -> dict[str, torch.Tensor]:
    """The losses of one batch."""
    batch = data.batch()
    rng, size = data.rng, len(batch)
    texts = [data.text(place) for place in batch]
    nameless = [text == data.called[place] or rng.random() < 0.5 for place, text in zip(batch, texts, strict=True)]
    more = [rng.choice(data.described) or data.called[0] for _ in range(MORE_TEXTS)]
    heard = [*texts, *(text for text in more if text in data.text_rows)]
    pieces = [data.plain(*item) or data.code[item[0]] for item in zip(batch, nameless, strict=True)]
    twice = rng.sample(range(size), min(CHANGED, size))
    pieces += [data.other(batch[number], nameless[number]) or data.code[batch[number]] for number in twice]
    pieces = [piece[1:] if len(piece) > 1 and rng.random() < UNNAMED else piece for piece in pieces]
    pieces += [data.shortened(text) for text in heard]
    chance = rng.random()
    used = next(number for number, upto in COMPONENTS if chance < upto)

    def cut(vectors: torch.Tensor) -> torch.Tensor:
        return functional.normalize(vectors[:, :used], dim=1)

    vectors = cut(model(pieces))
    code, other, told = vectors.split([size, len(twice), len(heard)])
    wanted = goals.functions[batch]
    known = wanted.any(1)
    taught = 1 - (code * cut(wanted))[known].sum(1).mean() if known.any() else torch.zeros(())
    places = torch.tensor([goals.places[text] for text in heard])
    right = cut(goals.texts[places])
    own = torch.eye(size, dtype=torch.bool)
    names = np.array([data.names[place] for place in batch])
    namesakes = torch.from_numpy(names[:, None] == names[None, :])
    same_text = places[:, None] == places[None, :]
    same = (namesakes | same_text[:size, :size]) & ~own
    to_text = torch.cat([same, same_text[:size, size:]], 1)
    from_text = torch.cat([same, (namesakes | same_text[:size, :size])[:, twice]], 1)
    pool = torch.randint(len(goals.texts), (FAR,))
    far = cut(goals.texts[torch.cat([places[:size], pool])])
    far_same = torch.cat([same_text[:size, :size] & ~own, places[:size, None] == pool[None, :]], 1)
    all_same = same_text & ~torch.eye(len(heard), dtype=torch.bool)
    return {
        "taught": taught,
        "heard": 1 - (told * right).sum(1).mean() + 0.15 * both(told, right, all_same),
        "changed": both(code[twice], other, same[twice][:, twice]),
        "told": (cross(code @ told.T, to_text) + cross(told[:size] @ torch.cat([code, other]).T, from_text)) / 2,
        "far": cross(code @ far.T, far_same),
    }


def train(model: net.Student, data: Functions, goals: Goals, steps: int, work: Path, words: list[str]) -> None:
    """So many steps; the weights written are a running mean of those that were trained."""
    tables = [model.table.weight, model.share.weight]
    rest = [item for name, item in model.named_parameters() if not name.startswith(("table", "share"))]
    optimiser = torch.optim.Adam([{"params": tables, "lr": 4e-3}, {"params": rest, "lr": 2e-3}], betas=(0.9, 0.98))
    rates = [group["lr"] for group in optimiser.param_groups]
    mean = {name: value.detach().clone() for name, value in model.state_dict().items()}
    first, spent, state = 1, 0.0, work / "state.pt"
    if state.exists():
        stored = torch.load(state, weights_only=False)
        model.load_state_dict(stored["model"])
        optimiser.load_state_dict(stored["optimiser"])
        mean, first, spent = stored["mean"], stored["step"] + 1, stored["spent"]
        data.rng.setstate(stored["rng"])
        torch.set_rng_state(stored["torch"])
    started, seen = time.process_time() - spent, defaultdict(float)
    for step in range(first, steps + 1):
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * min(1, step / 100) * max(0.02, 1 - step / steps)
        parts = losses(model, data, goals)
        optimiser.zero_grad()
        sum(WEIGHTS[name] * part for name, part in parts.items()).backward()
        optimiser.step()
        with torch.no_grad():
            keep = min(AVERAGED, step / (step + 10))
            for name, value in model.state_dict().items():
                mean[name].lerp_(value, 1 - keep)
        for name, part in parts.items():
            seen[name] += part.item()
        spent = time.process_time() - started
        if step % 50 == 0:
            told = ", ".join(f"{name} {value / 50:.3f}" for name, value in seen.items())
            print(f"step {step}, {spent:.0f} CPU s: {told}", flush=True)
            seen.clear()
        if step % SAVE == 0 or step == steps:
            save(model, optimiser, mean, data, {"step": step, "spent": spent}, state)
            net.export(mean, words, work / f"student-{step}.npz")
    net.export(mean, words, work / "student.npz")


def save(model: net.Student, optimiser: Any, mean: dict, data: Functions, more: dict, path: Path) -> None:
    """All that a run needs to go on."""
    stored = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "mean": mean, **more}
    torch.save(stored | {"rng": data.rng.getstate(), "torch": torch.get_rng_state()}, path)


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--steps", type=int, default=8500)
    arguments = parser.parse_args()
    work = arguments.work
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    rows = pickle.loads((work / "sample.pickle").read_bytes())
    words = (work / "vocabulary.txt").read_text("utf-8").splitlines()
    vocabulary = subtokens.Vocabulary(words)
    data = Functions(rows, pickle.loads((work / "pairs.pickle").read_bytes()), vocabulary)
    goals = targets(work, [row[2] for row in rows])
    print(len(rows), "functions,", int(goals.functions.any(1).sum()), "of them taught", flush=True)
    counts = np.zeros(vocabulary.size)
    for code in data.code:
        counts[list(set(code))] += 1
    model = net.Student(vocabulary.size)
    model.begin(np.load(work / "words.npy").astype(np.float32), counts / len(rows), goals.axes)
    train(model, data, goals, arguments.steps, work, words)


if __name__ == "__main__":
    main()
