"""Paths that a configuration names, and those that the analysed tree's own file must not name."""

from __future__ import annotations

import os
import re
from pathlib import Path

from agentforge.config.check import nearest
from agentforge.config.files import ConfigFile
from agentforge.config.options import options
from agentforge.config.settings import OutputFile
from agentforge.config.toml import printable

_WITH_FORMAT = re.compile(r"([A-Za-z][\w-]*):(.+)", re.DOTALL)


class MisplacedError(Exception):
    """A path is not where it may be, or of a kind that there is not; the message is what is wrong with it."""


def rule_folder(file: ConfigFile, path: str) -> str:
    """The absolute path of a folder of rules, which stays in the folder of the file that names it.

    Raises:
        MisplacedError: it leaves that folder, goes through a symbolic link, or is no folder.
    """
    found = within(file.folder, path, file.shown)
    if not Path(found).is_dir():
        raise MisplacedError(f"there is no folder `{printable(path)}`.")
    return found


def output_file(text: str, folder: str, file: ConfigFile | None = None) -> OutputFile:
    """A report's format and absolute path from `FORMAT:PATH` or `PATH`; a path `-` stays.

    Args:
        text: as the user wrote it.
        folder: that the path is relative to.
        file: that names it, if it was a file; the analysed tree's own one may name few places.

    Raises:
        MisplacedError: the file may not name that place, or there is no such format.
    """
    match = _WITH_FORMAT.fullmatch(text)
    kind, path = (match[1], match[2]) if match else ("", text)
    formats = options()["format"].choices
    if kind and kind not in formats:
        raise MisplacedError(f"there is no format `{printable(kind)}`. {nearest(kind, formats)}")
    if path == "-":
        return OutputFile(kind, path)
    if file is None or not file.own:
        return OutputFile(kind, os.path.normpath(Path(folder) / path))
    found = within(file.folder, path, file.shown)
    if ".git" in Path(found.lower()).parts[len(Path(file.folder).parts) :]:
        raise MisplacedError(f"`{printable(path)}` lies in a .git folder.")
    return OutputFile(kind, found)


def within(base: str, path: str, shown: str) -> str:
    """The absolute path of what a file names; no part of it below the file's folder is a symbolic link or leads out.

    Args:
        base: the file's folder, absolute, symbolic links resolved.
        path: as the file names it.
        shown: the file, as messages call it.

    Raises:
        MisplacedError: the path leads elsewhere.
    """
    found = os.path.normpath(Path(base) / path)
    if found == base or os.path.commonpath([base, found]) != base:
        raise MisplacedError(f"`{printable(path)}` is not within the folder of {shown}.")
    if os.path.realpath(found) != found:
        raise MisplacedError(f"`{printable(path)}` goes through a symbolic link.")
    return found
