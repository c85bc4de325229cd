"""The student's inference: sub-tokens, and vectors that do not depend on a batch or on the order of additions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agentforge.embed.student import WEIGHTS, Student
from agentforge.embed.subtokens import Vocabulary, units
from agentforge.errors import AgentForgeError

WIDTH, KERNEL, OUTPUT, WORDS = 32, 5, 16, ["get", "user", "return", "self"]
PLACES, PARTS = 8, 4
FUNCTIONS = [
    ("def get_user(self):\n    return self.user_by_id[7]\n", "python"),
    ("function getUser() { return this.user }", "javascript"),
    ("", "python"),
    ("int f(void) { " + "x = x + 1; " * 200 + "}", "c"),
]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A net of random whole numbers, as training/student.py writes them."""
    rng = np.random.default_rng(1)
    rows = Vocabulary(WORDS).size
    found: dict[str, Any] = {
        "words": np.frombuffer("\n".join(WORDS).encode(), dtype=np.uint8),
        "table": rng.integers(-127, 128, (rows, WIDTH)).astype(np.int8),
        "place": rng.integers(-127, 128, (PLACES + 1, WIDTH)).astype(np.int8),
        "share": rng.integers(1, 129, rows).astype(np.uint8),
    }
    found["table"][0] = found["place"][-1] = 0
    shapes = {"around": (WIDTH, WIDTH), "out": (OUTPUT, 2 * WIDTH), "early": (1, WIDTH), "late": (PARTS, WIDTH)}
    for block in ("first", "second"):
        shapes |= {f"{block}.wide": (WIDTH, KERNEL * WIDTH), f"{block}.back": (WIDTH, WIDTH)}
    for name, shape in shapes.items():
        found[f"{name}.weight"] = rng.integers(-127, 128, shape).astype(np.int8)
        found[f"{name}.bias"] = rng.integers(-500, 500, shape[0]).astype(np.int32)
        found[f"{name}.step"] = rng.uniform(0.001, 0.003, shape[0])
    path = tmp_path / "student.npz"
    np.savez_compressed(path, allow_pickle=False, **found)
    return path


def test_subtokens_drop_comments_and_split_names() -> None:
    assert units('def getUser_by(x):  # of a team\n    """Doc."""\n    return "a b"', "python") == (
        ["0python", "def", "get", "user", "by", "x", "return", '"', "a", "b"],
        ["", "", "getUser_by", "getUser_by", "getUser_by", "x", "", "", "", ""],
    )
    assert units("a -- b\nc", "lua")[0] == ["0lua", "a", "c"]
    assert units("a /* b\n */ + c // d", "java")[0] == ["0java", "a", "+", "c"]
    assert units('"// no comment" x', "java")[0] == ["0java", '"', "no", "comment", "x"]
    assert units("don't // the user's text", "text")[0] == ["0text", "don", "t", "the", "user", "s", "text"]


def test_only_a_language_of_the_vocabulary_is_named() -> None:
    vocabulary = Vocabulary(["0python", "0", "x"])
    assert vocabulary.rows("x", "python") == [1, 3]
    assert vocabulary.rows("x", "cobol") == vocabulary.rows("x", "") == [3]
    assert vocabulary.rows("# only a comment", "python") == []
    assert max(vocabulary.rows("y z w", "")) < vocabulary.size


def test_a_vector_does_not_depend_on_its_batch(weights: Path) -> None:
    student = Student(weights)
    together = student.vectors(FUNCTIONS * 20)
    alone = np.vstack([student.vectors([function]) for function in FUNCTIONS])
    np.testing.assert_array_equal(together, np.vstack([alone] * 20))
    np.testing.assert_allclose(np.linalg.norm(alone, axis=1), [1, 1, 0, 1], atol=1e-6)
    assert len(np.unique(alone, axis=0)) == len(FUNCTIONS)


def test_a_vector_does_not_depend_on_the_order_of_additions(weights: Path) -> None:
    """The same net with the components of its table in another order adds the same numbers in another order."""
    expected = Student(weights).vectors(FUNCTIONS)
    order = np.random.default_rng(2).permuted(np.arange(WIDTH).reshape(PARTS, -1), axis=1).ravel()
    with np.load(weights) as stored:
        found = {name: stored[name] for name in stored.files}
    for name in ("table", "place", "early.weight", "late.weight"):
        found[name] = found[name][:, order]
    for name in ("first.wide", "second.wide"):
        shape = found[f"{name}.weight"].reshape(WIDTH, KERNEL, WIDTH)
        found[f"{name}.weight"] = shape[:, :, order].reshape(WIDTH, KERNEL * WIDTH)
    for name in ("first.back", "second.back", "around"):
        for part in ("weight", "bias", "step"):
            found[f"{name}.{part}"] = found[f"{name}.{part}"][order]
    found["around.weight"] = found["around.weight"][:, order]
    found["out.weight"] = found["out.weight"].reshape(OUTPUT, 2, WIDTH)[:, :, order].reshape(OUTPUT, 2 * WIDTH)
    np.savez(weights, allow_pickle=False, **found)
    np.testing.assert_array_equal(Student(weights).vectors(FUNCTIONS), expected)


def test_the_weights_that_are_shipped_can_be_read() -> None:
    student = Student()
    assert student.dimension == student.vectors([("return 1", "python")]).shape[1]
    assert WEIGHTS.stat().st_size < 5_000_000


def test_damaged_or_missing_weights_are_said_in_a_sentence(weights: Path) -> None:
    whole = weights.read_bytes()
    for damaged in (b"", b"no archive", whole[: len(whole) // 2], whole[:200] + bytes(100) + whole[300:]):
        weights.write_bytes(damaged)
        with pytest.raises(AgentForgeError, match=r"student\.npz are damaged\.\n.*--model fast"):
            Student(weights).vectors([("x", "python")])
    weights.unlink()
    with pytest.raises(AgentForgeError, match=r"cannot be read\.\n.*--model fast"):
        _ = Student(weights).version
