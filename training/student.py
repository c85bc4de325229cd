"""Train the student on what training/teacher.py wrote, and write its weights as whole numbers.

    python training/student.py WORK [--steps 3800]

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
- *far*: the same towards the teacher's vectors of many texts;
- *alike*: how like each of these texts is to a function, as the teacher has it (the divergence of the two softmaxes).
"""

from __future__ import annotations

import argparse
import pickle
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import batches
import net
import numpy as np
import torch
import torch.nn.functional as functional

from agentforge.embed import subtokens

FAR = 2048
TEMPERATURE = 0.06
SAVE = 500
AVERAGED = 0.998
# Of each loss, and how often only the leading components are compared, so that fewer of them do too.
WEIGHTS = {"taught": 2.0, "heard": 1.5, "changed": 0.7, "told": 1.5, "far": 0.5, "alike": 0.5}
COMPONENTS = ((128, 0.6), (96, 0.8), (64, 1.0))


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


def cross(
    scores: torch.Tensor, not_counted: torch.Tensor | None = None, right: torch.Tensor | None = None
) -> torch.Tensor:
    """InfoNCE of rows of cosines; the right answers are on the diagonal where it is not said where."""
    scores = scores / TEMPERATURE
    if not_counted is not None:
        scores = scores.masked_fill(not_counted, -1e4)
    return functional.cross_entropy(scores, torch.arange(len(scores)) if right is None else right)


def both(one: torch.Tensor, other: torch.Tensor, same: torch.Tensor) -> torch.Tensor:
    """InfoNCE in both directions; `same` are no wrong answers."""
    scores = one @ other.T
    return (cross(scores, same) + cross(scores.T, same.T)) / 2


def divergence(scores: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Of the softmax of rows of cosines from that of the teacher's, in nats."""
    return functional.kl_div(
        functional.log_softmax(scores / TEMPERATURE, 1),
        functional.log_softmax(wanted / TEMPERATURE, 1),
        reduction="batchmean",
        log_target=True,
    )


def losses(model: net.Student, data: batches.Functions, goals: Goals) -> dict[str, torch.Tensor]:
    """The losses of one batch."""
    batch = data.draw()
    chance = data.rng.random()
    used = next(number for number, upto in COMPONENTS if chance < upto)

    def cut(vectors: torch.Tensor) -> torch.Tensor:
        return functional.normalize(vectors[:, :used], dim=1)

    size, twice = len(batch.places), batch.twice
    code, other, told = cut(model(batch.pieces)).split([size, len(twice), len(batch.texts)])
    places = torch.tensor([goals.places[text] for text in batch.texts])
    names = np.array([data.names[place] for place in batch.places])
    same_text = places[:, None] == places[None, :]
    own = torch.eye(len(places), dtype=torch.bool)
    same_text_or_name = torch.from_numpy(names[:, None] == names[None, :]) | same_text[:size, :size]
    same = same_text_or_name & ~own[:size, :size]
    to_text = torch.cat([same, same_text[:size, size:]], 1)
    from_text = torch.cat([same, same_text_or_name[:, twice]], 1)
    kept = torch.tensor(batch.kept).nonzero()[:, 0]
    right, heard = cut(goals.texts[places])[kept], told[kept]
    heard, right = told[kept], cut(goals.texts[places])[kept]
    likeness = 1 - (heard * right).sum(1).mean()
    return {
        "heard": likeness + 0.15 * both(heard, right, (same_text & ~own)[kept][:, kept]),
        "changed": both(code[twice], other, same[twice][:, twice]),
        "told": (cross(code @ told.T, to_text) + cross(told[:size] @ torch.cat([code, other]).T, from_text)) / 2,
        **by_teacher(code, goals, torch.tensor(batch.places), places[:size], kept[kept < size], cut),
    }


def by_teacher(
    code: torch.Tensor,
    goals: Goals,
    functions: torch.Tensor,
    texts: torch.Tensor,
    kept: torch.Tensor,
    cut: Callable[[torch.Tensor], torch.Tensor],
) -> dict[str, torch.Tensor]:
    """The losses of functions against the teacher's vectors.

    Args:
        code: the student's vectors of the functions of a batch.
        goals: the teacher's vectors.
        functions: the places of the functions.
        texts: the places of the texts about them.
        kept: which of them have their own words.
        cut: takes as many components of the teacher's vectors as `code` has.
    """
    many = torch.cat([texts, torch.randint(len(goals.texts), (FAR,))])
    far = cut(goals.texts[many])
    same = (texts[:, None] == many[None, :]).fill_diagonal_(False)
    found = {"far": cross(code[kept] @ far.T, same[kept], kept)}
    wanted = goals.functions[functions[kept]]
    known = wanted.any(1)
    if known.any():
        taught, wanted = code[kept][known], cut(wanted[known])
        found["taught"] = 1 - (taught * wanted).sum(1).mean()
        found["alike"] = divergence(taught @ far.T, wanted @ far.T)
    return found


def train(model: net.Student, data: batches.Functions, goals: Goals, steps: int, work: Path, words: list[str]) -> None:
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


def save(model: net.Student, optimiser: Any, mean: dict, data: batches.Functions, more: dict, path: Path) -> None:
    """All that a run needs to go on."""
    stored = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "mean": mean, **more}
    torch.save(stored | {"rng": data.rng.getstate(), "torch": torch.get_rng_state()}, path)


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--steps", type=int, default=3800)
    arguments = parser.parse_args()
    work = arguments.work
    torch.set_num_threads(1)
    torch.manual_seed(batches.SEED)
    rows = pickle.loads((work / "sample.pickle").read_bytes())
    words = (work / "vocabulary.txt").read_text("utf-8").splitlines()
    vocabulary = subtokens.Vocabulary(words)
    data = batches.Functions(rows, pickle.loads((work / "pairs.pickle").read_bytes()), vocabulary)
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
