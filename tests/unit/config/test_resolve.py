"""Flag before environment before file before default, whatever the option."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentforge.config.files import ConfigFile
from agentforge.config.options import SEVERITIES, Option, options
from agentforge.config.resolve import resolve
from agentforge.config.settings import Override, RuleSettings, Settings, Source
from agentforge.embed.interface import DEFAULT_MODEL
from agentforge.errors import UsageError
from agentforge.model import Severity
from agentforge.walk import MAX_FILE_SIZE

FOLDER = "/somewhere"
ONE_VALUE = [o for o in options().values() if o.file and not o.appends and o.section != "overrides" and o.environment]
APPENDED = [o for o in options().values() if o.appends]
WORD = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)


def config_file(data: dict[str, Any]) -> ConfigFile:
    return ConfigFile("/tree/agentforge.toml", "agentforge.toml", True, "", data, ())


def nested(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    return value  # type: ignore[no-any-return]


def values(option: Option) -> st.SearchStrategy[Any]:
    if option.choices:
        return st.sampled_from(sorted(option.choices))
    if option.own_values:
        return st.sampled_from(sorted(option.own_values))
    if option.type == "integer":
        return st.integers(int(option.minimum or 0), int(option.maximum or 1000))
    if option.type == "number":
        return st.floats(option.minimum, option.maximum, allow_nan=False)
    return st.lists(WORD, min_size=1) if option.type in ("texts", "globs") else WORD


def as_text(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


@given(st.data())
def test_the_strongest_source_that_says_something_decides(data: st.DataObject) -> None:
    option = data.draw(st.sampled_from(ONE_VALUE))
    said = {source: data.draw(st.none() | values(option)) for source in (Source.FLAG, Source.ENVIRONMENT, Source.FILE)}
    environment = (
        {option.environment: as_text(said[Source.ENVIRONMENT])} if said[Source.ENVIRONMENT] is not None else {}
    )
    file = config_file(nested(option.key, said[Source.FILE]) if said[Source.FILE] is not None else {})
    settings = resolve(file, environment, {option.key: said[Source.FLAG]}, FOLDER)
    wanted = next(((source, value) for source, value in said.items() if value is not None), None)
    (origin,) = settings.origins[option.key]
    assert (origin.source, origin.value) == (wanted or (Source.DEFAULT, option.default))


@given(st.data())
def test_what_adds_up_has_all_sources_the_strongest_last(data: st.DataObject) -> None:
    option = data.draw(st.sampled_from(APPENDED))
    flag, variable, file = (data.draw(st.lists(WORD, max_size=3)) for _ in range(3))
    settings = resolve(
        config_file({option.key: file}), {option.environment: ",".join(variable)}, {option.key: flag}, FOLDER
    )
    found = [text for origin in reversed(settings.origins[option.key]) for text in origin.value]
    assert found == [*file, *variable, *flag]


@given(st.data())
def test_an_option_leaves_all_others_alone(data: st.DataObject) -> None:
    option = data.draw(st.sampled_from(ONE_VALUE))
    settings = resolve(None, {}, {option.key: data.draw(values(option))}, FOLDER)
    untouched = resolve(None, {}, {}, FOLDER)
    changed = {key for key, origins in settings.origins.items() if origins and origins[0].source is not Source.DEFAULT}
    assert changed == {option.key}
    assert {key: value for key, value in settings.origins.items() if key != option.key} == {
        key: value for key, value in untouched.origins.items() if key != option.key
    }


def test_defaults_are_those_of_the_type() -> None:
    """The table of options and the record that the pipeline reads agree on what nobody set."""
    settings = resolve(None, {}, {}, FOLDER)
    fields = [name for name in Settings.__dataclass_fields__ if name != "origins"]
    assert {name: getattr(settings, name) for name in fields} == {name: getattr(Settings(), name) for name in fields}
    assert (settings.max_file_size, settings.model) == (MAX_FILE_SIZE, DEFAULT_MODEL)


def test_a_whole_file() -> None:
    file = config_file(
        {
            "exclude": ["docs/"],
            "disable": ["B1*"],
            "severity": {"long-file": "info"},
            "output-files": ["json:out/a.json"],
            "overrides": [{"paths": ["tests/"], "enable": ["B101"], "severity": {"B101": "low"}}],
            "gate": {"fail-on": "high", "new-violations": {"critical": 0}, "min-quality-score": 80},
        }
    )
    settings = resolve(file, {"AGENTFORGE_DISABLE": "B2*"}, {"exclude": ["x"], "enable": ["B201"]}, FOLDER)
    assert (settings.exclude, settings.project_exclude) == (("docs/", "x"), ("docs/",))
    assert settings.rules == RuleSettings(disable=("B1*",), severity={"long-file": Severity.INFO})
    assert settings.overrides == (
        Override(("tests/",), RuleSettings(enable=("B101",), severity={"B101": Severity.LOW})),
        Override(("*",), RuleSettings(disable=("B2*",))),
        Override(("*",), RuleSettings(enable=("B201",))),
    )
    assert [str(item) for item in settings.output_files] == ["json:/tree/out/a.json"]
    assert settings.gate.fail_on is Severity.HIGH
    assert settings.gate.new_violations == {Severity.CRITICAL: 0}
    assert settings.gate.min_quality_score == 80
    assert settings.file == "agentforge.toml"


def test_paths_of_flags_and_variables_are_relative_to_where_one_is() -> None:
    settings = resolve(None, {"AGENTFORGE_OUTPUT_FILES": "sarif:a/../b.sarif, -,json:-, /x"}, {}, FOLDER)
    assert [str(item) for item in settings.output_files] == ["sarif:/somewhere/b.sarif", "-", "json:-", "/x"]


@pytest.mark.parametrize(
    ("environment", "flags", "message"),
    [
        ({"AGENTFORGE_JOBS": "many"}, {}, "AGENTFORGE_JOBS must be a whole number from 0 to 512."),
        ({"AGENTFORGE_FAIL_ON": "hgh"}, {}, "AGENTFORGE_FAIL_ON must be one of critical"),
        ({"AGENTFORGE_GATE_MIN_QUALITY_SCORE": "nan"}, {}, "must be a number from 0 to 100"),
        ({"AGENTFORGE_EXCLUDE": "!"}, {}, "AGENTFORGE_EXCLUDE must be a list of patterns"),
        ({}, {"jobs": -1}, "--jobs must be"),
        ({}, {"format": "yaml"}, "--format must be one of"),
    ],
)
def test_a_wrong_value_is_named_with_its_source(
    environment: dict[str, str], flags: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as error:
        resolve(None, environment, flags, FOLDER)
    assert message in str(error.value)


def test_an_empty_variable_is_not_set() -> None:
    empty = {option.environment: "" for option in options().values() if option.environment}
    assert resolve(None, empty, {}, FOLDER) == resolve(None, {}, {}, FOLDER)


@given(st.dictionaries(WORD, st.sampled_from(SEVERITIES)), st.lists(WORD))
def test_rule_settings_travel_to_workers_and_stay_equal(severities: dict[str, str], names: list[str]) -> None:
    rules = resolve(config_file({"severity": severities, "disable": names}), {}, {}, FOLDER).rules
    again = pickle.loads(pickle.dumps(rules))
    assert (again, hash(again)) == (rules, hash(rules))
    assert json.dumps(severities) == json.dumps(dict(rules.severity))
