"""The commands under `agentforge audit` and their options. A command's work is imported when it runs."""

from typing import Annotated

import typer

from agentforge.cli.options import DatabaseUrl, DataDir, EncryptionKeyFile, Format, OutputFormat, database_of

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The audit trail: who changed what.")


@app.command()
def log(
    user: Annotated[
        str | None, typer.Option("--user", metavar="NAME", help="Only what this user or database role did.")
    ] = None,
    resource: Annotated[
        str | None, typer.Option("--resource", metavar="TABLE[:ID]", help="Only writes to this table, or row of it.")
    ] = None,
    action: Annotated[
        str | None, typer.Option("--action", metavar="ACTION", help="Only INSERT, UPDATE, DELETE or TRUNCATE.")
    ] = None,
    project: Annotated[
        str | None, typer.Option("--project", metavar="NAME", help="Only what concerns this project.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="From a date, an ISO time, or 7d or 24h ago on.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before such a time.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="At most so many, the newest.")] = 100,
    encryption_key_file: EncryptionKeyFile = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Show who changed what, newest first, as far as you may see it."""
    from agentforge.cli.audit import parse_resource, parse_time, show_log
    from agentforge.store.audit_log import Filter

    table, row_id = parse_resource(resource)
    wanted = Filter(
        user=user,
        project=project,
        resource=table,
        resource_id=row_id,
        action=action.upper() if action else None,
        since=parse_time(since),
        until=parse_time(until),
        limit=limit,
    )
    settings = database_of(database_url, data_dir)
    return show_log(settings, wanted, encryption_key_file, as_json=output_format is Format.JSON)


@app.command()
def verify(
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="FILE", help="Compare with what `verify --format json` printed earlier."),
    ] = None,
    encryption_key_file: EncryptionKeyFile = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Compute the hash chain again. Exits with 1 where a row was changed, removed or inserted afterwards."""
    from agentforge.cli.audit import run_verify

    settings = database_of(database_url, data_dir)
    return run_verify(settings, against, encryption_key_file, as_json=output_format is Format.JSON)


@app.command()
def key(file: Annotated[str, typer.Argument(metavar="FILE", help="That does not exist yet.")]) -> int:
    """Create an encryption key in a file that only you may read."""
    from agentforge.cli.audit import create_key

    return create_key(file)


@app.command()
def rotate_key(
    new_key_file: Annotated[
        str, typer.Option("--new-key-file", metavar="FILE", help="The key from now on; the one until now as usual.")
    ],
    encryption_key_file: EncryptionKeyFile = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> int:
    """Encrypt and chain everything with another key. Run it again where it was interrupted."""
    from agentforge.cli.audit import run_rotate

    return run_rotate(database_of(database_url, data_dir), new_key_file, encryption_key_file)
