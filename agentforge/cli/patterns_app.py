"""The commands about patterns and their options. A command's work is imported when it runs."""

from typing import Annotated

import typer

from agentforge.cli.options import DatabaseUrl, DataDir, Format, OutputFormat, database_of, number
from agentforge.model import PatternType, Severity

app = typer.Typer(
    name="patterns",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Patterns: functions that do a certain thing, known by examples.",
)


Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the pattern, such as csv-by-split.")]
CodeLanguage = Annotated[
    str | None,
    typer.Option("--code-language", metavar="NAME", help="Language of what is on standard input; guessed without it."),
]
Require = Annotated[
    list[str] | None,
    typer.Option(
        "--require", metavar="TEXT[,TEXT]", help="One of these must be in a function's code; of each such option."
    ),
]
Unless = Annotated[
    list[str] | None,
    typer.Option("--unless", metavar="TEXT[,TEXT]", help="None of these may be in a function's code. Repeatable."),
]
Spread = Annotated[
    float | None,
    typer.Option(
        "--spread", min=0.0, max=10.0, callback=number, metavar="N", help="Standard deviations allowed; 2 without it."
    ),
]


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case words joined by `-`.")],
    kind: Annotated[
        PatternType,
        typer.Option("--type", help="vulnerability and smell report violations, idiom only marks functions."),
    ],
    functions: Annotated[list[str] | None, typer.Argument(metavar="[FUNCTION]...", help="More examples.")] = None,
    examples: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="FUNCTION", help="An example: a name, PATH:LINE, or - for stdin. Repeatable."),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="What it is, in a few words.")] = None,
    message: Annotated[
        str | None, typer.Option("--message", metavar="TEXT", help="Of a violation; {name} is the function's name.")
    ] = None,
    severity: Annotated[
        Severity | None, typer.Option("--severity", help="Else medium for a vulnerability, low for a smell.")
    ] = None,
    cwe: Annotated[int | None, typer.Option("--cwe", min=1, metavar="NUMBER", help="Entry of the CWE list.")] = None,
    require: Require = None,
    unless: Unless = None,
    language: Annotated[
        list[str] | None, typer.Option("--language", "-l", metavar="NAME", help="For this language only. Repeatable.")
    ] = None,
    spread: Spread = None,
    in_tests: Annotated[bool, typer.Option("--in-tests", help="Look at test files, too.")] = False,
    project: Annotated[
        str | None, typer.Option("--project", "-p", metavar="NAME", help="Where the functions are (name or key).")
    ] = None,
    code_language: CodeLanguage = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Add a pattern from examples, for all projects in the database; for admins."""
    from agentforge.cli.patterns import New, run_add

    new = New(
        name=name,
        kind=kind,
        functions=(*(examples or ()), *(functions or ())),
        title=title,
        message=message,
        severity=severity,
        cwe=cwe,
        require=tuple(require or ()),
        unless=tuple(unless or ()),
        languages=tuple(language or ()),
        spread=spread,
        in_tests=in_tests,
        project=project,
        code_language=code_language,
    )
    return run_add(database_of(database_url, data_dir), new, as_json=output_format is Format.JSON)


@app.command("list")
def list_(
    kind: Annotated[PatternType | None, typer.Option("--type", help="Patterns of this type only.")] = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """List the patterns: those that ship and those of the team."""
    from agentforge.cli.patterns import run_list

    return run_list(database_of(database_url, data_dir), kind, as_json=output_format is Format.JSON)


@app.command()
def show(
    name: Name,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Show all about a pattern: what it wants, its numbers, how often it was right, and its examples."""
    from agentforge.cli.patterns import run_show

    return run_show(database_of(database_url, data_dir), name, as_json=output_format is Format.JSON)


@app.command()
def remove(name: Name, database_url: DatabaseUrl = None, data_dir: DataDir = None) -> int:
    """Remove a pattern of the team; for admins. What it reported is fixed by the next analysis."""
    from agentforge.cli.patterns import run_remove

    return run_remove(database_of(database_url, data_dir), name)


@app.command()
def match(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Patterns; all without any.")] = None,
    project: Annotated[
        str | None,
        typer.Option(
            "--project", "-p", metavar="NAME", help="Name or key; else the project that you are in, else all."
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="PATH", help="Look in this file, or in stdin (-), and in no project."),
    ] = None,
    kind: Annotated[PatternType | None, typer.Option("--type", help="Patterns of this type only.")] = None,
    tests: Annotated[bool, typer.Option("--tests", help="Look at test files for every pattern.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, metavar="N", help="Of each pattern; 0 is all.")] = 20,
    code_language: CodeLanguage = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """List the functions that fall within patterns, nearest first, and why."""
    from agentforge.cli.patterns import Wanted, run_match

    wanted = Wanted(tuple(names or ()), project, file, kind, tests, limit or None, code_language)
    return run_match(database_of(database_url, data_dir), wanted, as_json=output_format is Format.JSON)
