"""How fast the student is: functions a CPU second, tokens and all, on harvested functions.

    OPENBLAS_NUM_THREADS=1 python training/infer.py WEIGHTS --speed FILE

The net itself is agentforge/embed/student.py.
"""

from __future__ import annotations

import argparse
import pickle
import time
from pathlib import Path

import numpy as np

from agentforge.embed.student import Student


def main() -> None:
    """Print it three times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--speed", type=Path, required=True, help="a pickle that training/harvest.py wrote")
    arguments = parser.parse_args()
    rows = pickle.loads(arguments.speed.read_bytes())
    student = Student(arguments.weights)
    functions = [(row[6], row[2]) for row in rows]
    tokens = np.mean([len(student.vocabulary.rows(*item)) for item in functions])
    for _ in range(3):
        started = time.process_time()
        for item in functions:
            student.vocabulary.rows(*item)
        middle = time.process_time()
        student.vectors(functions)
        ended = time.process_time()
        read, both = middle - started, ended - middle
        print(
            f"{len(functions)} functions, {tokens:.0f} sub-tokens each: "
            f"{len(functions) / both:,.0f} a CPU second, of which sub-tokens {len(functions) / read:,.0f}"
        )


if __name__ == "__main__":
    main()
