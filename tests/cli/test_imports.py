"""What a command imports before it has anything to do: a user waits for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agentforge import model

HEAVY = {"agentforge.model.report", "bandit", "numpy", "pathspec", "psycopg", "rich", "tree_sitter"}


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("agentforge.cli.app", set()),
        ("agentforge.cli.users", set()),
        ("agentforge.cli.similar", {"agentforge.model.report", "rich"}),
    ],
)
def test_what_is_not_needed_is_not_imported(module: str, expected: set[str]) -> None:
    script = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stdout.split()) == expected


def test_each_record_of_the_model_is_found_where_it_is() -> None:
    assert {getattr(model, name) is not None for name in model.__all__} == {True}
    with pytest.raises(AttributeError, match="has no attribute 'annotations'"):
        model.annotations  # noqa: B018 - a module of the model has one
