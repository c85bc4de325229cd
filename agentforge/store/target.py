"""The name of the database that settings mean, without connecting to it."""

from __future__ import annotations

import os
import shlex

from agentforge.store.connection import DatabaseSettings

_PARTS = ("service", "host", "hostaddr", "port", "dbname", "user")


def name(settings: DatabaseSettings) -> str:
    """Server, database and login role in one line, never with a password; equal for equal targets.

    Raises:
        DatabaseError: the URL cannot be understood.
    """
    if settings.embedded:
        from agentforge.store.embedded.paths import default_folder

        folder = os.path.abspath(settings.data_dir) if settings.data_dir else default_folder()  # noqa: PTH100
        return f"embedded={shlex.quote(str(folder))}"
    from psycopg import pq

    from agentforge.store.faults import parse_url

    # libpq's own defaults: PG* variables, and what is compiled in.
    defaults = {option.keyword.decode(): (option.val or b"").decode() for option in pq.Conninfo.get_defaults()}
    given = parse_url(settings.url or "")
    parts = {part: str(given.get(part) or defaults.get(part) or "") for part in _PARTS}
    parts["dbname"] = parts["dbname"] or parts["user"]
    return " ".join(f"{part}={shlex.quote(value)}" for part, value in parts.items() if value)
