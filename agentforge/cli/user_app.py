"""The commands about users and their sessions, and their options. A command's work is imported when it runs.

`user` is a group of its own; the commands of `app` stand beside `analyze`.
"""

from enum import StrEnum
from typing import Annotated

import typer

from agentforge.cli.options import DatabaseUrl, DataDir, Format, OutputFormat, database_of

app = typer.Typer()
user = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Users of a shared database.")
sessions = typer.Typer(rich_markup_mode=None, help="Sessions that have not ended; lists them.")
app.add_typer(user, name="user")
app.add_typer(sessions, name="sessions")


class Role(StrEnum):
    """What a user is, over all projects."""

    ADMIN = "admin"
    DEVELOPER = "developer"
    AUDITOR = "auditor"
    VIEWER = "viewer"


class Level(StrEnum):
    """What a user may do on a project; each includes those before."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the user.")]
NewRole = Annotated[Role, typer.Argument(metavar="ROLE", help="admin, developer, auditor or viewer.")]
PasswordFd = Annotated[
    int | None,
    typer.Option("--password-fd", min=0, metavar="N", help="Read the password from this open file, not the terminal."),
]
OldPasswordFd = Annotated[
    int | None, typer.Option("--old-password-fd", min=0, metavar="N", help="The same for your old password.")
]
OnProject = Annotated[str, typer.Option("--project", "-p", metavar="PROJECT", help="Its name or key.")]


@app.command()
def login(
    username: Annotated[str | None, typer.Option("--user", "-u", metavar="NAME", help="Who you are.")] = None,
    password_fd: PasswordFd = None,
    lifetime: Annotated[
        str | None, typer.Option("--lifetime", metavar="TIME", help="Of the session: 90m, 12h (the default), 30d.")
    ] = None,
    print_token: Annotated[
        bool, typer.Option("--print-token", help="Print the token for AGENTFORGE_TOKEN, and keep no file.")
    ] = False,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Begin a session with a shared database."""
    from agentforge.cli.login import run_login

    settings = database_of(database_url, data_dir)
    as_json = output_format is Format.JSON
    return run_login(settings, username, password_fd, lifetime, print_token=print_token, as_json=as_json)


@app.command()
def logout(
    everywhere: Annotated[bool, typer.Option("--all", help="End all your sessions, on every machine.")] = False,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """End the session, and forget its token."""
    from agentforge.cli.login import run_logout

    settings = database_of(database_url, data_dir)
    return run_logout(settings, everywhere=everywhere, as_json=output_format is Format.JSON)


@app.command()
def whoami(
    database_url: DatabaseUrl = None, data_dir: DataDir = None, output_format: OutputFormat = Format.TABLE
) -> int:
    """Show who the database takes you for."""
    from agentforge.cli.login import run_whoami

    return run_whoami(database_of(database_url, data_dir), as_json=output_format is Format.JSON)


@sessions.callback(invoke_without_command=True)
def _sessions(
    context: typer.Context,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    return 0 if context.invoked_subcommand else list_sessions(database_url, data_dir, output_format)


@sessions.command("list")
def list_sessions(
    database_url: DatabaseUrl = None, data_dir: DataDir = None, output_format: OutputFormat = Format.TABLE
) -> int:
    """List your sessions; for admins and auditors, everybody's."""
    from agentforge.cli.login import run_sessions

    return run_sessions(database_of(database_url, data_dir), as_json=output_format is Format.JSON)


@sessions.command("revoke")
def revoke_session(
    session: Annotated[int, typer.Argument(metavar="ID", help="As listed.")],
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """End a session of yours; as an admin, anybody's."""
    from agentforge.cli.login import run_revoke_session

    return run_revoke_session(database_of(database_url, data_dir), session, as_json=output_format is Format.JSON)


@app.command()
def grant(
    username: Annotated[str, typer.Argument(metavar="USER")],
    level: Annotated[Level, typer.Argument(metavar="LEVEL", help="read, write or admin.")],
    project: OnProject,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Let a user read, write or administer a project."""
    from agentforge.cli.users import run_grant

    settings = database_of(database_url, data_dir)
    return run_grant(settings, username, level.value, project, as_json=output_format is Format.JSON)


@app.command()
def revoke(
    username: Annotated[str, typer.Argument(metavar="USER")],
    project: OnProject,
    level: Annotated[Level | None, typer.Argument(metavar="[LEVEL]", help="Only if it is this one.")] = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Take from a user what he may do on a project."""
    from agentforge.cli.users import run_revoke

    settings = database_of(database_url, data_dir)
    only = level.value if level else None
    return run_revoke(settings, username, only, project, as_json=output_format is Format.JSON)


@app.command()
def permissions(
    project: OnProject,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """List who may do what on a project."""
    from agentforge.cli.users import run_permissions

    return run_permissions(database_of(database_url, data_dir), project, as_json=output_format is Format.JSON)


@user.command()
def add(
    username: Name,
    email: Annotated[str | None, typer.Option("--email", metavar="ADDRESS", help="Of the user.")] = None,
    role: Annotated[
        Role, typer.Option("--role", metavar="ROLE", help="admin, developer, auditor or viewer.")
    ] = Role.DEVELOPER,
    password_fd: PasswordFd = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Add a user with a password."""
    from agentforge.cli.users import run_add

    settings = database_of(database_url, data_dir)
    return run_add(settings, username, email, role.value, password_fd, as_json=output_format is Format.JSON)


@user.command("list")
def list_users(
    database_url: DatabaseUrl = None, data_dir: DataDir = None, output_format: OutputFormat = Format.TABLE
) -> int:
    """List the users; for admins and auditors."""
    from agentforge.cli.users import run_list

    return run_list(database_of(database_url, data_dir), as_json=output_format is Format.JSON)


@user.command()
def disable(
    username: Name,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Lock a user out, and end all sessions of that user."""
    from agentforge.cli.users import run_set_active

    settings = database_of(database_url, data_dir)
    return run_set_active(settings, username, active=False, as_json=output_format is Format.JSON)


@user.command()
def enable(
    username: Name,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Let a user log in again, and forget failed logins."""
    from agentforge.cli.users import run_set_active

    settings = database_of(database_url, data_dir)
    return run_set_active(settings, username, active=True, as_json=output_format is Format.JSON)


@user.command("role")
def set_role(
    username: Name,
    role: NewRole,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Give a user another role, at once."""
    from agentforge.cli.users import run_set_role

    settings = database_of(database_url, data_dir)
    return run_set_role(settings, username, role.value, as_json=output_format is Format.JSON)


@user.command()
def passwd(
    username: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Of the user; without it, you.")] = None,
    password_fd: PasswordFd = None,
    old_password_fd: OldPasswordFd = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Set your password, or as an admin that of somebody else. All other sessions of that user end."""
    from agentforge.cli.users import run_passwd

    settings = database_of(database_url, data_dir)
    return run_passwd(settings, username, password_fd, old_password_fd, as_json=output_format is Format.JSON)


@user.command()
def remove(
    username: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    output_format: OutputFormat = Format.TABLE,
) -> int:
    """Remove a user with all sessions and permissions. What was done stays in the audit trail."""
    from agentforge.cli.users import run_remove

    return run_remove(database_of(database_url, data_dir), username, yes=yes, as_json=output_format is Format.JSON)
