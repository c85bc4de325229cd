"""`agentforge embed`, and what `agentforge analyze` leaves to it: completing the vectors of stored functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentforge.cli.database import open_database
from agentforge.cli.interrupt import noted
from agentforge.cli.output import ignore, print_json, print_table, say
from agentforge.cli.progress import ProgressBar
from agentforge.cli.settings import worker_processes
from agentforge.embed.interface import DEFAULT_MODEL, FAST_MODEL, load, staged
from agentforge.errors import EXIT_CLEAN, AgentForgeError, UsageError
from agentforge.pipeline.events import Notice
from agentforge.pipeline.scope import named_projects
from agentforge.pipeline.stored_models import registered
from agentforge.store import meaning, requests

if TYPE_CHECKING:
    from agentforge.embed.interface import Embedder
    from agentforge.model import Report
    from agentforge.store.connection import Connection, DatabaseSettings


@dataclass(slots=True)
class Filled:
    """A project, how many of its functions were embedded, and how many are left."""

    id: int
    project: str
    embedded: int
    left: int


def run(
    projects: Sequence[str],
    model: str | None,
    jobs: int | None,
    settings: DatabaseSettings,
    *,
    recentre: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Fill, and print what was done. Without `model` what people embedded by one of their own stays as it is."""
    from agentforge.pipeline.centring import settled
    from agentforge.pipeline.fill import Task, fill

    embedder = load(model or DEFAULT_MODEL)
    done: list[Filled] = []
    stopped = False
    with (
        ProgressBar(quiet=quiet) as progress,
        open_database(settings, lambda text: progress(Notice(text)), requests.Request("embed")) as connection,
        noted() as interrupted,
    ):
        try:
            embedder = settled(connection, embedder, progress, anew=recentre, interrupted=interrupted)
        except KeyboardInterrupt:
            say("Interrupted: the means are not counted, and nothing is changed.")
            return EXIT_CLEAN
        model_id = registered(connection, embedder)
        try:
            for item in _chosen(meaning.unfinished(connection, model_id), projects):
                if model is None and (own := _own_model(connection, item)):
                    say(f"{item.name} is embedded by {own}, and stays so: --model {own} completes it.")
                    continue
                done.append(Filled(item.id, item.name, 0, item.functions))
                if item.functions:
                    task = Task(item.id, model_id, embedder, item.functions, worker_processes(jobs))
                    fill(connection, task, progress, interrupted)
        except KeyboardInterrupt:
            stopped = True
        left = {item.id: item.functions for item in meaning.unfinished(connection, model_id)}
    for filled in done:
        now = left.get(filled.id, 0)
        filled.embedded, filled.left = max(0, filled.left - now), now
    _show(done, embedder, as_json=as_json)
    if stopped:
        say("Interrupted: what is done is kept. `agentforge embed` goes on from here.")
    return EXIT_CLEAN


def without_meaning(connection: Connection, report: Report, embedder: Embedder) -> int:
    """How many functions of an analysed project have no meaning yet."""
    if report.project.id is None or staged(embedder) is None:
        return 0
    return meaning.lacking(connection, report.project.id, registered(connection, embedder))


def after_analysis(
    settings: DatabaseSettings, report: Report, embedder: Embedder, functions: int, jobs: int, *, quiet: bool
) -> None:
    """Fill in the meaning of a project whose analysis is stored and shown.

    Args:
        settings: the database.
        report: of the analysis.
        embedder: of the analysis.
        functions: how many have no meaning yet, at least 1.
        jobs: worker processes.
        quiet: say nothing, and draw nothing.
    """
    if report.project.id is None:
        return
    from agentforge.pipeline.fill import Task, fill

    tell = ignore if quiet else say
    tell(f"Adding meaning to {functions:,} functions; Ctrl-C leaves it to `agentforge embed`.")
    try:
        with (
            ProgressBar(quiet=quiet) as progress,
            open_database(settings, lambda text: progress(Notice(text)), requests.Request("embed")) as connection,
            noted() as interrupted,
        ):
            model_id = registered(connection, embedder)
            fill(connection, Task(report.project.id, model_id, embedder, functions, jobs), progress, interrupted)
    except KeyboardInterrupt:
        say("The analysis is stored; meaning is not complete. `agentforge embed` goes on from here.")
    except AgentForgeError as error:  # it changes nothing about the analysis, nor about what its gate said
        say(f"The analysis is stored; meaning could not be added: {error}")


def _own_model(connection: Connection, project: meaning.Unfinished) -> str:
    """The model that somebody chose for a project; empty where it is one of ours."""
    names = [found.name for found in meaning.models_of(connection, [project.id])]
    return names[0] if names and names[0] not in (DEFAULT_MODEL, FAST_MODEL) else ""


def _chosen(known: Sequence[meaning.Unfinished], names: Sequence[str]) -> list[meaning.Unfinished]:
    if not known:
        raise UsageError("No project is stored yet that you may write.", "Run `agentforge analyze PATH` first.")
    if not names:
        return list(known)
    named = [item for name in names for item in named_projects(known, name)]
    return list({item.id: item for item in named}.values())


def _show(done: Sequence[Filled], embedder: Embedder, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "model": {"name": embedder.name, "version": embedder.version},
                "projects": [{"name": item.project, "embedded": item.embedded, "left": item.left} for item in done],
            }
        )
        return
    print_table(
        ("project", "embedded now", "left"),
        [(item.project, f"{item.embedded:,}", f"{item.left:,}") for item in done],
    )
