"""`agentforge db start|stop|status`: the embedded server."""

from __future__ import annotations

import dataclasses
import json
import sys

from rich.console import Console
from rich.table import Table

from agentforge.errors import EXIT_CLEAN, UsageError
from agentforge.store.connection import DatabaseSettings
from agentforge.store.embedded import control
from agentforge.store.embedded.control import ServerStatus


def run(action: str, settings: DatabaseSettings, *, as_json: bool) -> int:
    """Do what the command says with the embedded server, and show its state.

    Args:
        action: `start`, `stop` or `status`.
        settings: must not name another server.
        as_json: print one JSON document instead of a table.

    Raises:
        UsageError: another database is configured, which this tool does not start or stop.
    """
    if not settings.embedded:
        raise UsageError(
            "A database is configured, so the embedded server is not used.",
            "Unset AGENTFORGE_DATABASE_URL and the PG* variables to use it.",
        )
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    if action == "start":
        control.start(settings, console.print)
    elif action == "stop" and not control.stop(settings, console.print):
        console.print("The embedded server was not running.")
    _show(control.status(settings), as_json=as_json)
    return EXIT_CLEAN


def _show(status: ServerStatus, *, as_json: bool) -> None:
    if as_json:
        json.dump({"schema_version": 1, **dataclasses.asdict(status)}, sys.stdout, indent=2, default=str)
        sys.stdout.write("\n")
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    rows = {
        "state": status.state + (", until it is stopped" if status.pinned else ""),
        "version": status.version,
        "data folder": str(status.data_dir),
        "socket": str(status.socket),
        "account": status.account,
        "process": str(status.pid or ""),
        "size": f"{status.size / 1e6:,.1f} MB",
        "clients": "" if status.clients is None else str(status.clients),
        "log": str(status.log),
    }
    for name, value in rows.items():
        if value:
            table.add_row(name, value)
    Console(highlight=False, markup=False, soft_wrap=True).print(table)
