"""SQL text: files under sql/, from the installed package first, from the checkout second."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

_NAME = re.compile(r"^-- (\w+) --$", re.MULTILINE)


@cache
def folder() -> Traversable:
    """Where the SQL files are: `agentforge/_sql` in a wheel, `sql/` in a checkout."""
    installed = resources.files("agentforge").joinpath("_sql")
    return installed if installed.is_dir() else Path(__file__).parents[2] / "sql"


@cache
def load(file_name: str) -> dict[str, bytes]:
    """The named queries of `sql/queries/<file_name>.sql`: each begins with a line `-- name --`."""
    text = folder().joinpath("queries", f"{file_name}.sql").read_text("utf-8")
    parts = _NAME.split(text)
    return {name: body.strip().encode() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
