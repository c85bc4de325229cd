"""The configuration file of a run: which one it is, and at which line it says what."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentforge.config.toml import UnreadableTomlError, printable, read
from agentforge.errors import UsageError

OWN_FILE = "agentforge.toml"
PYPROJECT = "pyproject.toml"
TABLE = ("tool", "agentforge")

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file with settings.

    Attributes:
        path: absolute, symbolic links resolved; what it names is relative to its folder.
        shown: how messages call it.
        own: whether it lies in the analysed tree, whose authors need not be trusted, and nobody named it.
        text: of the file.
        data: its settings.
        table: where in the file they stand.
    """

    path: str
    shown: str
    own: bool
    text: str
    data: Mapping[str, Any]
    table: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Where it lies."""
        return str(Path(self.path).parent)

    def place(self, *path: str | int) -> str:
        """The file, with the line at which a value begins, or the table around it where that cannot be told.

        Args:
            path: keys, and numbers of entries in a list, below the table of the settings.
        """
        whole: KeyPath = (*self.table, *path)
        while whole:
            if line := _Lines(self.text).find(whole):
                return f"{self.shown}:{line}"
            whole = whole[:-1]
        return self.shown


def find(root: str) -> ConfigFile | None:
    """The file that configures a tree: `agentforge.toml`, or the `pyproject.toml` with a table `[tool.agentforge]`.

    Args:
        root: of the tree, symbolic links resolved.

    Raises:
        UsageError: both configure it, or a file cannot be read.
    """
    try:
        own = _load(str(Path(root) / OWN_FILE), OWN_FILE, own=True, table=())
    except FileNotFoundError:
        own = None
    try:
        project = _load(str(Path(root) / PYPROJECT), PYPROJECT, own=True, table=TABLE)
    except FileNotFoundError:
        project = None
    except UnreadableTomlError:
        if own is None:
            raise
        project = None
    if own is not None and project is not None:
        raise UsageError(
            f"Both {OWN_FILE} and [tool.agentforge] in {PYPROJECT} configure this project.", "Keep one of them."
        )
    return own or project


def named(path: str) -> ConfigFile:
    """The file that somebody names with `--config`.

    Raises:
        UsageError: it is not there or cannot be read, or is a pyproject.toml without the table.
    """
    real = os.path.realpath(path)
    shown = printable(path, 1000)
    table = TABLE if Path(real).name == PYPROJECT else ()
    try:
        found = _load(real, shown, own=False, table=table)
    except FileNotFoundError:
        raise UsageError(f"There is no file {shown}.", "Name an agentforge.toml or a pyproject.toml.") from None
    if found is None:
        raise UsageError(f"{shown} has no table [tool.agentforge].", "Add it, or name another file.")
    return found


def _load(path: str, shown: str, *, own: bool, table: tuple[str, ...]) -> ConfigFile | None:
    text, data = read(path, shown)
    found: Any = data
    for key in table:
        found = found.get(key)
        if found is None:
            return None
        if not isinstance(found, dict):
            raise UsageError(f"{shown}: `{key}` is not a table.", f"Write [{'.'.join(table)}].")
    return ConfigFile(path, shown, own, text, found, table)


class _Lines:
    """Finds the line at which a value begins.

    TOML's parser does not say; but the shortest beginning of the text that parses and has the value ends with it, and
    what comes before its first line parses without it. Only a line that has the key is tried, and only so many bytes
    are parsed: the text may be made to waste time.
    """

    def __init__(self, text: str) -> None:
        self._lines = [line + "\n" for line in text.split("\n")]
        self._budget = 4 * len(text) + 200_000

    def find(self, path: KeyPath) -> int | None:
        """The line from 1, None where it cannot be told."""
        wanted = path[-1] if isinstance(path[-1], str) else "["
        for index, line in enumerate(self._lines):
            if self._budget <= 0:
                break
            if wanted in line and self._holds(index, path) is False and self._begins(index, path):
                return index + 1
        return None

    def _begins(self, index: int, path: KeyPath) -> bool:
        """Whether the value is there as soon as the text parses again behind a line."""
        for end in range(index + 1, len(self._lines) + 1):
            found = self._holds(end, path)
            if found is not None or self._budget <= 0:
                return bool(found)
        return False

    def _holds(self, end: int, path: KeyPath) -> bool | None:
        """Whether the first lines hold the value, None where they do not parse."""
        text = "".join(self._lines[:end])
        self._budget -= len(text)
        if self._budget <= 0:
            return None
        try:
            return _has(tomllib.loads(text), path)
        except (ValueError, RecursionError):
            return None


def _has(data: Any, path: KeyPath) -> bool:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True
