"""The commands about rules and their options. A command's work is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from agentforge.cli.options import DatabaseUrl, DataDir, Format, OutputFormat, database_of
from agentforge.model import Category, Severity

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="What AgentForge looks for, and tests of your own rules."
)

RuleId = Annotated[str, typer.Argument(metavar="ID", help="Of the rule, such as go-defer-in-loop or B608.")]


OfLanguage = Annotated[
    str | None, typer.Option("--language", "-l", metavar="NAME", help="In this language only; without it in all.")
]


@app.command("list")
def list_rules(
    language: Annotated[
        str | None, typer.Option("--language", "-l", metavar="NAME", help="Rules of this language only.")
    ] = None,
    category: Annotated[Category | None, typer.Option("--category", help="Rules of this category only.")] = None,
    severity: Annotated[Severity | None, typer.Option("--severity", help="Rules of this severity or worse.")] = None,
    show_all: Annotated[
        bool, typer.Option("--all/--enabled", help="Those that ship disabled, too; without it those that are on.")
    ] = False,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """List the rules: AgentForge's own and bandit's tests."""
    from agentforge.cli.rules import run_list

    return run_list(language, category, severity, show_all=show_all, as_json=output_format is Format.JSON)


@app.command()
def show(rule_id: RuleId, output_format: OutputFormat = Format.TABLE) -> int:
    """Show all about a rule: why it matters, what to do, examples, and how often it was right on real projects."""
    from agentforge.cli.rules import run_show

    return run_show(rule_id, as_json=output_format is Format.JSON)


@app.command()
def test(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of your own rules: *.toml, <language>/*.toml.")],
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Try your own rules on their examples. Exits with 1 where one is not what it says, with 2 for a wrong rule."""
    from agentforge.cli.rules import run_test

    return run_test(folder, as_json=output_format is Format.JSON)


@app.command()
def enable(
    rule_id: RuleId,
    language: OfLanguage = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Switch a rule on for all projects in the database; for admins."""
    return _set(rule_id, language, database_url, data_dir, output_format, enabled=True)


@app.command()
def disable(
    rule_id: RuleId,
    language: OfLanguage = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Switch a rule off for all projects in the database; for admins."""
    return _set(rule_id, language, database_url, data_dir, output_format, enabled=False)


@app.command()
def set_severity(
    rule_id: RuleId,
    severity: Annotated[Severity, typer.Argument(metavar="SEVERITY", help="critical, high, medium, low or info.")],
    language: OfLanguage = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Give a rule another severity for all projects in the database; for admins."""
    return _set(rule_id, language, database_url, data_dir, output_format, severity=severity)


@app.command()
def reset(
    rule_id: RuleId,
    language: OfLanguage = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Forget what was set of a rule in the database; for admins."""
    return _set(rule_id, language, database_url, data_dir, output_format, reset=True)


def _set(
    rule_id: str,
    language: str | None,
    database_url: str | None,
    data_dir: str | None,
    output_format: Format,
    *,
    enabled: bool | None = None,
    severity: Severity | None = None,
    reset: bool = False,
) -> int:
    from agentforge.cli.team_rules import Change, run_set

    change = Change(rule_id, language, enabled, severity, reset)
    return run_set(database_of(database_url, data_dir), change, as_json=output_format is Format.JSON)
