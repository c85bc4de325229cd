"""The student beside MiniLM, BM25 and `hashed`, alone and fused, on projects that training never saw; one run.

    export PYTHONPATH=training:benchmarks
    python benchmarks/similarity/evaluate.py SOURCES --weights WORK/student.npz [--teacher FOLDER] [--cache FILE]

SOURCES holds the packages of training/README.md, unpacked. FOLDER holds all-MiniLM-L6-v2, which torch runs. `--cache`
keeps the vectors of MiniLM between runs. Of a fusion, weights of meaning, words and structure are those of a coarse
grid that have the best mean MRR over the sets of the first half; the second half says what they are worth. Beside them
stands the best fusion without meaning, chosen in the same way.

Printed for each set: P@1, MRR and Recall@10 in percent. MRR is MAP where one answer is right, as in all but a few.
"""

from __future__ import annotations

import argparse
import itertools
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import embed as single
import numpy as np
import sets

from agentforge.embed.hashed import HashedEmbedder, Projection
from agentforge.embed.interface import Snippet, load
from agentforge.embed.student import Student

Scores = np.ndarray
# What sentence-transformers lets this model read; it was taught with fewer (training/teacher.py).
MINILM_TOKENS = 256
GRID = [
    (meaning / 10, words / 10, round(1 - (meaning + words) / 10, 1))
    for meaning, words in itertools.product(range(11), range(11))
    if meaning + words <= 10
]


class Teacher:
    """MiniLM, its vectors kept by text."""

    def __init__(self, folder: Path, cache: Path | None) -> None:
        self._folder, self._cache, self._model = folder, cache, None
        self._known: dict[str, np.ndarray] = pickle.loads(cache.read_bytes()) if cache and cache.exists() else {}
        self.seconds, self.count = 0.0, 0

    def embed(self, snippets: list[Snippet]) -> np.ndarray:
        """Vectors of code without comments, identifiers split."""
        import teacher
        import torch

        torch.set_num_threads(1)
        texts = [teacher.text(item.code, item.language or "text") for item in snippets]
        missing = sorted({text for text in texts if text not in self._known})
        if missing:
            self._model = self._model or teacher.MiniLM(self._folder, MINILM_TOKENS).eval()
            started = time.process_time()
            self._known |= dict(zip(missing, self._model.embed(missing), strict=True))
            self.seconds += time.process_time() - started
            self.count += len(missing)
            if self._cache:
                self._cache.write_bytes(pickle.dumps(self._known))
        return np.stack([self._known[text] for text in texts])


def centred(queries: np.ndarray, corpus: np.ndarray, same: bool) -> Scores:
    """Cosines, once the mean of each side's language is subtracted.

    The mean is that of what is looked through, or, for queries of another language or of text, of the queries.
    """
    mean = corpus.mean(0)
    sides = [queries - (mean if same else queries.mean(0)), corpus - mean]
    one, other = (side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9) for side in sides)
    return one @ other.T


def channels(item: sets.Set, student: Student, teacher: Teacher | None) -> dict[str, Scores]:
    """The scores of each system alone, shape (queries, corpus)."""
    queries, corpus = item.task.queries, item.task.corpus
    same = queries[0].language == corpus[0].language

    def hashed(embedder: HashedEmbedder) -> Scores:
        return embedder.embed(queries) @ embedder.embed(corpus).T

    def pairs(snippets: list[Snippet]) -> list[tuple[str, str]]:
        return [(snippet.code, snippet.language or "text") for snippet in snippets]

    one, other = student.vectors(pairs(queries)), student.vectors(pairs(corpus))
    found = {
        "BM25": single.bm25(queries, corpus),
        "words": hashed(HashedEmbedder(Projection(word_dimension=160, node_dimension=1, word_weight=1.0))),
        "structure": hashed(HashedEmbedder(Projection(word_dimension=1, node_dimension=96, word_weight=0.0))),
        "hashed": load("fast").embed(queries) @ load("fast").embed(corpus).T,
        "student": one @ other.T,
        "student centred": centred(one, other, same),
    }
    if teacher:
        one, other = teacher.embed(queries), teacher.embed(corpus)
        found["MiniLM"] = one @ other.T
        found["MiniLM centred"] = centred(one, other, same)
    return found


def ranks_of(scores: Scores, item: sets.Set) -> np.ndarray:
    """The rank of the best of the right answers for each query; equal scores count against it."""
    ranks = []
    for row, good in zip(scores.astype(np.float64), item.task.right, strict=True):
        row = row.copy()
        row[list(good)] -= 1e-9
        ranks.append(min(int((row > row[place]).sum()) + 1 for place in good))
    return np.array(ranks)


def figures(scores: Scores, item: sets.Set) -> np.ndarray:
    """P@1, MRR and Recall@10 in percent."""
    rank = ranks_of(scores, item)
    return 100 * np.array([(rank == 1).mean(), (1 / rank).mean(), (rank <= 10).mean()])


def fused(weights: tuple[float, float, float], meaning: str) -> Callable[[dict[str, Scores]], Scores]:
    """The weighted sum of three channels."""
    return lambda found: weights[0] * found[meaning] + weights[1] * found["words"] + weights[2] * found["structure"]


def main() -> None:
    """Print a table of every set and the means of both halves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--teacher", type=Path)
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()
    student = Student(arguments.weights)
    teacher = Teacher(arguments.teacher, arguments.cache) if arguments.teacher else None
    kept = arguments.cache.with_suffix(".sets") if arguments.cache else None
    if kept and kept.exists():
        every = pickle.loads(kept.read_bytes())
    else:
        every = list(sets.all_sets(arguments.sources))
        if kept:
            kept.write_bytes(pickle.dumps(every))
    found = [(item, channels(item, student, teacher)) for item in every]
    report(found)
    if teacher and teacher.count:
        print(f"\nMiniLM: {teacher.count / teacher.seconds:.0f} texts a CPU second")


def by_rank(name: str) -> Callable[[dict[str, Scores]], Scores]:
    """Reciprocal ranks of BM25 and of one more, 4 to 1, k = 3: what `agentforge search` does (docs/embedding.md)."""

    def ranks(scores: Scores) -> Scores:
        return (-scores).argsort(axis=1, kind="stable").argsort(axis=1) + 1

    return lambda found: 4 / (3 + ranks(found["BM25"])) + 1 / (3 + ranks(found[name]))


Found = list[tuple[sets.Set, dict[str, Scores]]]
System = Callable[[dict[str, Scores]], Scores]


def chosen(found: Found, meaning: str, grid: list[tuple[float, float, float]]) -> tuple[str, System]:
    """The fusion with the best mean MRR over the first half, and its name with the weights."""
    first = [pair for pair in found if pair[0].half == 0]

    def mean(weights: tuple[float, float, float]) -> float:
        system = fused(weights, meaning)
        return float(np.mean([figures(system(scores), item)[1] for item, scores in first]))

    best = max(grid, key=mean)
    return "/".join(f"{weight:.1f}" for weight in best), fused(best, meaning)


def gain(found: Found, one: System, other: System) -> tuple[float, float, float]:
    """By how much the MRR of one is above that of the other over the second half: mean of the sets, 95 % interval.

    The interval is a bootstrap over the queries of each set, 2,000 times.
    """
    rng = np.random.default_rng(0)
    here = [(item, scores) for item, scores in found if item.half == 1]
    each = [100 / ranks_of(one(scores), item) - 100 / ranks_of(other(scores), item) for item, scores in here]
    draws = np.mean([rng.choice(part, (2000, len(part))).mean(1) for part in each], axis=0)
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(np.mean([part.mean() for part in each])), float(low), float(high)


def report(found: Found) -> None:
    """Choose weights on the first half and print everything."""
    systems: dict[str, System] = {name: (lambda scores, name=name: scores[name]) for name in found[0][1]}
    label, control = chosen(found, "student", [weights for weights in GRID if weights[0] == 0])
    systems[f"no meaning {label}"] = control
    for meaning in ("student", "student centred", "MiniLM centred"):
        if meaning in found[0][1]:
            label, system = chosen(found, meaning, GRID)
            systems[f"{meaning} {label}"] = system
            print(
                "MRR of {} {} above no meaning: {:.1f} ({:.1f} to {:.1f})".format(
                    meaning, label, *gain(found, system, control)
                )
            )
    for name in ("hashed", "student", "MiniLM centred"):
        if name in found[0][1]:
            systems[f"BM25 and {name} by rank"] = by_rank(name)
    table = {
        name: np.array([figures(system(scores), item) for item, scores in found]) for name, system in systems.items()
    }
    for number, (item, _) in enumerate(found):
        half = "reports" if item.half else "chooses weights"
        print(f"\n{item.name} ({half}): {len(item.task.queries)} queries among {len(item.task.corpus)}")
        for name, rows in table.items():
            print(f"  {name:32} P@1 {rows[number][0]:5.1f}  MRR {rows[number][1]:5.1f}  R@10 {rows[number][2]:5.1f}")
    for half in (0, 1):
        here = [number for number, (item, _) in enumerate(found) if item.half == half]
        print(f"\nmean of the {len(here)} sets that {'report' if half else 'choose weights'}")
        for name, rows in table.items():
            mean = rows[here].mean(0)
            print(f"  {name:32} P@1 {mean[0]:5.1f}  MRR {mean[1]:5.1f}  R@10 {mean[2]:5.1f}")


if __name__ == "__main__":
    main()
