"""Every command is in a page of docs/commands, with its options."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from agentforge.cli.app import app

DOCS = Path(__file__).parents[2] / "docs/commands"
PAGES = [file.read_text() for file in sorted(DOCS.glob("*.md"))]


def commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    for part, command in getattr(group, "commands", {}).items():
        yield from commands(command, f"{name} {part}")
        if not hasattr(command, "commands"):
            yield f"{name} {part}", command


def test_every_command_and_its_options_are_documented() -> None:
    found = dict(commands(typer.main.get_command(app), "agentforge"))
    assert len(found) >= 4
    for name, command in found.items():
        text = "".join(page for page in PAGES if name in page)
        assert text, name
        for parameter in command.params:
            long = [option for option in parameter.opts if option.startswith("--")]
            assert all(option in text for option in long), (name, long)
