"""The settings of a run, from all that the user said and the tree's own file; and how they are shown."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentforge.cli.output import print_json, print_table
from agentforge.config import files
from agentforge.config.options import Option, options
from agentforge.config.resolve import resolve
from agentforge.config.settings import Origin, Settings, Source
from agentforge.config.toml import printable
from agentforge.errors import UsageError
from agentforge.walk import WalkOptions

_HIDDEN = "(set, not shown)"


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says.

    Attributes:
        flags: key of an option (agentforge/config/options.toml) to its value; None and an empty list are nothing.
        config: the file to read instead of the tree's own, None for that.
        isolated: read no file.
    """

    flags: Mapping[str, Any]
    config: str | None = None
    isolated: bool = False

    def settings(self, root: str) -> Settings:
        """What is in force for a run over a tree.

        Args:
            root: of the tree.

        Raises:
            UsageError: a source gives what an option does not take, or the file cannot be read.
        """
        if self.config and self.isolated:
            raise UsageError("--config names a file and --isolated reads none.", "Give one of them.")
        file = None
        if self.config:
            file = files.named(self.config)
        elif not self.isolated:
            file = files.find(root)
        given = {key: value for key, value in self.flags.items() if value not in (None, [], ())}
        said = {key: value for key, value in given.items() if not _from_variable(key, value)}
        return resolve(file, os.environ, said, str(Path.cwd()))


def _from_variable(key: str, value: Any) -> bool:
    """Whether typer, which reads the variables of what is in no file, has a value from there."""
    option = options()[key]
    return not option.file and value == os.environ.get(option.environment)


def walk_options(settings: Settings) -> WalkOptions:
    """The part of the settings that `walk` needs."""
    return WalkOptions(
        settings.include,
        settings.exclude,
        settings.max_file_size,
        settings.project_include,
        settings.project_exclude,
    )


def worker_processes(jobs: int | None) -> int:
    """So many as are wanted, or the cores that this process may use."""
    return jobs or len(os.sched_getaffinity(0))


def show(settings: Settings, *, analyze: bool) -> None:
    """Every option, its value, and where that comes from; in the format of the settings: a table, or JSON.

    Args:
        settings: of the run.
        analyze: whether the options that only `analyze` has are among them.
    """
    if settings.format == "json":
        print_json({"file": settings.file, "settings": [_object(*row) for row in _rows(settings, analyze=analyze)]})
        return
    rows = [
        (key, _text(_value(option, origins)), ", ".join(origin.place or "default" for origin in origins))
        for key, option, origins in _rows(settings, analyze=analyze)
    ]
    print_table(("option", "value", "from"), rows)


Row = tuple[str, Option | None, tuple[Origin, ...]]


def _rows(settings: Settings, *, analyze: bool) -> Iterator[Row]:
    """Key, option and origins; each override is an option of its own."""
    for key, option in options().items():
        if key in settings.origins and (analyze or not option.analyze_only):
            yield key, option, settings.origins[key]
    for index, origin in enumerate(settings.origins.get("overrides", ())):
        yield f"overrides[{index}]", None, (origin,)


def _value(option: Option | None, origins: tuple[Origin, ...]) -> Any:
    if option is not None and option.secret and origins[0].source is not Source.DEFAULT:
        return _HIDDEN
    if option is not None and option.appends:
        return [text for origin in reversed(origins) for text in origin.value]
    return origins[0].value


def _object(key: str, option: Option | None, origins: tuple[Origin, ...]) -> dict[str, Any]:
    return {
        "key": key,
        "value": _value(option, origins),
        "source": origins[0].source.value,
        "places": [origin.place for origin in origins if origin.place],
    }


def _text(value: Any) -> str:
    """A value as people read it, on one line."""
    if value is None:
        return "not set"
    if isinstance(value, Mapping):
        return ", ".join(f"{printable(str(key))} = {_text(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    return printable(str(value), 1000)
