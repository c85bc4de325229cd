"""What is said of bandit's tests: the data of `tests.toml`, read once a process."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_TESTS = Path(__file__).with_name("tests.toml")


@cache
def described() -> dict[str, dict[str, Any]]:
    """Id of a test -> what is said of it."""
    return tomllib.loads(_TESTS.read_text("utf-8"))


@cache
def not_in_tests() -> frozenset[str]:
    """Ids of the tests that do not count in files that hold tests unless a project enables them."""
    return frozenset(id_ for id_, test in described().items() if not test.get("in_tests", True))
