"""The student's inference: sub-tokens, and vectors that do not depend on a batch or on the order of additions."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

TRAINING = Path(__file__).resolve().parents[3] / "training"
WIDTH, KERNEL, OUTPUT, WORDS = 32, 5, 16, ["get", "user", "return", "self"]
FUNCTIONS = [
    ("def get_user(self):\n    return self.user_by_id[7]\n", "python"),
    ("function getUser() { return this.user }", "javascript"),
    ("", "python"),
    ("int f(void) { " + "x = x + 1; " * 200 + "}", "c"),
]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(TRAINING))

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    return load


@pytest.fixture
def weights(module: Any, tmp_path: Path) -> Path:
    """A net of random whole numbers, as training/student.py writes them."""
    rng = np.random.default_rng(1)
    rows = module("subtokens").Vocabulary(WORDS).size
    found: dict[str, Any] = {
        "words": np.frombuffer("\n".join(WORDS).encode(), dtype=np.uint8),
        "table": rng.integers(-127, 128, (rows, WIDTH)).astype(np.int8),
        "share": rng.integers(1, 129, rows).astype(np.uint8),
    }
    found["table"][0] = 0
    shapes = {"around": (WIDTH, WIDTH), "out": (OUTPUT, 2 * WIDTH)}
    for block in ("first", "second"):
        shapes |= {f"{block}.wide": (WIDTH, KERNEL * WIDTH), f"{block}.back": (WIDTH, WIDTH)}
    for name, shape in shapes.items():
        found[f"{name}.weight"] = rng.integers(-127, 128, shape).astype(np.int8)
        found[f"{name}.bias"] = rng.integers(-500, 500, shape[0]).astype(np.int32)
        found[f"{name}.step"] = rng.uniform(0.001, 0.003, shape[0])
    path = tmp_path / "student.npz"
    np.savez_compressed(path, allow_pickle=False, **found)
    return path


def test_subtokens_drop_comments_and_split_names(module: Any) -> None:
    units = module("subtokens").units
    assert units('def getUser_by(x):  # of a team\n    """Doc."""\n    return "a b"', "python") == (
        ["def", "get", "user", "by", "x", "return", '"', "a", "b"],
        ["", "getUser_by", "getUser_by", "getUser_by", "x", "", "", "", ""],
    )
    assert units("a -- b\nc", "lua")[0] == ["a", "c"]
    assert units("a /* b\n */ + c // d", "java")[0] == ["a", "+", "c"]
    assert units('"// no comment" x', "java")[0] == ['"', "no", "comment", "x"]


def test_a_vector_does_not_depend_on_its_batch(module: Any, weights: Path) -> None:
    student = module("infer").NumpyStudent(weights)
    together = student.embed(FUNCTIONS * 20)
    alone = np.vstack([student.embed([function]) for function in FUNCTIONS])
    np.testing.assert_array_equal(together, np.vstack([alone] * 20))
    np.testing.assert_allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-6)
    assert len(np.unique(alone, axis=0)) == len(FUNCTIONS)


def test_a_vector_does_not_depend_on_the_order_of_additions(module: Any, weights: Path) -> None:
    """The same net with the components of its table in another order adds the same numbers in another order."""
    infer = module("infer")
    expected = infer.NumpyStudent(weights).embed(FUNCTIONS)
    order = np.random.default_rng(2).permutation(WIDTH)
    with np.load(weights) as stored:
        found = {name: stored[name] for name in stored.files}
    found["table"] = found["table"][:, order]
    for name in ("first.wide", "second.wide"):
        shape = found[f"{name}.weight"].reshape(WIDTH, KERNEL, WIDTH)
        found[f"{name}.weight"] = shape[:, :, order].reshape(WIDTH, KERNEL * WIDTH)
    for name in ("first.back", "second.back", "around"):
        for part in ("weight", "bias", "step"):
            found[f"{name}.{part}"] = found[f"{name}.{part}"][order]
    found["around.weight"] = found["around.weight"][:, order]
    found["out.weight"] = found["out.weight"].reshape(OUTPUT, 2, WIDTH)[:, :, order].reshape(OUTPUT, 2 * WIDTH)
    np.savez(weights, allow_pickle=False, **found)
    np.testing.assert_array_equal(infer.NumpyStudent(weights).embed(FUNCTIONS), expected)
