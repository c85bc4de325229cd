"""bandit's own configuration, where a project has one."""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from pathlib import Path

from agentforge.config import places, toml
from agentforge.errors import UsageError


@dataclass(frozen=True, slots=True)
class BanditConfig:
    """What bandit is told: small and picklable.

    Attributes:
        file: a bandit.yaml or a pyproject.toml with `[tool.bandit]`, None where there is none.
        tests, skips: ids of the tests to run alone, and to leave out (from `.bandit`), besides those of the file.
        profile: the file's profile to use instead of its `tests` and `skips` (from `.bandit`), empty for none.
    """

    file: str | None = None
    tests: tuple[str, ...] = ()
    skips: tuple[str, ...] = ()
    profile: str = ""


def load_config(root: str) -> BanditConfig:
    """The configuration in a project's root: `bandit.yaml` or `[tool.bandit]`, and the `[bandit]` section of `.bandit`
    (`tests`, `skips`, `profile`, and `configfile`, from the root).

    Raises:
        UsageError: a file is there and cannot be read, or one is named that is not in the project.
    """
    ini = Path(root) / ".bandit"
    tests: tuple[str, ...] = ()
    skips: tuple[str, ...] = ()
    file, profile = "", ""
    if ini.is_file():
        _named(root, ini.name, ini.name)
        parser = configparser.ConfigParser()
        try:
            parser.read(ini, "utf-8")
        except (configparser.Error, UnicodeDecodeError) as error:
            raise UsageError(f"{ini} cannot be read: {error}", "Correct it, or remove it.") from None
        if parser.has_section("bandit"):
            tests, skips = _ids(parser, "tests"), _ids(parser, "skips")
            file, profile = (parser.get("bandit", option, fallback="") for option in ("configfile", "profile"))
    return BanditConfig(
        _named(root, file, "configfile of .bandit") if file else _file(Path(root)), tests, skips, profile
    )


def _named(root: str, file: str, shown: str) -> str:
    """The path of a file in the root. What it says might be shown in a message, so it is none from elsewhere."""
    try:
        found = places.within(root, file, shown)
    except places.MisplacedError as error:
        raise UsageError(f"{shown}: {error}", "bandit's configuration lies in the project.") from None
    if not Path(found).is_file():
        raise UsageError(f"{shown}: there is no file `{toml.printable(file)}`.", "Correct the name.")
    return found


def _ids(parser: configparser.ConfigParser, option: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in parser.get("bandit", option, fallback="").split(",") if part.strip())


def _file(root: Path) -> str | None:
    for name in ("bandit.yaml", "bandit.yml"):
        if (root / name).is_file():
            return _named(str(root), name, name)
    pyproject = str(root / "pyproject.toml")
    try:
        _, document = toml.read(pyproject, "pyproject.toml")
    except (FileNotFoundError, toml.UnreadableTomlError):
        return None  # whatever it is, it does not configure bandit
    tools = document.get("tool")
    return pyproject if isinstance(tools, dict) and "bandit" in tools else None
