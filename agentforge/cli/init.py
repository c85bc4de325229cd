"""`agentforge db init`: roles, schema and extension, on the embedded server or on yours."""

from __future__ import annotations

import sys

from agentforge.cli.database import open_as_owner
from agentforge.cli.maintenance import complain
from agentforge.cli.output import print_json, say
from agentforge.cli.prompt import read_password
from agentforge.pipeline import team_rules
from agentforge.store import maintenance
from agentforge.store.connection import DatabaseSettings, connect
from agentforge.store.migrate import migrate
from agentforge.store.requests import Request
from agentforge.store.roles import prepare, set_application_password, standing


def run_init(settings: DatabaseSettings, password_fd: int | None, *, as_json: bool) -> int:
    """Set the database up; where it is set up already, mend what is missing.

    Raises:
        UsageError: the descriptor cannot be read or holds nothing.
        DatabaseError: the role may not do it; the hint holds what an administrator has to run.
    """
    password = None if password_fd is None else read_password(password_fd, "", "--app-password-fd")
    with connect(settings, say) as connection:
        prepare(connection)
        applied = migrate(connection)
        if password is not None:
            set_application_password(connection, password)
        role, name = standing(connection).role, connection.info.dbname
    with open_as_owner(settings, say, Request("db init")) as connection:
        team_rules.fill(connection)
        steps = maintenance.maintain(connection, maintenance.Options(), maintenance.AFTER_MIGRATING) or ()
    if as_json:
        print_json({"database": name, "applied": list(applied)})
        return complain(steps)
    made = f"applied {len(applied)} migrations, up to {applied[-1]}" if applied else "the schema was up to date"
    sys.stdout.write(f"The database {name} is ready: {made}.\n")
    if not settings.embedded:
        say(_next_steps(role, has_password=password is not None))
    return complain(steps)


def _next_steps(role: str, *, has_password: bool) -> str:
    login = "" if has_password else "Give agentforge_app a password (\\password agentforge_app in psql), then "
    people = "make users: agentforge user add NAME --role developer. "
    return f"{login}{people}You are {role}, an owner of the schema, and work as the user `local`."
