"""`agentforge patterns ...`: what functions look like that do a certain thing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType

import agentforge
from agentforge.cli import pattern_page as page
from agentforge.cli.current_tree import current_tree
from agentforge.cli.database import open_database
from agentforge.cli.output import print_json, print_table, say
from agentforge.cli.similar import located, standard_input
from agentforge.embed.interface import DEFAULT_MODEL
from agentforge.errors import EXIT_CLEAN, UsageError
from agentforge.model import FunctionRef, PatternType, Severity
from agentforge.patterns import Pattern, shipped
from agentforge.pipeline import pattern_matches, team_patterns
from agentforge.pipeline.pattern_matches import PatternMatch
from agentforge.pipeline.patterns import Finder
from agentforge.pipeline.scope import check_language, named_projects
from agentforge.report import patterns as report
from agentforge.store.connection import DatabaseSettings
from agentforge.store.requests import Request
from agentforge.store.similar import Search, SearchedProject
from agentforge.walk import MAX_FILE_SIZE, UnreadableSourceError, read_source

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


@dataclass(frozen=True, slots=True)
class New:
    """What the command line says of a new pattern."""

    name: str
    kind: PatternType
    functions: tuple[str, ...]
    title: str | None
    message: str | None
    severity: Severity | None
    cwe: int | None
    require: tuple[str, ...]
    unless: tuple[str, ...]
    languages: tuple[str, ...]
    spread: float | None
    in_tests: bool
    project: str | None
    code_language: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to match, and where."""

    names: tuple[str, ...]
    project: str | None
    file: str | None
    kind: PatternType | None
    tests: bool
    limit: int | None
    code_language: str | None


def run_add(settings: DatabaseSettings, new: New, *, as_json: bool) -> int:
    """Add a pattern and say what it is like."""
    team_patterns.check_name(new.name)
    for name in (*new.languages, new.code_language):
        check_language(name)
    if new.functions.count("-") > 1:
        raise UsageError("Standard input can be read once.", "Give the other examples as PATH:LINE.")
    definition = team_patterns.Definition(
        name=new.name,
        type=new.kind,
        title=new.title,
        message=new.message,
        severity=new.severity,
        cwe=new.cwe,
        words=tuple(_texts(group, "--require") for group in new.require),
        not_words=tuple(text for group in new.unless for text in _texts(group, "--unless")),
        languages=new.languages,
        spread=new.spread,
        in_tests=new.in_tests,
    )
    code = standard_input() if "-" in new.functions else None
    with open_database(settings, say, Request("patterns add")) as connection:
        functions = [_function(connection, text, new, code) for text in new.functions]
        added = team_patterns.add(connection, definition, functions)
    for warning in added.warnings:
        say(f"Note: {warning}")
    if as_json:
        print_json({"pattern": page.whole(added.pattern, added.shape)})
    else:
        pattern = added.pattern
        _print(
            f"Added {pattern.name} ({pattern.type}) from {len(pattern.examples)} "
            f"{'example' if len(pattern.examples) == 1 else 'examples'}: functions with a similarity of "
            f"{added.shape.least:.2f} or more fall within it."
        )
        say("Everybody who may sign in to the database can read the code of its examples.")
        say("The next analysis compares it with all functions.")
        say(f"Next: agentforge patterns match {pattern.name}")
    return EXIT_CLEAN


def run_list(settings: DatabaseSettings, kind: PatternType | None, *, as_json: bool) -> int:
    """List all patterns, by type and name."""
    with open_database(settings, say, Request("patterns list"), needs_session=False) as connection:
        known = _known(connection)
    order = list(PatternType)
    found = sorted(
        (item for item in known if kind in (None, item.type)), key=lambda item: (order.index(item.type), item.name)
    )
    if as_json:
        print_json({"patterns": [page.summary(pattern) for pattern in found]})
        return EXIT_CLEAN
    print_table(
        ("pattern", "type", "on", "severity", "from", "what it is"),
        (
            (
                item.name,
                item.type,
                item.enabled,
                None if item.type is PatternType.IDIOM else item.severity,
                page.origin(item),
                item.title,
            )
            for item in found
        ),
    )
    say(f"{len(found)} patterns. `agentforge patterns show NAME` says more of one.")
    return EXIT_CLEAN


def run_show(settings: DatabaseSettings, name: str, *, as_json: bool) -> int:
    """Show one pattern with its examples."""
    with open_database(settings, say, Request("patterns show"), needs_session=False) as connection:
        pattern = team_patterns.named(_known(connection), name)
    shape = Finder([pattern], DEFAULT_MODEL).shape(pattern)
    if as_json:
        print_json({"pattern": page.whole(pattern, shape)})
    else:
        _print(report.page(page.facts(pattern, shape), pattern.why, pattern.suggestion, page.codes(pattern)))
    return EXIT_CLEAN


def run_remove(settings: DatabaseSettings, name: str) -> int:
    """Remove a pattern of the team."""
    with open_database(settings, say, Request("patterns remove")) as connection:
        team_patterns.remove(connection, name)
    _print(f"Removed {name.lower().removeprefix('pattern-')}.")
    return EXIT_CLEAN


def run_match(settings: DatabaseSettings, wanted: Wanted, *, as_json: bool) -> int:
    """List what falls within patterns."""
    check_language(wanted.code_language)
    if wanted.file is not None and wanted.project is not None:
        raise UsageError("--file and --project exclude each other.", "Give one of them.")
    source = _source(wanted.file) if wanted.file is not None else None
    with open_database(settings, say, Request("patterns match"), needs_session=False) as connection:
        patterns = _chosen(_known(connection), wanted)
        finder = Finder(patterns, DEFAULT_MODEL)
        if source is not None:
            path = wanted.file or "-"
            found = pattern_matches.in_code(source, path, wanted.code_language, finder)
        else:
            projects = _projects(Search(connection), wanted.project)
            found = pattern_matches.in_projects(connection, projects, finder, tests=wanted.tests)
    shown = pattern_matches.explained(_first(found, wanted.limit))
    if as_json:
        print_json(
            {
                "tool": {"name": "agentforge", "version": agentforge.__version__},
                "model": DEFAULT_MODEL,
                "patterns": [pattern.name for pattern in patterns],
                "total": len(found),
                "matches": [page.match_object(match) for match in shown],
            }
        )
    else:
        _print(report.matches([page.row(match) for match in shown], len(found)))
    return EXIT_CLEAN


def _print(shown: RenderableType) -> None:
    Console(highlight=False, markup=False, soft_wrap=True).print(shown)


def _known(connection: Connection) -> tuple[Pattern, ...]:
    return (*shipped(), *team_patterns.team_patterns(connection))


def _chosen(known: Sequence[Pattern], wanted: Wanted) -> list[Pattern]:
    """The patterns that are named, those that ship disabled among them; else all that are on."""
    if wanted.names:
        found = [team_patterns.named(known, name) for name in dict.fromkeys(wanted.names)]
    else:
        found = [item for item in known if item.enabled]
    return [item for item in found if wanted.kind in (None, item.type)]


def _projects(search: Search, name: str | None) -> list[SearchedProject]:
    if not search.projects:
        raise UsageError("No project is stored yet.", "Run `agentforge analyze PATH` first, or give --file PATH.")
    known = list(search.projects.values())
    if name is not None:
        return named_projects(known, name)
    tree = current_tree()
    here = [item for item in known if tree is not None and item.key == tree.key]
    return here or known


def _source(file: str) -> bytes:
    if file == "-":
        return standard_input().encode("utf-8", "replace")
    if not Path(file).exists():
        raise UsageError(f"There is no file {file}.", "Name a source file, or - for standard input.")
    try:
        return read_source(os.path.realpath(file), MAX_FILE_SIZE)
    except UnreadableSourceError as error:
        raise UsageError(f"{file} cannot be read: {error}.", "Name a readable source file.") from None


def _function(connection: Connection, text: str, new: New, code: str | None) -> FunctionRef:
    """The function that a user means, as `similar` takes it."""
    from agentforge.pipeline import similar

    request = similar.Request(
        function=text,
        code=code if text == "-" else None,
        code_language=new.code_language,
        here=current_tree,
        file=located(text),
        model=None,
        project=new.project,
        other_projects=False,
        language=None,
        limit=1,
        min_score=0.0,
    )
    return similar.look_up(Search(connection), request)


def _texts(group: str, option: str) -> tuple[str, ...]:
    texts = tuple(text.strip() for text in group.split(",") if text.strip())
    if not texts:
        raise UsageError(f"{option} names nothing.", f"Write {option} open,read")
    return texts


def _first(found: Sequence[PatternMatch], limit: int | None) -> list[PatternMatch]:
    """At most so many of each pattern."""
    counts: dict[str, int] = {}
    shown = []
    for match in found:
        counts[match.pattern.name] = counts.get(match.pattern.name, 0) + 1
        if limit is None or counts[match.pattern.name] <= limit:
            shown.append(match)
    return shown
