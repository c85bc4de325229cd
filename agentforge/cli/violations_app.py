"""The commands under `agentforge violations` and their options. A command's work is imported when it runs."""

from enum import StrEnum
from typing import Annotated

import typer

from agentforge.cli.options import DatabaseUrl, DataDir, Format, OutputFormat, database_of
from agentforge.model import Category, Severity

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Violations: list, show, waive, and their history.")


class ListFormat(StrEnum):
    """How a list of violations is shown."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class WantedStatus(StrEnum):
    """Where a violation stands in its life, or anywhere."""

    NEW = "new"
    OPEN = "open"
    FIXED = "fixed"
    REOPENED = "reopened"
    WAIVED = "waived"
    ALL = "all"


Project = Annotated[
    str | None,
    typer.Option("--project", "-p", metavar="NAME", help="Name or key; else the project that you are in, else all."),
]
Branch = Annotated[
    str | None,
    typer.Option("--branch", metavar="NAME", help="Else the one that is checked out, else the default branch."),
]
Id = Annotated[str, typer.Argument(metavar="ID", help="The first digits of its fingerprint, as `list` shows them.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="The first digits of their fingerprints.")]


@app.command("list")
def list_(
    project: Project = None,
    branch: Branch = None,
    status: Annotated[
        list[WantedStatus],
        typer.Option("--status", help="Only these; new, open and reopened ones if you do not say. Repeatable."),
    ] = [],  # noqa: B006 - typer reads it, nobody changes it
    severity: Annotated[Severity | None, typer.Option("--severity", help="Only of this severity or worse.")] = None,
    rule: Annotated[
        list[str], typer.Option("--rule", metavar="ID", help="Only of this rule, or pattern (python-*). Repeatable.")
    ] = [],  # noqa: B006
    category: Annotated[list[Category], typer.Option("--category", help="Only of this one. Repeatable.")] = [],  # noqa: B006
    path: Annotated[
        list[str], typer.Option("--path", metavar="GLOB", help="Only in these files (as in .gitignore). Repeatable.")
    ] = [],  # noqa: B006
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="First found from a date, an ISO time, or 7d or 24h ago on."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, metavar="N", help="At most so many; 0 is all.")] = 100,
    output_format: Annotated[
        ListFormat, typer.Option("--format", "-f", envvar="AGENTFORGE_FORMAT", help="table, json or csv.")
    ] = ListFormat.TABLE,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> int:
    """List violations, worst first."""
    from agentforge.cli.audit import parse_time
    from agentforge.cli.violations import Wanted, run_list

    wanted = Wanted(
        project=project,
        branch=branch,
        statuses=tuple(item.value for item in status),
        severity=severity,
        rules=tuple(rule),
        categories=tuple(category),
        paths=tuple(path),
        since=parse_time(since),
        limit=limit or None,
    )
    return run_list(database_of(database_url, data_dir), wanted, output_format.value)


@app.command()
def show(
    violation: Id,
    project: Project = None,
    branch: Branch = None,
    output_format: OutputFormat = Format.TABLE,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> int:
    """Show a violation: the code with the place marked, why it matters, how to fix it, its history, how to waive it."""
    from agentforge.cli.violations import run_show

    settings = database_of(database_url, data_dir)
    return run_show(settings, violation, project, branch, as_json=output_format is Format.JSON)


@app.command()
def waive(
    violations: Ids,
    reason: Annotated[str, typer.Option("--reason", "-r", metavar="TEXT", help="Why, for those who come later.")],
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="DATE", help="Last day on which it holds (UTC), or 30d, 12w; else for ever."),
    ] = None,
    project: Project = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> int:
    """Accept violations, on every branch of their project: they count no longer. It takes the level write."""
    from agentforge.cli.violations import run_waive

    return run_waive(database_of(database_url, data_dir), violations, reason, until, project)


@app.command()
def unwaive(
    violations: Ids,
    project: Project = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> int:
    """End what `waive` did: the violations count again."""
    from agentforge.cli.violations import run_unwaive

    return run_unwaive(database_of(database_url, data_dir), violations, project)


@app.command()
def history(
    violation: Id,
    project: Project = None,
    output_format: OutputFormat = Format.TABLE,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> int:
    """Show what became of a violation, on each branch: found, moved, fixed, reopened, waived, by whom and when."""
    from agentforge.cli.violations import run_history

    return run_history(database_of(database_url, data_dir), violation, project, as_json=output_format is Format.JSON)
