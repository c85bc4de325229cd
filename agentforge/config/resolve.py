"""Flags, environment, file and defaults to the one value of each option: the strongest source that says something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from agentforge.config import places
from agentforge.config.check import check
from agentforge.config.files import ConfigFile
from agentforge.config.options import Option, options
from agentforge.config.settings import (
    GateSettings,
    Origin,
    OutputFile,
    Override,
    RuleSettings,
    Settings,
    Source,
)
from agentforge.errors import UsageError
from agentforge.model import Severity

EVERYWHERE = ("*",)
_OVERRIDES = "overrides"


def resolve(file: ConfigFile | None, environment: Mapping[str, str], flags: Mapping[str, Any], folder: str) -> Settings:
    """What is in force for a run: flag before environment before file before default.

    Args:
        file: the configuration file, None where there is none.
        environment: all variables; an empty one counts as not there.
        flags: key of an option to what the command line says of it, in plain TOML values; None is nothing.
        folder: absolute; what flags and variables name is relative to it.

    Raises:
        UsageError: a source gives what an option does not take.
    """
    if file is not None:
        check(file)
    found = {
        option.key: _origins(option, file, environment, flags)
        for option in options().values()
        if option.section != _OVERRIDES
    }
    entries = file.data.get(_OVERRIDES, ()) if file else ()
    found[_OVERRIDES] = tuple(
        Origin(Source.FILE, entry, partial(_place, file, _OVERRIDES, index)) for index, entry in enumerate(entries)
    )
    return _settings(_Values(found, file, folder))


def _place(file: ConfigFile | None, *path: str | int) -> str:
    return file.place(*path) if file else ""


def _origins(
    option: Option, file: ConfigFile | None, environment: Mapping[str, str], flags: Mapping[str, Any]
) -> tuple[Origin, ...]:
    """What the sources say of an option, the strongest first; only the strongest where it replaces the others."""
    found: list[Origin] = []
    flag = flags.get(option.key)
    if flag is not None:
        found.append(_given(option, Source.FLAG, flag, option.flag or option.key))
    text = environment.get(option.environment, "") if option.environment else ""
    if text:
        found.append(_given(option, Source.ENVIRONMENT, option.from_text(text), option.environment))
    path = option.key.split(".")
    value: Any = file.data if file else None
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is not None:
        found.append(Origin(Source.FILE, value, partial(_place, file, *path)))
    if option.appends and found:
        return tuple(found)
    return (*found, Origin(Source.DEFAULT, option.default))[:1]


def _given(option: Option, source: Source, value: Any, place: str) -> Origin:
    if isinstance(value, tuple):
        value = list(value)
    if problem := option.problem(value):
        raise UsageError(f"{place} must be {problem}.", "docs/configuration.md describes every option.")
    return Origin(source, value, partial(str, place))


class _Values:
    """The origins of all options, and what they come to."""

    def __init__(self, origins: Mapping[str, tuple[Origin, ...]], file: ConfigFile | None, folder: str) -> None:
        self.origins, self.file, self.folder = origins, file, folder

    def value(self, key: str) -> Any:
        """Of an option that one source decides."""
        return self.origins[key][0].value

    def texts(self, key: str, source: Source | None = None) -> tuple[str, ...]:
        """Of a list: what all sources say, the strongest last, or what one of them does."""
        origins = [origin for origin in reversed(self.origins[key]) if source in (None, origin.source)]
        return tuple(text for origin in origins for text in origin.value)

    def paths(self, key: str, make: Callable[[Origin, str], Any]) -> tuple[Any, ...]:
        """Of a list of paths, each as `make` understands it."""
        made = []
        for origin in self.origins[key]:
            for text in origin.value:
                try:
                    made.append(make(origin, text))
                except places.MisplacedError as error:
                    hint = f"docs/configuration.md says what `{key}` may name."
                    raise UsageError(f"{origin.place}: {error}", hint) from None
        return tuple(made)


def _settings(values: _Values) -> Settings:
    return Settings(
        include=values.texts("include"),
        exclude=values.texts("exclude"),
        project_include=values.texts("include", Source.FILE),
        project_exclude=values.texts("exclude", Source.FILE),
        jobs=values.value("jobs"),
        max_file_size=values.value("max-file-size"),
        model=values.value("model"),
        embed=values.value("embed"),
        format=values.value("format"),
        output_files=values.paths("output-files", partial(_output_file, values)),
        rules=_rules(values),
        overrides=(*map(_override, (origin.value for origin in values.origins[_OVERRIDES])), *_last_word(values)),
        gate=_gate(values),
        file=values.file.shown if values.file else None,
        origins=values.origins,
    )


def _output_file(values: _Values, origin: Origin, text: str) -> OutputFile:
    if origin.source is Source.FILE and values.file is not None:
        return places.output_file(text, values.file.folder, values.file)
    return places.output_file(text, values.folder)


def _rules(values: _Values) -> RuleSettings:
    """What the project's file says of rules."""
    file = values.file
    folders = values.paths("rules", lambda _, path: places.rule_folder(file, path)) if file else ()
    return RuleSettings(
        folders=folders,
        disable=values.texts("disable", Source.FILE),
        enable=values.texts("enable", Source.FILE),
        severity=_severities(values.value("severity")),
    )


def _last_word(values: _Values) -> list[Override]:
    """What variables and flags say of rules: for every path, after all that the file says."""
    said = []
    for source in (Source.ENVIRONMENT, Source.FLAG):
        rules = RuleSettings(disable=values.texts("disable", source), enable=values.texts("enable", source))
        if rules != RuleSettings():
            said.append(Override(EVERYWHERE, rules))
    return said


def _override(entry: Mapping[str, Any]) -> Override:
    return Override(
        tuple(entry["paths"]),
        RuleSettings(
            disable=tuple(entry.get("disable", ())),
            enable=tuple(entry.get("enable", ())),
            severity=_severities(entry.get("severity", {})),
        ),
    )


def _severities(table: Mapping[str, str]) -> Mapping[str, Severity]:
    return {rule: Severity(severity) for rule, severity in table.items()}


def _gate(values: _Values) -> GateSettings:
    fail_on = values.value("gate.fail-on")
    numbers = {
        option.name.replace("-", "_"): values.value(option.key)
        for option in options().values()
        if option.section == "gate" and option.type in ("integer", "number")
    }
    allowed = values.value("gate.new-violations")
    return GateSettings(
        fail_on=Severity(fail_on) if fail_on and fail_on != "never" else None,
        new_violations={Severity(severity): count for severity, count in allowed.items()},
        **numbers,
    )
