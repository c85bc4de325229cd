"""`agentforge db start|stop|upgrade|status`: the embedded server, and any database in short."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import Any

from rich.table import Table

from agentforge.cli.output import say, stdout
from agentforge.errors import EXIT_CLEAN, UsageError
from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.embedded import control
from agentforge.store.embedded.control import ServerStatus
from agentforge.store.embedded.upgrade import upgrade
from agentforge.store.health import DatabaseStatus, database_status


def run(action: str, settings: DatabaseSettings, *, as_json: bool) -> int:
    """Do what the command says with the embedded server, and show its state.

    Args:
        action: `start` or `stop`.
        settings: must not name another server.
        as_json: print one JSON document instead of a table.

    Raises:
        UsageError: another database is configured, which this tool does not start or stop.
    """
    _refuse_another(settings)
    if action == "start":
        control.start(settings, say)
    elif action == "stop" and not control.stop(settings, say):
        say("The embedded server was not running.")
    return show_status(settings, as_json=as_json)


def run_upgrade(settings: DatabaseSettings) -> int:
    """Bring the embedded database to the newest PostgreSQL that is installed, and say where the old data is.

    Raises:
        UsageError: another database is configured.
    """
    _refuse_another(settings)
    done = upgrade(settings, say)
    if done is None:
        sys.stdout.write("There is nothing to upgrade.\n")
    else:
        sys.stdout.write(
            f"Upgraded from PostgreSQL {done.old} to {done.new}. "
            f"The old data is kept in {done.kept}: remove it when all is well.\n"
        )
    return EXIT_CLEAN


def _refuse_another(settings: DatabaseSettings) -> None:
    if not settings.embedded:
        raise UsageError(
            "A database is configured, so the embedded server is not used.",
            "Unset AGENTFORGE_DATABASE_URL and the PG* variables to use it.",
        )


def show_status(settings: DatabaseSettings, *, as_json: bool) -> int:
    """Show where the embedded server lives and whether it runs, and the database in it or elsewhere in short.

    The embedded server is not started, and nothing is migrated.

    Raises:
        DatabaseError: another server is named and cannot be reached.
    """
    server: ServerStatus | None = None
    if settings.embedded:
        server, database = control.status(settings), control.database(settings)
    else:
        with connect(settings) as connection:
            database = database_status(connection)
    if as_json:
        document: dict[str, Any] = {"schema_version": 1, **(dataclasses.asdict(server) if server else {})}
        document["database"] = dataclasses.asdict(database) if database else None
        json.dump(document, sys.stdout, indent=2, default=str)
        sys.stdout.write("\n")
        return EXIT_CLEAN
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    rows = {**(_server_rows(server) if server else {}), **(_database_rows(database) if database else {})}
    for name, value in rows.items():
        if value:
            table.add_row(name, value)
    stdout().print(table)
    return EXIT_CLEAN


def _server_rows(status: ServerStatus) -> dict[str, str]:
    return {
        "state": status.state + (", until it is stopped" if status.pinned and status.pid else ""),
        "version": status.version,
        "data folder": str(status.data_dir),
        "socket": str(status.socket),
        "account": status.account,
        "process": str(status.pid or ""),
        "size": f"{status.size / 1e6:,.1f} MB",
        "clients": "" if status.clients is None else str(status.clients),
        "log": str(status.log),
    }


def _database_rows(status: DatabaseStatus) -> dict[str, str]:
    unknown = f"there, and {status.user} may not look into it" if status.has_schema else "none yet"
    schema = status.schema_version or unknown
    if status.newer:
        schema += ", newer than this agentforge"
    elif status.schema_version and status.pending:
        schema += f", pending: {', '.join(status.pending)}"
    return {
        "database": f"{status.database} ({status.size / 1e6:,.1f} MB), as {status.user}",
        "PostgreSQL": f"{status.server_version}, pgvector {status.vector_version or 'not installed'}",
        "schema": schema,
        "maintained": f"{status.last_maintenance:%Y-%m-%d %H:%M %Z}" if status.last_maintenance else "",
    }
