"""Write what tells whether a function falls within a shipped pattern, for the default model.

    python training/pattern_bounds.py

Run it after a change of the model or of a pattern's examples or spread; a test says when. Where it was not run, the
program computes the same numbers itself, once a process.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agentforge.embed.interface import load
from agentforge.embed.patterns import digest, shape_of
from agentforge.patterns import shipped

FILE = Path(__file__).parents[1] / "agentforge" / "embed" / "patterns.npz"


def main() -> None:
    """Compute and write them."""
    embedder = load()
    shapes = [shape_of(pattern.examples, pattern.spread, embedder) for pattern in shipped()]
    np.savez_compressed(
        FILE,
        model=np.array(f"{embedder.name} {embedder.version}"),
        digests=np.array([digest(pattern) for pattern in shipped()]),
        centroids=np.array([shape.centroid for shape in shapes], dtype=np.float32),
        least=np.array([shape.least for shape in shapes]),
    )
    for pattern, shape in zip(shipped(), shapes, strict=True):
        print(
            f"{pattern.name:28} {len(pattern.examples):2} examples, mean {shape.mean:.3f}, "
            f"deviation {shape.deviation:.3f}, from {shape.least:.3f} on"
        )


if __name__ == "__main__":
    main()
