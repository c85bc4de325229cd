"""The commands that look for functions, and their options. A command's work is imported when it runs."""

from typing import Annotated

import typer

from agentforge.cli.options import CompareModel, DatabaseUrl, DataDir, Format, OutputFormat, database_of, number

app = typer.Typer()

Project = Annotated[
    str | None, typer.Option("--project", "-p", metavar="NAME", help="Search this project only (name or key).")
]
Projects = Annotated[
    list[str], typer.Option("--project", "-p", metavar="NAME", help="This project (name or key); repeatable.")
]
Language = Annotated[
    str | None, typer.Option("--language", "-l", metavar="NAME", help="Functions of this language only.")
]


@app.command()
def similar(
    function: Annotated[
        str, typer.Argument(metavar="FUNCTION", help="A name (save, Model.save), PATH:LINE, or - for code on stdin.")
    ],
    project: Project = None,
    other_projects: Annotated[
        bool, typer.Option("--other-projects", help="Leave out the project of the function.")
    ] = False,
    language: Language = None,
    code_language: Annotated[
        str | None,
        typer.Option(
            "--code-language", metavar="NAME", help="Language of the code on standard input; guessed without it."
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Show at most so many.")] = 10,
    min_score: Annotated[
        float, typer.Option("--min-score", min=0.0, max=1.0, callback=number, help="Least score (1 is equal code).")
    ] = 0.001,
    show_code: Annotated[bool, typer.Option("--show-code", help="Show the functions side by side.")] = False,
    model: CompareModel = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """List the functions nearest to one, in all projects: what does the same already?"""
    from agentforge.cli.similar import Options, run

    options = Options(function, code_language, model, project, other_projects, language, limit, min_score)
    settings = database_of(database_url, data_dir)
    return run(options, settings, show_code=show_code, as_json=output_format is Format.JSON)


@app.command()
def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help='What the function does, such as "parse a date".')],
    project: Project = None,
    language: Language = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="function or method; both without it.")
    ] = None,
    tests: Annotated[bool, typer.Option("--tests", help="Find functions of tests, too.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100, help="Show at most so many.")] = 10,
    show_code: Annotated[bool, typer.Option("--show-code", help="Show the code of the functions.")] = False,
    model: CompareModel = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Find functions by what they do, said in words, in all projects."""
    from agentforge.cli.search import run
    from agentforge.pipeline.search import Request

    request = Request(text, project, language, kind, tests, limit, model)
    settings = database_of(database_url, data_dir)
    return run(request, settings, show_code=show_code, as_json=output_format is Format.JSON)


@app.command()
def duplicates(
    project: Projects = [],  # noqa: B006 - typer reads it, nobody changes it
    between: Annotated[
        bool,
        typer.Option(
            "--between", help="Between projects: --project and all others, or all; what lies in one is left out."
        ),
    ] = False,
    new: Annotated[
        bool, typer.Option("--new", help="What the last analysis brought and was there already; exits with 1 then.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="REF", help="What was changed here since the git ref and is there already; exits with 1."
        ),
    ] = None,
    language: Language = None,
    tests: Annotated[bool, typer.Option("--tests", help="Compare the functions of tests, too.")] = False,
    min_score: Annotated[
        float | None,
        typer.Option(
            "--min-score", min=0.05, max=1.0, callback=number, help="Least score; 1 is equal code.  [default: 0.9]"
        ),
    ] = None,
    min_lines: Annotated[int, typer.Option("--min-lines", min=1, help="Least lines of code of a function.")] = 6,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=100_000, help="Show at most so many clusters.")
    ] = 20,
    show_code: Annotated[bool, typer.Option("--show-code", help="Show the code of the functions.")] = False,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """List functions that are there twice or more, those whose merging saves most lines first."""
    from agentforge.cli.current_tree import current_tree
    from agentforge.cli.duplicates import run
    from agentforge.pipeline.duplicates import Request

    request = Request(current_tree, tuple(project), between, new, language, tests, min_score, min_lines, limit, since)
    settings = database_of(database_url, data_dir)
    return run(request, settings, show_code=show_code, as_json=output_format is Format.JSON)
