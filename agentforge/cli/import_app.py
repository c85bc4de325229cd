"""`agentforge import`: the options of its commands."""

from typing import Annotated

import typer

from agentforge.cli.options import DatabaseUrl, DataDir, Format, OutputFormat, Quiet, database_of

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Bring in what other tools found.")


@app.callback()
def _group() -> None:
    """`sarif` stays a command of the group, though it is the only one."""


@app.command("sarif")
def sarif(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="SARIF 2.1.0 files; - is standard input.")],
    project: Annotated[
        str | None,
        typer.Option("--project", "-p", metavar="NAME", help="Project (name or key), else that of the current folder."),
    ] = None,
    branch: Annotated[
        str | None,
        typer.Option("--branch", metavar="NAME", help="Branch, else the one that the file names, or git's."),
    ] = None,
    partial: Annotated[
        bool,
        typer.Option("--partial", help="The tool looked at a part only: other files' findings stay as they are."),
    ] = False,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
    quiet: Quiet = False,
) -> int:
    """Take the findings of other tools into the database, where they live like our own."""
    from agentforge.cli.imports import Options, run

    options = Options(tuple(files), project, branch, partial)
    settings = database_of(database_url, data_dir)
    return run(options, settings, as_json=output_format is Format.JSON, quiet=quiet)
