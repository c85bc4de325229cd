"""The commands and their options. A command's work is imported when it runs, so that `--help` answers at once."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

import agentforge

if TYPE_CHECKING:
    from agentforge.store.connection import DatabaseSettings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Static analysis whose results live in PostgreSQL: metrics, violations with a life, similar functions.",
)


class Format(StrEnum):
    """How an analysis is shown."""

    TABLE = "table"
    JSON = "json"


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"agentforge {agentforge.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback when something fails.")] = False,
) -> None:
    pass


Paths = Annotated[list[str], typer.Argument(metavar="PATH...", help="Folders or files of one project, or a git URL.")]
Include = Annotated[
    list[str], typer.Option("--include", metavar="GLOB", help="Analyse only these (as in .gitignore); repeatable.")
]
Exclude = Annotated[
    list[str], typer.Option("--exclude", metavar="GLOB", help="Leave these out (as in .gitignore); repeatable.")
]
Jobs = Annotated[
    int, typer.Option("--jobs", "-j", min=0, envvar="AGENTFORGE_JOBS", help="Worker processes; 0 is one a core.")
]
MaxFileSize = Annotated[
    int,
    typer.Option(
        "--max-file-size", min=1, metavar="BYTES", envvar="AGENTFORGE_MAX_FILE_SIZE", help="Skip larger files."
    ),
]
ShowFiles = Annotated[
    bool,
    typer.Option("--show-files", help="List each file with its language, or the reason why it is skipped; then stop."),
]
OutputFormat = Annotated[
    Format, typer.Option("--format", "-f", envvar="AGENTFORGE_FORMAT", help="table for people, json for machines.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]

DEFAULT_MAX_FILE_SIZE = 2 * 1024 * 1024


DataDir = Annotated[
    str | None,
    typer.Option("--data-dir", metavar="DIR", envvar="AGENTFORGE_DATA_DIR", help="Folder of the embedded server."),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url", metavar="URL", envvar="AGENTFORGE_DATABASE_URL", help="Use this PostgreSQL instead."
    ),
]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="NAME",
        envvar="AGENTFORGE_MODEL",
        help="What embeds functions: hashed, or a sentence-transformers model (name or folder).",
    ),
]


@app.command()
def analyze(
    paths: Paths,
    include: Include = [],  # noqa: B006 - typer reads it, nobody changes it
    exclude: Exclude = [],  # noqa: B006
    jobs: Jobs = 0,
    max_file_size: MaxFileSize = DEFAULT_MAX_FILE_SIZE,
    show_files: ShowFiles = False,
    model: Model = "hashed",
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
    quiet: Quiet = False,
) -> int:
    """Analyse a tree into the database, only what changed since the last time. Exits with 1 where it has violations."""
    from agentforge.cli.analyze import run
    from agentforge.cli.database import database_settings
    from agentforge.cli.inputs import Options

    options = Options(tuple(paths), tuple(include), tuple(exclude), jobs, max_file_size)
    settings = database_settings(database_url, data_dir)
    return run(options, settings, model, show_files=show_files, as_json=output_format is Format.JSON, quiet=quiet)


@app.command()
def check(
    paths: Paths,
    include: Include = [],  # noqa: B006 - typer reads it, nobody changes it
    exclude: Exclude = [],  # noqa: B006
    jobs: Jobs = 0,
    max_file_size: MaxFileSize = DEFAULT_MAX_FILE_SIZE,
    show_files: ShowFiles = False,
    output_format: OutputFormat = Format.TABLE,
    quiet: Quiet = False,
) -> int:
    """Analyse a tree without a database: a linter. Exits with 1 where it finds violations."""
    from agentforge.cli.check import run
    from agentforge.cli.inputs import Options

    options = Options(tuple(paths), tuple(include), tuple(exclude), jobs, max_file_size)
    return run(options, show_files=show_files, as_json=output_format is Format.JSON, quiet=quiet)


Project = Annotated[
    str | None, typer.Option("--project", "-p", metavar="NAME", help="Search this project only (name or key).")
]
OtherProjects = Annotated[bool, typer.Option("--other-projects", help="Leave out the project of the function.")]
WantedLanguage = Annotated[
    str | None, typer.Option("--language", "-l", metavar="NAME", help="Find functions of this language only.")
]
CodeLanguage = Annotated[
    str | None,
    typer.Option("--code-language", metavar="NAME", help="Language of the code on standard input; guessed without it."),
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Show at most so many.")]
MinScore = Annotated[float, typer.Option("--min-score", min=-1.0, max=1.0, help="Least similarity (1 is identical).")]


@app.command()
def similar(
    function: Annotated[
        str, typer.Argument(metavar="FUNCTION", help="A name (save, Model.save), PATH:LINE, or - for code on stdin.")
    ],
    project: Project = None,
    other_projects: OtherProjects = False,
    language: WantedLanguage = None,
    code_language: CodeLanguage = None,
    limit: Limit = 10,
    min_score: MinScore = 0.3,
    show_code: Annotated[bool, typer.Option("--show-code", help="Show the functions side by side.")] = False,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", envvar="AGENTFORGE_MODEL", help="Compare by this model's vectors."),
    ] = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """List the functions nearest to one, in all projects: what does the same already?"""
    from agentforge.cli.database import database_settings
    from agentforge.cli.similar import Options, run

    options = Options(function, code_language, model, project, other_projects, language, limit, min_score)
    settings = database_settings(database_url, data_dir)
    return run(options, settings, show_code=show_code, as_json=output_format is Format.JSON)


db = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The database.")
app.add_typer(db, name="db")


def _embedded(action: str, data_dir: str | None, database_url: str | None, output_format: Format) -> int:
    from agentforge.cli.database import database_settings
    from agentforge.cli.db import run

    return run(action, database_settings(database_url, data_dir), as_json=output_format is Format.JSON)


@db.command()
def start(
    data_dir: DataDir = None, database_url: DatabaseUrl = None, output_format: OutputFormat = Format.TABLE
) -> int:
    """Start the embedded PostgreSQL and keep it running until `db stop`."""
    return _embedded("start", data_dir, database_url, output_format)


@db.command()
def stop(data_dir: DataDir = None, database_url: DatabaseUrl = None, output_format: OutputFormat = Format.TABLE) -> int:
    """Stop the embedded PostgreSQL."""
    return _embedded("stop", data_dir, database_url, output_format)


@db.command()
def status(
    data_dir: DataDir = None, database_url: DatabaseUrl = None, output_format: OutputFormat = Format.TABLE
) -> int:
    """Show where the embedded PostgreSQL lives and whether it runs. Starts nothing."""
    return _embedded("status", data_dir, database_url, output_format)


def _settings(database_url: str | None, data_dir: str | None) -> DatabaseSettings:
    from agentforge.cli.database import database_settings

    return database_settings(database_url, data_dir)


@db.command()
def migrate(
    data_dir: DataDir = None, database_url: DatabaseUrl = None, output_format: OutputFormat = Format.TABLE
) -> int:
    """Bring the schema up to date. Every command that needs it does so, too."""
    from agentforge.cli.maintenance import run_migrate

    return run_migrate(_settings(database_url, data_dir), as_json=output_format is Format.JSON)


@db.command()
def sql() -> int:
    """Print the statements that make the schema; connects to nothing."""
    from agentforge.cli.maintenance import print_sql

    return print_sql()


@db.command()
def partitions(
    data_dir: DataDir = None, database_url: DatabaseUrl = None, output_format: OutputFormat = Format.TABLE
) -> int:
    """List the partitions of the tables that grow with time."""
    from agentforge.cli.maintenance import show_partitions

    return show_partitions(_settings(database_url, data_dir), as_json=output_format is Format.JSON)


@db.command()
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


@db.command()
def backup(file: BackupFile, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> int:
    """Write the schema with all its rows to a file."""
    from agentforge.cli.backup import run_backup

    return run_backup(_settings(database_url, data_dir), file)


@db.command()
def restore(file: BackupFile, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> int:
    """Bring a backup into a database that holds nothing of ours, all of it or nothing."""
    from agentforge.cli.backup import run_restore

    return run_restore(_settings(database_url, data_dir), file)
