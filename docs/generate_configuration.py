"""Write the options into docs/configuration.md, and the JSON Schema of a configuration file, from the table of options.

    python docs/generate_configuration.py

`tests/unit/config/test_documents.py` holds both to agentforge/config/options.toml.
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

from agentforge.config.options import SEVERITIES, Option, Section, members, sections

DOCUMENT = Path(__file__).with_name("configuration.md")
SCHEMA = Path(__file__).parent / "schemas" / "configuration.schema.json"
BLOCK = re.compile(r"(<!-- options: .*? -->\n).*(<!-- end of the options -->)", re.DOTALL)
KINDS = {
    "text": "text",
    "texts": "list of texts",
    "globs": "list of patterns as in `.gitignore`",
    "integer": "whole number",
    "number": "number",
    "severities": "table: rule id = severity",
    "counts": "table: severity = whole number",
}


def reference() -> str:
    """All options as Markdown, section by section."""
    return "\n".join(_section(section) for section in sections())


def _section(section: Section) -> str:
    parts = [f"## {section.title}\n", _filled(section.doc) + "\n" if section.doc else ""]
    parts += [_option(option) for option in members(section.name).values()]
    return "\n".join(part for part in parts if part)


def _option(option: Option) -> str:
    facts = {
        "type": _kind(option),
        "default": _toml(option.default) if option.default is not None else "",
        "flag": f"`{option.flag}`" if option.flag else "",
        "environment": f"`{option.environment}`" if option.environment else "",
    }
    line = " · ".join(f"{name}: {value}" for name, value in facts.items() if value)
    text = " ".join(filter(None, [option.help, option.doc.strip(), _limits(option)]))
    example = f"\n```toml\n{_place(option)}{option.example}\n```\n" if option.example else ""
    return f"### `{option.key}`\n\n{line}\n\n{_filled(text)}\n{example}"


def _filled(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)


def _kind(option: Option) -> str:
    if option.choices:
        return ", ".join(f"`{choice}`" for choice in option.choices)
    kind = KINDS[option.type]
    if option.minimum is not None and option.maximum is not None:
        return f"{kind} from {option.minimum:,} to {option.maximum:,}"
    return kind + (f", at least {option.minimum:,}" if option.minimum is not None else "")


def _limits(option: Option) -> str:
    """What a file must not say of it."""
    only = "Of `analyze` only." if option.analyze_only else ""
    if not option.file:
        return f"{only} In no file: {option.why_not}.".strip()
    if option.own_values:
        values = ", ".join(f"`{value}`" for value in option.own_values)
        return f"{only} The project's own file may only say {values}: {option.why_not}.".strip()
    return only


def _place(option: Option) -> str:
    """The header under which an example stands."""
    if option.section == "overrides":
        first = "" if option.name == "paths" else 'paths = ["tests/"]\n'
        return f"[[tool.agentforge.overrides]]\n{first}"
    return f"[tool.agentforge{'.' if option.section else ''}{option.section}]\n"


def _toml(value: Any) -> str:
    return f"`{json.dumps(value)}`"


def schema() -> dict[str, Any]:
    """JSON Schema of an `agentforge.toml`; that of the table `[tool.agentforge]` is the same."""
    properties = _properties("")
    for section in sections():
        if not section.name:
            continue
        table: dict[str, Any] = {
            "type": "object",
            "properties": _properties(section.name),
            "additionalProperties": False,
        }
        required = [option.name for option in members(section.name).values() if option.required]
        if required:
            table["required"] = required
        described = {"description": section.title + "."}
        is_list = section.name == "overrides"
        properties[section.name] = described | ({"type": "array", "items": table} if is_list else table)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "AgentForge configuration",
        "description": "agentforge.toml, or the table [tool.agentforge] of pyproject.toml.",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _properties(section: str) -> dict[str, Any]:
    return {option.name: _property(option) for option in members(section).values() if option.file}


def _property(option: Option) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "pattern": "^[^\\u0000]*$"}
    severity = {"enum": list(SEVERITIES)}
    shapes: dict[str, dict[str, Any]] = {
        "text": {"enum": list(option.choices)} if option.choices else text,
        "texts": {"type": "array", "items": text} | ({"minItems": 1} if option.required else {}),
        "integer": {"type": "integer"},
        "number": {"type": "number"},
        "severities": {"type": "object", "additionalProperties": severity},
        "counts": {
            "type": "object",
            "properties": {name: {"type": "integer", "minimum": 0} for name in SEVERITIES},
            "additionalProperties": False,
        },
    }
    shape = shapes["texts" if option.type == "globs" else option.type]
    limits = {"minimum": option.minimum, "maximum": option.maximum, "default": option.default}
    given = {name: value for name, value in limits.items() if value is not None}
    return {"description": option.help, **shape, **given}


if __name__ == "__main__":
    document = DOCUMENT.read_text("utf-8")
    DOCUMENT.write_text(BLOCK.sub(lambda found: f"{found[1]}\n{reference()}\n{found[2]}", document), "utf-8")
    SCHEMA.write_text(json.dumps(schema(), indent=2) + "\n", "utf-8")
