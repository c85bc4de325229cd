"""Every command and option is in the README."""

from __future__ import annotations

from pathlib import Path

import typer

from agentforge.cli.app import app

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_every_command_and_its_options_are_documented() -> None:
    command = typer.main.get_command(app)
    for name, sub in command.commands.items():  # type: ignore[attr-defined]
        assert f"agentforge {name}" in README
        for parameter in sub.params:
            long = [option for option in parameter.opts if option.startswith("--")]
            assert all(option in README for option in long), (name, long)
