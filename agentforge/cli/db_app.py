"""The commands under `agentforge db` and their options. A command's work is imported when it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agentforge.cli.options import DatabaseUrl, DataDir, Format, OutputFormat

if TYPE_CHECKING:
    from agentforge.store.connection import DatabaseSettings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The database.")


def _embedded(action: str, data_dir: str | None, database_url: str | None, output_format: Format) -> int:
    from agentforge.cli.database import database_settings
    from agentforge.cli.db import run

    return run(action, database_settings(database_url, data_dir), as_json=output_format is Format.JSON)


@app.command()
def start(
    data_dir: DataDir = None, database_url: DatabaseUrl = None, output_format: OutputFormat = Format.TABLE
) -> int:
    """Start the embedded PostgreSQL and keep it running until `db stop`."""
    return _embedded("start", data_dir, database_url, output_format)


@app.command()
def stop(data_dir: DataDir = None, database_url: DatabaseUrl = None, output_format: OutputFormat = Format.TABLE) -> int:
    """Stop the embedded PostgreSQL."""
    return _embedded("stop", data_dir, database_url, output_format)


@app.command()
def status(
    data_dir: DataDir = None, database_url: DatabaseUrl = None, output_format: OutputFormat = Format.TABLE
) -> int:
    """Show where the embedded PostgreSQL lives and whether it runs. Starts nothing."""
    return _embedded("status", data_dir, database_url, output_format)


def _settings(database_url: str | None, data_dir: str | None) -> DatabaseSettings:
    from agentforge.cli.database import database_settings

    return database_settings(database_url, data_dir)


@app.command()
def init(
    app_password_fd: Annotated[
        int | None,
        typer.Option(
            "--app-password-fd", metavar="N", help="Give agentforge_app the password that this descriptor holds."
        ),
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Set a database up: roles, schema, extension. Says what an administrator has to run where you may not."""
    from agentforge.cli.init import run_init

    return run_init(_settings(database_url, data_dir), app_password_fd, as_json=output_format is Format.JSON)


@app.command()
def migrate(
    data_dir: DataDir = None, database_url: DatabaseUrl = None, output_format: OutputFormat = Format.TABLE
) -> int:
    """Bring the schema up to date. Every command that needs it does so, too."""
    from agentforge.cli.maintenance import run_migrate

    return run_migrate(_settings(database_url, data_dir), as_json=output_format is Format.JSON)


@app.command()
def sql() -> int:
    """Print the statements that make the schema; connects to nothing."""
    from agentforge.cli.maintenance import print_sql

    return print_sql()


@app.command()
def partitions(
    data_dir: DataDir = None, database_url: DatabaseUrl = None, output_format: OutputFormat = Format.TABLE
) -> int:
    """List the partitions of the tables that grow with time."""
    from agentforge.cli.maintenance import show_partitions

    return show_partitions(_settings(database_url, data_dir), as_json=output_format is Format.JSON)


@app.command()
def maintain(
    months_ahead: Annotated[
        int, typer.Option("--months-ahead", min=0, max=120, metavar="N", help="Make partitions for so many months.")
    ] = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be dropped, and change nothing.")] = False,
    keep_detached: Annotated[
        bool, typer.Option("--keep-detached", help="Detach what is past its retention, but keep the tables.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print failures only.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """For cron: partitions made ahead and dropped in time, expired sessions, summaries, statistics."""
    from agentforge.cli.maintenance import run_maintain
    from agentforge.store.maintenance import Options

    options = Options(months_ahead, dry_run, keep_detached)
    settings = _settings(database_url, data_dir)
    return run_maintain(settings, options, as_json=output_format is Format.JSON, quiet=quiet)


BackupFile = Annotated[str, typer.Argument(metavar="FILE", help="In pg_dump's custom format.")]


@app.command()
def backup(file: BackupFile, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> int:
    """Write the schema with all its rows to a file."""
    from agentforge.cli.backup import run_backup

    return run_backup(_settings(database_url, data_dir), file)


@app.command()
def restore(file: BackupFile, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> int:
    """Bring a backup into a database that holds nothing of ours, all of it or nothing."""
    from agentforge.cli.backup import run_restore

    return run_restore(_settings(database_url, data_dir), file)
