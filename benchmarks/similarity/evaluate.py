"""The student beside MiniLM, BM25, tf-idf and `fast`, alone and fused, on projects that training never saw; one run.

    export PYTHONPATH=training:benchmarks
    python benchmarks/similarity/evaluate.py EVALUATION [--weights FILE] [--minilm FOLDER] [--model NAME] [--cache FILE]

EVALUATION holds the packages of sets.toml, unpacked. FOLDER is what `make minilm` writes; NAME, which may be repeated,
is any sentence-transformers model that `--model` of agentforge takes, as it is and centred by the means of all that is
looked through. `--kind` takes the sets of some kinds only. `--cache` keeps the sets and the vectors of slow
models between runs. Of a fusion, weights of meaning, words and structure are those of hybrid.toml; those of a coarse
grid that have the best mean MRR over the sets of the first half are printed, too. The second half says what they are
worth. Beside them stands the best fusion without meaning, chosen on the first half, the fusion without one channel at
a time, and with fewer components.

In percent: P@1, MRR, MAP@R (of the first R, R being how many answers are right: what is right there, by its precision),
NDCG@10 and Recall@10 (of the right answers; ten at most).
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import pickle
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import embed as single
import numpy as np
import sets

from agentforge import parse
from agentforge.embed import features
from agentforge.embed.centres import CentredEmbedder, count_centres, sample
from agentforge.embed.fast import FastEmbedder
from agentforge.embed.hybrid import shape_of
from agentforge.embed.interface import Embedder, Snippet, load
from agentforge.embed.snippets import wrappings
from agentforge.embed.student import WEIGHTS, Student
from agentforge.measure import measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agentforge.embed.meaning import Meaning

Scores = np.ndarray
Weights = tuple[float, float, float]
NAMES = ("P@1", "MRR", "MAP@R", "NDCG@10", "R@10")
MRR = 1
GRID = [
    (meaning / 10, words / 10, round(1 - (meaning + words) / 10, 1))
    for meaning, words in itertools.product(range(11), range(11))
    if meaning + words <= 10
]
# Components that are measured, those of the product first; the meaning's first are all that there are.
WORDS, STRUCTURE, MEANING = (128, 96, 64), (64, 48), (64,)
SMALLER = (("", 128, 48), ("", 96, 64), (" 64", 128, 64), (" 64", 96, 64), (" 64", 96, 48), (" 64", 64, 48))
KINDS = ("edited", "masked", "text", "ported", "same task")


class Kept:
    """Vectors by text, so that no text is embedded twice, kept in a file from run to run."""

    def __init__(self, name: str, cache: Path | None) -> None:
        self._path = cache.with_suffix(f".{name}") if cache else None
        self._known: dict[tuple[str, str], np.ndarray] = {}
        if self._path and self._path.exists():
            self._known = pickle.loads(self._path.read_bytes())
        self.seconds, self.count = 0.0, 0

    def vectors(
        self, pieces: list[tuple[str, str]], embed: Callable[[list[tuple[str, str]]], np.ndarray]
    ) -> np.ndarray:
        """Of (code, language) each."""
        missing = sorted({piece for piece in pieces if piece not in self._known})
        for start in range(0, len(missing), 500):
            part = missing[start : start + 500]
            started = time.process_time()
            self._known |= dict(zip(part, embed(part).astype(np.float32), strict=True))
            self.seconds += time.process_time() - started
            self.count += len(part)
            if self._path:
                self._path.write_bytes(pickle.dumps(self._known))
        return np.stack([self._known[piece] for piece in pieces])

    def of_language(self, language: str) -> np.ndarray:
        """All that are kept of a language."""
        return np.stack([vector for (_, found), vector in self._known.items() if found == language]).astype(np.float64)


def file_name(model: str) -> str:
    """What a model is called in the name of its file."""
    return model.replace("/", "_")


def pairs(snippets: Sequence[Snippet]) -> list[tuple[str, str]]:
    """(code, language) of each."""
    return [(snippet.code, snippet.language or "") for snippet in snippets]


def tfidf(queries: list[Snippet], corpus: list[Snippet]) -> Scores:
    """Cosines of (1 + ln count) * ln(n / documents) over the words of the features, the idf of the corpus itself."""
    ids, counts, rows = features.unpack([snippet.features for snippet in corpus])[0]
    known, column = np.unique(ids, return_inverse=True)
    idf = np.log(len(corpus) / np.bincount(column))

    def lengths(weights: np.ndarray, owner: np.ndarray, size: int) -> np.ndarray:
        return np.sqrt(np.maximum(np.bincount(owner, weights=weights**2, minlength=size), 1e-12))

    weights = (1 + np.log(counts)) * idf[column]
    norm = lengths(weights, rows, len(corpus))
    order = np.argsort(column, kind="stable")
    starts = np.searchsorted(column[order], np.arange(len(known) + 1))
    query_ids, query_counts, query_rows = features.unpack([snippet.features for snippet in queries])[0]
    place = np.minimum(np.searchsorted(known, query_ids), len(known) - 1)
    here = known[place] == query_ids
    query_weights = np.where(here, (1 + np.log(query_counts)) * idf[place], 0)
    scores = np.zeros((len(queries), len(corpus)))
    for item, weight, row in zip(
        place[here].tolist(), query_weights[here].tolist(), query_rows[here].tolist(), strict=True
    ):
        found = order[starts[item] : starts[item + 1]]
        scores[row, rows[found]] += weight * weights[found]
    return scores / norm / lengths(query_weights, query_rows, len(queries))[:, None]


class KeptEmbedder:
    """An embedder whose vectors are kept."""

    layout: tuple[int, ...] = ()
    needs_features = False

    def __init__(self, embedder: Embedder, kept: Kept) -> None:
        self._embedder, self._kept = embedder, kept
        self.name, self.version = embedder.name, embedder.version

    @property
    def dimension(self) -> int:
        """Of each vector."""
        return self._embedder.dimension

    def embed(self, snippets: Sequence[Snippet]) -> np.ndarray:
        """See `Embedder.embed`."""

        def made(pieces: list[tuple[str, str]]) -> np.ndarray:
            return self._embedder.embed([Snippet(language, "", code, b"") for code, language in pieces])

        return self._kept.vectors(pairs(snippets), made)


def index(every: list[sets.Set]) -> list[Snippet]:
    """The functions of which means are counted: those that are looked through, all sets together, with their names."""
    functions = {snippet.code: snippet for item in every for snippet in item.task.corpus}
    chosen = sample((hashlib.sha256(code.encode()).hexdigest(), snippet) for code, snippet in functions.items())
    return [replace(snippet, name=own_name(snippet)) for snippet in chosen]


def own_name(snippet: Snippet) -> str:
    """What a function is called in its code; empty where it has no name of its own."""
    before, after = wrappings(snippet.code, snippet.language or "")[0]
    decoded = parse.decode(f"{before}{snippet.code}{after}".encode("utf-8", "replace"))
    found = measure(parse.parse(snippet.language or "", decoded), decoded).functions
    return found[0].name if found else ""


class Systems:
    """Everything that is compared, each as scores of shape (queries, corpus)."""

    def __init__(
        self, meanings: dict[str, Meaning], models: list[str], every: list[sets.Set], cache: Path | None
    ) -> None:
        self._meanings = meanings
        self._fast = FastEmbedder()
        names = [*meanings, *models]
        self.kept = {name: Kept(file_name(name), cache if name != "student" else None) for name in names}
        self._models: dict[str, Embedder] = {}
        for name in models:
            plain = KeptEmbedder(load(name), self.kept[name])
            centred = CentredEmbedder(plain, count_centres(plain, index(every)), "")
            self._models |= {name: plain, f"{name} centred": centred}

    def alone(self, item: sets.Set) -> dict[str, Scores]:
        """Each channel and each system that is no fusion."""
        queries, corpus = item.task.queries, item.task.corpus

        found = {"BM25": single.bm25(queries, corpus), "tf-idf": tfidf(queries, corpus)}
        sides = self._fast.channels(queries), self._fast.channels(corpus)
        for name, sizes, one, other in zip(("words", "structure"), (WORDS, STRUCTURE), *sides, strict=True):
            found |= {f"{name} {size}": unit(one[:, :size]) @ unit(other[:, :size]).T for size in sizes}
        fast = load("fast")
        found["fast"] = fast.embed(queries) @ fast.embed(corpus).T
        for name, meaning in self._meanings.items():
            one, other = (self.kept[name].vectors(pairs(side), meaning.vectors) for side in (queries, corpus))
            found[name] = one @ other.T
            for size in MEANING if name == "student" else (128,):
                found[f"{name} {size}"] = unit(one[:, :size]) @ unit(other[:, :size]).T
        for name, model in self._models.items():
            found[name] = model.embed(queries) @ model.embed(corpus).T
        return found


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def figures(scores: Scores, item: sets.Set) -> np.ndarray:
    """Of each query what `NAMES` says, in percent, shape (queries, 5); equal scores count against what is right."""
    found = np.zeros((len(item.task.queries), len(NAMES)))
    discount = 1 / np.log2(np.arange(10) + 2)
    for number, (row, good, left_out) in enumerate(
        zip(scores.astype(np.float64), item.task.right, item.task.ignored, strict=True)
    ):
        row = row.copy()
        row[list(good)] -= 1e-9
        row[[place for place in left_out if place not in good]] = -np.inf
        right = np.isin(np.argsort(-row, kind="stable"), list(good))
        many, ten = len(good), right[:10]
        first = right[:many]
        found[number] = (
            right[0],
            1 / (int(np.argmax(right)) + 1),
            (np.cumsum(first) / np.arange(1, many + 1) * first).sum() / many,
            (ten * discount).sum() / discount[: min(many, 10)].sum(),
            ten.sum() / min(many, 10),
        )
    return 100 * found


def fused(
    weights: Weights, meaning: str, words: str = f"words {WORDS[0]}", structure: str = f"structure {STRUCTURE[0]}"
) -> System:
    """The weighted sum of three channels."""
    return lambda found: weights[0] * found[meaning] + weights[1] * found[words] + weights[2] * found[structure]


Found = list[tuple[sets.Set, dict[str, Scores]]]
System = Callable[[dict[str, Scores]], Scores]


def by_kind(found: Found, values: Sequence[float]) -> float:
    """The mean over kinds of sets of the mean over the sets of a kind, so that no kind counts by how many it has."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for (item, _), value in zip(found, values, strict=True):
        kinds[item.name.split(":")[0]].append(value)
    return float(np.mean([np.mean(each) for each in kinds.values()]))


def first_half(found: Found, weights: Weights, meaning: str) -> float:
    """The MRR over the first half, kinds of sets counting alike."""
    first = [pair for pair in found if pair[0].half == 0]
    system = fused(weights, meaning)
    return by_kind(first, [figures(system(scores), item)[:, MRR].mean() for item, scores in first])


def chosen(found: Found, meaning: str, grid: list[Weights]) -> Weights:
    """The weights that are best on the first half."""
    return max(grid, key=lambda weights: first_half(found, weights, meaning))


def shipped(meaning: str) -> Weights:
    """The weights in hybrid.toml."""
    shape = shape_of(meaning)
    return shape.meaning_weight, shape.words_weight, shape.structure_weight


def gain(found: Found, one: System, other: System) -> str:
    """By how much the MRR of one is above that of the other over the second half, with a 95 % interval.

    The interval is a bootstrap over the queries of each set, 2,000 times.
    """
    rng = np.random.default_rng(0)
    here = [pair for pair in found if pair[0].half == 1]
    each = [figures(one(scores), item)[:, MRR] - figures(other(scores), item)[:, MRR] for item, scores in here]
    drawn = [rng.choice(part, (2000, len(part))).mean(1) for part in each]
    draws = [by_kind(here, [part[number] for part in drawn]) for number in range(2000)]
    low, high = np.percentile(draws, [2.5, 97.5])
    return f"{by_kind(here, [part.mean() for part in each]):.1f} ({low:.1f} to {high:.1f})"


def systems_of(found: Found) -> dict[str, System]:
    """All that is reported, fusions with the weights that the first half chose."""
    known = found[0][1]
    systems: dict[str, System] = {
        name: (lambda scores, name=name: scores[name])
        for name in known
        if name in ("BM25", "tf-idf", "fast") or name.split(" ")[0] not in ("words", "structure", "student", "minilm")
    }
    nothing = chosen(found, "BM25", [weights for weights in GRID if weights[0] == 0])
    systems[f"no meaning {told(nothing)}"] = control = fused(nothing, "BM25")
    for meaning in ("student", "minilm"):
        if meaning not in known:
            continue
        weights = shipped(meaning)
        best = chosen(found, meaning, GRID)
        mine, other = first_half(found, weights, meaning), first_half(found, best, meaning)
        print(f"{meaning}: MRR over the first half {mine:.2f} with the weights that are shipped, {told(weights)},")
        print(f"    and {other:.2f} with those that it would choose, {told(best)}")
        systems[meaning] = lambda scores, name=meaning: scores[name]
        systems[f"{meaning} fused {told(weights)}"] = system = fused(weights, meaning)
        print(f"MRR of {meaning} {told(weights)} above no meaning: {gain(found, system, control)}")
        for number, channel in enumerate(("meaning", "words", "structure")):
            rest = tuple(0.0 if place == number else weight for place, weight in enumerate(weights))
            systems[f"{meaning} fused without {channel}"] = fused(rest, meaning)
        if meaning == "student":
            for sizes in SMALLER:
                names = f"student{sizes[0]}", f"words {sizes[1]}", f"structure {sizes[2]}"
                systems[f"fused of {', '.join(names)}"] = fused(weights, *names)
    if "minilm" in known:
        student = fused(shipped("student"), "student")
        print(f"MRR of student fused above minilm alone: {gain(found, student, systems['minilm'])}")
        minilm = fused(shipped("minilm"), "minilm")
        print(f"MRR of minilm fused above student fused: {gain(found, minilm, student)}")
    return systems


def told(weights: Weights) -> str:
    """Weights in a few characters."""
    return "/".join(f"{weight:g}".removeprefix("0") or "0" for weight in weights)


def report(found: Found) -> None:
    """Choose weights on the first half and print everything."""
    systems = systems_of(found)
    table = {
        name: np.array([figures(system(scores), item).mean(0) for item, scores in found])
        for name, system in systems.items()
    }
    for number, (item, _) in enumerate(found):
        title = f"{item.name} ({'reports' if item.half else 'chooses weights'})"
        size = f"{len(item.task.queries)} queries among {len(item.task.corpus)}"
        print_rows(f"{title}: {size}", {name: rows[number] for name, rows in table.items()})
    for half, kind in itertools.product((0, 1), (*KINDS, "all kinds")):
        places = [
            number
            for number, (item, _) in enumerate(found)
            if item.half == half and (kind == "all kinds" or item.name.startswith(kind))
        ]
        if places:
            sets_of_kind = f"{len(places)} sets that {'report' if half else 'choose weights'}"
            print_rows(f"mean of {kind}, {sets_of_kind}", {name: means(found, table[name], places) for name in table})


def means(found: Found, rows: NDArray[Any], places: list[int]) -> list[float]:
    """Each measure over some sets, each kind of them counted alike."""
    here = [found[place] for place in places]
    return [by_kind(here, rows[places, column]) for column in range(len(NAMES))]


def print_rows(title: str, rows: Mapping[str, Sequence[float]]) -> None:
    """A line for each system under the names of the measures."""
    print(f"\n{title}\n{'':40} " + "  ".join(f"{name:>7}" for name in NAMES))
    for name, values in rows.items():
        print(f"  {name:38} " + "  ".join(f"{value:7.1f}" for value in values))


def main() -> None:
    """Print a table of every set and the means of both halves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--minilm", type=Path)
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--kind", action="append", choices=KINDS, help="sets of this kind only; may be repeated")
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()
    meanings: dict[str, Meaning] = {"student": Student(arguments.weights)}
    if arguments.minilm:
        from agentforge.embed.minilm import MiniLM

        meanings["minilm"] = MiniLM(arguments.minilm)
    kept = arguments.cache.with_suffix(".sets") if arguments.cache else None
    if kept and kept.exists():
        every = pickle.loads(kept.read_bytes())
    else:
        every = list(sets.all_sets(arguments.sources))
        if kept:
            kept.write_bytes(pickle.dumps(every))
    if arguments.kind:
        every = [item for item in every if item.name.split(":")[0] in arguments.kind]
    systems = Systems(meanings, arguments.model, every, arguments.cache)
    report([(item, systems.alone(item)) for item in every])
    for name, known in systems.kept.items():
        if known.count:
            print(f"\n{name}: {known.count / known.seconds:.0f} texts a CPU second")


if __name__ == "__main__":
    main()
