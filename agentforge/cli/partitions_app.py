"""The commands under `agentforge db partitions` and their options. A command's work is imported when it runs."""

from typing import Annotated

import typer

from agentforge.cli.options import DatabaseUrl, DataDir, Format, MonthsAhead, OutputFormat, database_of

app = typer.Typer(
    invoke_without_command=True, rich_markup_mode=None, help="List the partitions of the tables that grow with time."
)


@app.callback()
def partitions(
    context: typer.Context,
    exact: Annotated[bool, typer.Option("--exact", help="Count rows, instead of the planner's estimate.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """List the partitions of the tables that grow with time."""
    if context.invoked_subcommand is not None:
        return 0
    from agentforge.cli.partitions import show_partitions

    settings = database_of(database_url, data_dir)
    return show_partitions(settings, exact=exact, as_json=output_format is Format.JSON)


@app.command()
def rollover(
    months_ahead: MonthsAhead = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be made, and change nothing.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Make the partitions of the next months, and move strays out of the defaults."""
    from agentforge.cli.maintenance import run_steps
    from agentforge.store.maintenance import Options

    settings = database_of(database_url, data_dir)
    options = Options(months_ahead, dry_run)
    return run_steps(settings, "db partitions rollover", options, ["rollover"], as_json=output_format is Format.JSON)


@app.command()
def retention(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Such as audit_logs.")],
    interval: Annotated[str, typer.Argument(metavar="INTERVAL", help="Such as '18 months'; or forever.")],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Keep a table for so long, a month at least, from the next maintenance on."""
    from agentforge.cli.partitions import run_retention

    settings = database_of(database_url, data_dir)
    return run_retention(settings, table, interval, as_json=output_format is Format.JSON)
