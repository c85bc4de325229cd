"""docs/configuration.md and the JSON Schema say what the table of options says, and the schema judges as the tool."""

from __future__ import annotations

import importlib.util
import json
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentforge.config.check import check
from agentforge.config.files import ConfigFile
from agentforge.config.options import members, options, sections
from agentforge.errors import UsageError

DOCS = Path(__file__).parents[3] / "docs"


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_configuration", DOCS / "generate_configuration.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = load_generator()
SCHEMA = json.loads((DOCS / "schemas/configuration.schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def test_the_documents_are_current() -> None:
    assert GENERATOR.reference() in (DOCS / "configuration.md").read_text(), (
        "run: python docs/generate_configuration.py"
    )
    assert GENERATOR.schema() == SCHEMA, "run: python docs/generate_configuration.py"


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_every_example_is_right() -> None:
    blocks = (DOCS / "configuration.md").read_text().split("```toml\n")[1:]
    examples = [block.split("```")[0] for block in blocks]
    assert len(examples) >= len([option for option in options().values() if option.example])
    for example in examples:
        data = tomllib.loads(example).get("tool", {}).get("agentforge", {})
        VALIDATOR.validate(data)
        check(config_file(data))


def test_every_option_says_what_it_is() -> None:
    for key, option in options().items():
        assert option.help.endswith("."), key
        assert option.section in {section.name for section in sections()} | {""}
        assert option.example or not option.file, key
        assert option.default is None or not option.problem(option.default), key
        assert bool(option.why_not) is bool(option.own_values or not option.file), key


def config_file(data: dict[str, Any]) -> ConfigFile:
    return ConfigFile("/x/agentforge.toml", "agentforge.toml", True, "", data, ())


PLAIN = st.one_of(
    st.none().map(lambda _: "hybrid"),
    st.booleans(),
    st.integers(-2, 600),
    st.sampled_from([0.5, 99.5, 100.5]),
    st.sampled_from(["", "x", "high", "table", "json", "hybrid", "full"]),
    st.lists(st.sampled_from(["a", "", 1]), max_size=2),
    st.dictionaries(st.sampled_from(["critical", "B101"]), st.sampled_from(["high", "hgh", 0, -1, True]), max_size=2),
)


def tables(section: str) -> st.SearchStrategy[dict[str, Any]]:
    names = [*members(section), "unknown"]
    return st.dictionaries(st.sampled_from(names), PLAIN, max_size=3)


@given(tables(""), st.none() | tables("gate") | PLAIN, st.none() | st.lists(tables("overrides"), max_size=2) | PLAIN)
def test_the_schema_judges_as_the_tool_does(main: dict[str, Any], gate: Any, overrides: Any) -> None:
    data = dict(main)
    if gate is not None:
        data["gate"] = gate
    if overrides is not None:
        data["overrides"] = overrides
    if data.get("model") not in (None, "hybrid"):
        data.pop("model")  # which models the project's own file may name is beyond a schema
    try:
        check(config_file(data))
        right = True
    except UsageError:
        right = False
    assert VALIDATOR.is_valid(data) is right


@pytest.mark.parametrize("name", ["analysis", "settings", "configuration"])
def test_schemas_refuse_what_they_do_not_know(name: str) -> None:
    schema = json.loads((DOCS / f"schemas/{name}.schema.json").read_text())
    assert not jsonschema.validators.validator_for(schema)(schema).is_valid({"no such key": 1})
