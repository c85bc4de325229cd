"""The commands and their options. A command's work is imported when it runs, so that `--help` answers at once."""

from typing import Annotated

import typer

import agentforge
from agentforge.cli import (
    audit_app,
    db_app,
    embed_app,
    import_app,
    patterns_app,
    rules_app,
    search_app,
    user_app,
    violations_app,
)
from agentforge.cli.options import (
    BaselineFile,
    Branch,
    Config,
    DatabaseUrl,
    DataDir,
    Disable,
    Embed,
    Enable,
    Exclude,
    FailOnLevel,
    Include,
    Isolated,
    Jobs,
    MaxFileSize,
    Model,
    OutputFiles,
    Paths,
    Quiet,
    ReportFormatOption,
    ShowFiles,
    ShowSettings,
    Since,
    Staged,
    database_of,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Static analysis whose results live in PostgreSQL: metrics, violations with a life, similar functions.",
)


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


@app.command()
def analyze(
    paths: Paths,
    include: Include = [],  # noqa: B006 - typer reads it, nobody changes it
    exclude: Exclude = [],  # noqa: B006
    disable: Disable = [],  # noqa: B006
    enable: Enable = [],  # noqa: B006
    jobs: Jobs = None,
    max_file_size: MaxFileSize = None,
    show_files: ShowFiles = False,
    fail_on: FailOnLevel = None,
    since: Since = None,
    baseline: BaselineFile = None,
    branch: Branch = None,
    model: Model = None,
    embed: Embed = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: ReportFormatOption = None,
    output_file: OutputFiles = [],  # noqa: B006
    config: Config = None,
    isolated: Isolated = False,
    show_settings: ShowSettings = False,
    quiet: Quiet = False,
) -> int:
    """Analyse a tree into the database, only what changed since the last time. Exits with 1 where it has violations."""
    from agentforge.cli.analyze import run
    from agentforge.cli.gate import GateOptions
    from agentforge.cli.settings import Given

    flags = {
        "include": include,
        "exclude": exclude,
        "disable": disable,
        "enable": enable,
        "jobs": jobs,
        "max-file-size": max_file_size,
        "model": model,
        "embed": embed,
        "gate.fail-on": fail_on,
        "format": output_format,
        "output-files": output_file,
        "database-url": database_url,
        "data-dir": data_dir,
    }
    given = Given(flags, config, isolated)
    database = database_of(database_url, data_dir)
    gate = GateOptions(since, baseline)
    return run(paths, given, database, gate, branch, show_files=show_files, show_settings=show_settings, quiet=quiet)


@app.command()
def check(
    paths: Paths = ["."],  # noqa: B006
    include: Include = [],  # noqa: B006 - typer reads it, nobody changes it
    exclude: Exclude = [],  # noqa: B006
    disable: Disable = [],  # noqa: B006
    enable: Enable = [],  # noqa: B006
    jobs: Jobs = None,
    max_file_size: MaxFileSize = None,
    show_files: ShowFiles = False,
    fail_on: FailOnLevel = None,
    since: Since = None,
    baseline: BaselineFile = None,
    staged: Staged = False,
    output_format: ReportFormatOption = None,
    output_file: OutputFiles = [],  # noqa: B006
    config: Config = None,
    isolated: Isolated = False,
    show_settings: ShowSettings = False,
    quiet: Quiet = False,
) -> int:
    """Analyse a tree without a database: a linter. Exits with 1 where it finds violations."""
    from agentforge.cli.check import run
    from agentforge.cli.gate import GateOptions
    from agentforge.cli.settings import Given

    flags = {
        "include": include,
        "exclude": exclude,
        "disable": disable,
        "enable": enable,
        "jobs": jobs,
        "max-file-size": max_file_size,
        "gate.fail-on": fail_on,
        "format": output_format,
        "output-files": output_file,
    }
    given = Given(flags, config, isolated)
    gate = GateOptions(since, baseline, staged)
    return run(paths, given, gate, show_files=show_files, show_settings=show_settings, quiet=quiet)


# In this order --help lists them.
app.add_typer(search_app.app)
app.add_typer(embed_app.app)
app.add_typer(patterns_app.app)
app.add_typer(violations_app.app, name="violations")
app.add_typer(rules_app.app, name="rules")
app.add_typer(import_app.app, name="import")
app.add_typer(db_app.app, name="db")
app.add_typer(user_app.app)
app.add_typer(audit_app.app, name="audit")
