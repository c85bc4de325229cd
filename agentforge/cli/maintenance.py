"""`agentforge db migrate|sql|maintain|refresh|cleanup`: what is done to any database, the embedded one or yours."""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rich.console import Console
from rich.text import Text

from agentforge.cli.database import open_as_owner
from agentforge.cli.output import SCHEMA_VERSION, ignore, print_json, say
from agentforge.errors import EXIT_CLEAN, EXIT_INTERNAL, EXIT_INTERRUPTED, AgentForgeError
from agentforge.pipeline import team_rules
from agentforge.store import maintenance
from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.maintenance import Options, Step
from agentforge.store.migrate import migrate, script
from agentforge.store.requests import Request


class Interrupted(AgentForgeError):  # noqa: N818 - it is a request of the user, not a fault
    """The user, or the system for him, ended the command."""

    exit_code = EXIT_INTERRUPTED


def print_sql() -> int:
    """The statements that make roles and schema, for whoever runs them by hand; the tool then finds them done."""
    sys.stdout.write(script())
    return EXIT_CLEAN


def run_migrate(settings: DatabaseSettings, *, as_json: bool) -> int:
    """Bring the schema up to date, make the partitions of the next months, and drop what is past its retention."""
    with connect(settings, say) as connection:
        applied = migrate(connection)
    with interruptible(), open_as_owner(settings, say, Request("db migrate")) as connection:
        team_rules.fill(connection)
        steps = maintenance.maintain(connection, Options(), maintenance.AFTER_MIGRATING) or ()
    if as_json:
        print_json({"applied": list(applied)})
    else:
        sys.stdout.write(f"applied {', '.join(applied)}\n" if applied else "The schema is up to date.\n")
    return complain(steps)


def run_steps(
    settings: DatabaseSettings,
    command: str,
    options: Options,
    only: Collection[str] | None = None,
    *,
    as_json: bool,
    quiet: bool = False,
) -> int:
    """Do steps of the maintenance and show them.

    Args:
        settings: which database.
        command: name of the command, for the log of requests.
        options: how.
        only: the names of the steps; None for all.
        as_json: print one line of JSON instead of a table.
        quiet: print failures only.

    Returns:
        0, or 3 where a step failed. Another maintenance that is under way is no failure: then there is nothing to do.
    """
    request = Request(command)
    with interruptible(request), open_as_owner(settings, ignore if quiet else say, request) as connection:
        steps = maintenance.maintain(connection, options, only)
        failed = any(step.error is not None for step in steps or ())
        request.status = EXIT_INTERNAL if failed else EXIT_CLEAN
    if steps is None:
        say("Another maintenance is running: nothing to do.")
        return EXIT_CLEAN
    if as_json:
        sys.stdout.write(json.dumps({"schema_version": SCHEMA_VERSION, "steps": list(map(_document, steps))}) + "\n")
    elif not quiet:
        console = Console(highlight=False, soft_wrap=True)
        for step in steps:
            console.print(Text.assemble(f"{step.name:<10} {step.seconds:6.2f} s  ", step.done))
    return complain(steps)


@contextmanager
def interruptible(request: Request | None = None) -> Iterator[None]:
    """Within, SIGTERM ends the command as Ctrl-C does: its statement is cancelled, its locks go, it exits with 130."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        if request is not None:
            request.status = EXIT_INTERRUPTED  # until it ends otherwise
        yield
    except KeyboardInterrupt:
        raise Interrupted("Interrupted.", "What was done is kept, nothing is half-done: run it again.") from None
    finally:
        signal.signal(signal.SIGTERM, before)


def complain(steps: Collection[Step]) -> int:
    """Say which steps failed, a line each; the exit code is 3 where one did."""
    failed = [step for step in steps if step.error is not None]
    for step in failed:
        sys.stderr.write(f"agentforge: {step.name} failed: {step.error}\n")
    return EXIT_INTERNAL if failed else EXIT_CLEAN


def _document(step: Step) -> dict[str, Any]:
    return {**dataclasses.asdict(step), "seconds": round(step.seconds, 3)}
