"""How surely the mean vector of a language tells whether a certain function is among those that it is the mean of.

    export PYTHONPATH=training:benchmarks
    python benchmarks/similarity/means.py FILE --model NAME

after `evaluate.py EVALUATION --model NAME --cache FILE`, whose vectors it takes. Whoever asks has the function, the
mean, and all vectors of the language but those of which he asks, which tell him how these are spread. He goes by what
the mean deviates from what is usual, in directions in which little is usual first (Fisher's discriminant, with the
ridge that serves him best). Printed is how many in a hundred guesses are right, of one function that is among those
that were counted and one that is not: 50 is chance.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import evaluate
import numpy as np

from agentforge.embed.centres import rounded

LANGUAGE = "python"
COUNTED = (50, 100, 200, 400)
COARSE = (0.0, 0.15, 0.3, 0.6)
RIDGES = (1e-5, 1e-4, 3e-4, 1e-3, 3e-3)
REPEATS = 10


def right_guesses(vectors: np.ndarray, counted: int, rng: np.random.Generator) -> np.ndarray:
    """The share of right guesses by the mean of so many functions, for each of `COARSE`."""
    order = rng.permutation(len(vectors))
    among, others, known = np.split(vectors[order], [counted, 2 * counted])
    usual, spread = known.mean(0), np.cov(known.T)
    shares = np.zeros((len(COARSE), len(RIDGES)))
    for column, ridge in enumerate(RIDGES):
        inverse = np.linalg.inv(spread + ridge * np.eye(len(spread)))
        for row, coarse in enumerate(COARSE):
            mean = rounded(among.mean(0), coarse) if coarse else among.mean(0)
            direction = inverse @ (mean - usual)
            shares[row, column] = np.searchsorted(np.sort(others @ direction), among @ direction).mean() / counted
    return shares.max(axis=1)


def main() -> None:
    """Print a row for each number of functions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--model", required=True)
    arguments = parser.parse_args()
    vectors = evaluate.Kept(evaluate.file_name(arguments.model), arguments.cache).of_language(LANGUAGE)
    print(f"{len(vectors)} functions in {LANGUAGE}; rounded to so much of a usual component:")
    print(f"{'counted':>10}" + "".join(f"{coarse or 'not':>8}" for coarse in COARSE))
    rng = np.random.default_rng(0)
    for counted in COUNTED:
        shares = np.mean([right_guesses(vectors, counted, rng) for _ in range(REPEATS)], axis=0)
        print(f"{counted:>10}" + "".join(f"{100 * share:8.1f}" for share in shares), flush=True)


if __name__ == "__main__":
    main()
