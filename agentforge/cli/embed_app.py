"""`agentforge embed` and its options. The command's work is imported when it runs."""

from typing import Annotated

import typer

from agentforge.cli.options import DatabaseUrl, DataDir, Format, Jobs, OutputFormat, Quiet, database_of

app = typer.Typer()


@app.command()
def embed(
    project: Annotated[
        list[str], typer.Argument(metavar="[PROJECT]...", help="Projects by name or key; all without it.")
    ] = [],  # noqa: B006 - typer reads it, nobody changes it
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME",
            envvar="AGENTFORGE_MODEL",
            help="Give the functions vectors of this model, whichever they have.",
        ),
    ] = None,
    recentre: Annotated[
        bool,
        typer.Option(
            "--recentre",
            help="Count the means by which --model is centred anew, and embed by them; for admins.",
        ),
    ] = False,
    jobs: Jobs = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
    quiet: Quiet = False,
) -> int:
    """Complete the vectors of stored functions. Ctrl-C stops it, and the next run goes on."""
    from agentforge.cli.embed import run

    settings = database_of(database_url, data_dir)
    as_json = output_format is Format.JSON
    return run(project, model, jobs, settings, recentre=recentre, as_json=as_json, quiet=quiet)
