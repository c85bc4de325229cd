"""The commands under `agentforge db` and their options. A command's work is imported when it runs."""

from typing import TYPE_CHECKING, Annotated

import typer

from agentforge.cli import partitions_app
from agentforge.cli.options import (
    ArchiveTo,
    DatabaseUrl,
    DataDir,
    EncryptionKeyFile,
    Format,
    KeepDetached,
    MonthsAhead,
    OutputFormat,
    database_of,
)

if TYPE_CHECKING:
    from agentforge.store.maintenance import Options

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The database.")
app.add_typer(partitions_app.app, name="partitions")


def _embedded(action: str, data_dir: str | None, database_url: str | None, output_format: Format) -> int:
    from agentforge.cli.db import run

    return run(action, database_of(database_url, data_dir), as_json=output_format is Format.JSON)


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
    """Show where the embedded PostgreSQL lives and whether it runs (starts nothing), and the database in short."""
    from agentforge.cli.db import show_status

    return show_status(database_of(database_url, data_dir), as_json=output_format is Format.JSON)


@app.command()
def upgrade(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> int:
    """Bring the embedded database to the newest PostgreSQL that is installed; the old data is kept beside it."""
    from agentforge.cli.db import run_upgrade

    return run_upgrade(database_of(database_url, data_dir))


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

    return run_init(database_of(database_url, data_dir), app_password_fd, as_json=output_format is Format.JSON)


@app.command()
def doctor(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print warnings and worse only.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Look for what is not well with the database, and say what to do. Exits with 1 where something is."""
    from agentforge.cli.doctor import run

    return run(database_of(database_url, data_dir), as_json=output_format is Format.JSON, quiet=quiet)


@app.command()
def migrate(
    data_dir: DataDir = None, database_url: DatabaseUrl = None, output_format: OutputFormat = Format.TABLE
) -> int:
    """Bring the schema up to date. Every command that needs it does so, too."""
    from agentforge.cli.maintenance import run_migrate

    return run_migrate(database_of(database_url, data_dir), as_json=output_format is Format.JSON)


@app.command()
def sql() -> int:
    """Print the statements that make the schema; connects to nothing."""
    from agentforge.cli.maintenance import print_sql

    return print_sql()


DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")]


def _archive_options(
    months_ahead: int, dry_run: bool, keep_detached: bool, archive_to: str | None, key_file: str | None = None
) -> "Options":
    from pathlib import Path

    from agentforge.cli.encryption import encryption_key
    from agentforge.store.maintenance import Options

    folder = Path(archive_to) if archive_to else None
    return Options(months_ahead, dry_run, keep_detached, folder, encryption_key(key_file))


@app.command()
def maintain(
    months_ahead: MonthsAhead = 3,
    dry_run: DryRun = False,
    keep_detached: KeepDetached = False,
    archive_to: ArchiveTo = None,
    encryption_key_file: EncryptionKeyFile = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print failures only.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """For cron: partitions made and dropped in time, expired sessions, summaries, audit chain, statistics, indexes."""
    from agentforge.cli.maintenance import run_steps

    options = _archive_options(months_ahead, dry_run, keep_detached, archive_to, encryption_key_file)
    settings = database_of(database_url, data_dir)
    return run_steps(settings, "db maintain", options, as_json=output_format is Format.JSON, quiet=quiet)


@app.command()
def refresh(
    data_dir: DataDir = None, database_url: DatabaseUrl = None, output_format: OutputFormat = Format.TABLE
) -> int:
    """Refresh both summaries; who reads them does not wait."""
    from agentforge.cli.maintenance import run_steps
    from agentforge.store.maintenance import Options

    settings = database_of(database_url, data_dir)
    return run_steps(settings, "db refresh", Options(), ["refresh"], as_json=output_format is Format.JSON)


@app.command()
def cleanup(
    dry_run: DryRun = False,
    keep_detached: KeepDetached = False,
    archive_to: ArchiveTo = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Drop what is past its retention, and expired sessions."""
    from agentforge.cli.maintenance import run_steps

    options = _archive_options(0, dry_run, keep_detached, archive_to)
    settings = database_of(database_url, data_dir)
    return run_steps(settings, "db cleanup", options, ["retention", "sessions"], as_json=output_format is Format.JSON)


@app.command()
def archive(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Made where there is none.")],
    partition: Annotated[str | None, typer.Option("--partition", metavar="NAME", help="This one only.")] = None,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="INTERVAL", help="Those that ended so long ago, such as '18 months'."),
    ] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Drop each one when its file is whole.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Write partitions to compressed files; without a choice, those that are past their retention."""
    from agentforge.cli.partitions import run_archive

    settings = database_of(database_url, data_dir)
    return run_archive(settings, folder, partition, older_than, drop=drop, as_json=output_format is Format.JSON)


BackupFile = Annotated[str, typer.Argument(metavar="FILE", help="In pg_dump's custom format.")]


@app.command()
def backup(file: BackupFile, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> int:
    """Write the schema with all its rows to a file."""
    from agentforge.cli.backup import run_backup

    return run_backup(database_of(database_url, data_dir), file)


@app.command()
def restore(file: BackupFile, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> int:
    """Bring a backup into a database that holds nothing of ours, all of it or nothing."""
    from agentforge.cli.backup import run_restore

    return run_restore(database_of(database_url, data_dir), file)
