"""`agentforge login`, `user`, `grant` and the rest as people and CI run them, on a shared database."""

from __future__ import annotations

import io
import json
import os
import secrets
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pexpect
import psycopg
import pytest
from fix_people import Login
from fix_users import PASSWORD, People
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from agentforge.cli import run

COMMAND = str(Path(sys.executable).parent / "agentforge")


class Done(NamedTuple):
    """What became of a command."""

    returncode: int
    stdout: str
    stderr: str


class Shell:
    """A person's machine, where AGENTFORGE_DATABASE_URL names the shared database and a role that owns nothing."""

    def __init__(self, url: str, home: Path, people: People) -> None:
        self.url, self.home, self.people = url, home, people
        self.file = home / "config/agentforge/credentials.json"

    def environment(self, **more: str) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "AGENTFORGE", "XDG_"))}
        mine = {
            "AGENTFORGE_DATABASE_URL": self.url,
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
        }
        return {**clean, **mine, "NO_COLOR": "1", "COLUMNS": "200", **more}

    def run(self, *arguments: str, given: str = "", **more: str) -> Done:
        """Run a command in this process; {fd} among its arguments stands for a file that holds `given`."""
        reader, writer = os.pipe()
        os.write(writer, given.encode())
        os.close(writer)
        out, err, before = io.StringIO(), io.StringIO(), dict(os.environ)
        try:
            os.environ.clear()
            os.environ.update(self.environment(**more))
            with redirect_stdout(out), redirect_stderr(err):
                code = run([argument.format(fd=reader) for argument in arguments])
        finally:
            os.environ.clear()
            os.environ.update(before)
            os.close(reader)
        return Done(code, out.getvalue(), err.getvalue())

    def log_in(self, name: str, *options: str) -> Done:
        return self.run("login", "--user", name, "--password-fd", "{fd}", *options, given=f"{PASSWORD}\n")

    def at_terminal(self, *arguments: str) -> pexpect.spawn[str]:
        return pexpect.spawn(COMMAND, list(arguments), env=self.environment(), encoding="utf-8", timeout=30)


@pytest.fixture(scope="module")
def role_url(people: People) -> Iterator[str]:
    """A login role that is a member of agentforge_app and of nothing else."""
    login = Login(people.url)
    login.administer("GRANT agentforge_app TO {}", sql.Identifier(login.name))
    yield login.url(people.url)
    login.administer("DROP ROLE {}", sql.Identifier(login.name))


@pytest.fixture
def shell(role_url: str, tmp_path: Path, people: People) -> Shell:
    return Shell(role_url, tmp_path, people)


@pytest.fixture(scope="module")
def ada(people: People) -> str:
    """An admin with a password that costs what it should."""
    name = f"ada-{secrets.token_hex(4)}"
    done = subprocess.run(
        [
            COMMAND,
            "user",
            "add",
            name.upper(),
            "--role",
            "admin",
            "--email",
            f"{name}@example.org",
            "--password-fd",
            "0",
        ],
        input=PASSWORD,
        text=True,
        capture_output=True,
        check=False,
        env={**os.environ, "AGENTFORGE_DATABASE_URL": people.url, "AGENTFORGE_TOKEN": ""},
    )
    assert (done.returncode, done.stdout) == (0, f"Added {name}, admin.\n"), done.stderr
    return name


def test_logging_in_keeps_a_token_that_nobody_else_reads(shell: Shell, ada: str) -> None:
    refused = shell.run("whoami")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Run `agentforge login`" in refused.stderr
    assert shell.log_in(ada).returncode == 0
    assert stat.S_IMODE(shell.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(shell.file.parent.stat().st_mode) == 0o700
    (entry,) = json.loads(shell.file.read_text())["databases"].values()
    assert len(entry["token"]) == 43
    password = conninfo_to_dict(shell.url)["password"]
    assert str(password) not in shell.file.read_text(), "the role's password is not ours to keep"
    who = json.loads(shell.run("whoami", "--format", "json").stdout)
    assert (who["username"], who["role"]) == (ada, "admin")
    listed = json.loads(shell.run("sessions", "--format", "json").stdout)["sessions"]
    assert [row["is_current"] for row in listed if row["username"] == ada].count(True) == 1
    assert shell.run("logout").stderr == "Logged out.\n"
    assert not shell.file.exists()
    assert shell.run("logout").stderr == "You were not logged in.\n"


def test_what_a_client_calls_itself_moves_no_cursor(shell: Shell, ada: str) -> None:
    shell.log_in(ada)
    shell.people.administer("UPDATE user_sessions SET user_agent = E'\\x1b[31mred\\u202e'")
    assert "\\x1b[31mred\\u202e" in shell.run("sessions").stdout


def test_a_session_that_was_ended_says_so_and_is_nobody_elses(shell: Shell, ada: str) -> None:
    shell.log_in(ada)
    shell.people.administer("DELETE FROM user_sessions")
    done = shell.run("sessions")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Your session has ended.\nRun `agentforge login`." in done.stderr
    operator = shell.run("whoami", AGENTFORGE_DATABASE_URL=shell.people.url, AGENTFORGE_TOKEN="ended")
    assert (operator.returncode, operator.stdout) == (2, ""), "an operator is not the local user then, either"
    assert "It is AGENTFORGE_TOKEN: unset it" in operator.stderr, "a login would not be looked at"
    assert shell.run("logout").stderr == "Your session had ended already.\n"


def test_a_token_file_that_is_not_the_users_alone_is_refused(shell: Shell, ada: str) -> None:
    shell.log_in(ada)
    shell.file.chmod(0o640)
    done = shell.run("whoami")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Others may read" in done.stderr
    shell.file.chmod(0o600)
    held = shell.file.read_text()
    shell.file.rename(shell.home / "elsewhere")
    shell.file.symlink_to(shell.home / "elsewhere")
    done = shell.run("whoami")
    assert (done.returncode, done.stdout) == (2, ""), "not through a link"
    shell.file.unlink()
    shell.file.write_text("{")
    shell.file.chmod(0o600)
    assert "cannot be understood" in shell.run("whoami").stderr
    if os.geteuid() == 0:
        shell.file.write_text(held)
        os.chown(shell.file, 65534, 65534)
        assert "is not a file of yours" in shell.run("whoami").stderr


def test_a_printed_token_is_for_the_variable_which_goes_before_the_file(shell: Shell, ada: str) -> None:
    printed = shell.log_in(ada, "--print-token", "--lifetime", "30d")
    assert not shell.file.exists()
    token = printed.stdout.strip()
    assert (len(token), printed.stderr) == (43, "")
    assert shell.run("whoami", AGENTFORGE_TOKEN=token).stdout.startswith(f"{ada} (admin), until")
    shell.log_in(ada)
    wrong = shell.run("whoami", AGENTFORGE_TOKEN="wrong")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert shell.run("logout", AGENTFORGE_TOKEN=token).stderr.endswith("Logged out.\n")
    assert shell.file.exists(), "the file's session is another one"
    assert shell.run("login", "--user", ada, "--lifetime", "31d", "--password-fd", "{fd}").returncode == 2


def test_wrong_passwords_are_refused_and_slowed(shell: Shell, ada: str) -> None:
    for _ in range(3):
        wrong = shell.run("login", "--user", ada, "--password-fd", "{fd}", given="wrong\n")
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert wrong.stderr == "agentforge: User name or password are wrong.\n"
        assert not shell.file.exists()
    shell.people.let_pass(ada, -3600)  # commands may take longer than a second, so that the wait is over
    slowed = shell.log_in(ada)
    assert (slowed.returncode, "too many failed logins" in slowed.stderr) == (2, True)
    shell.people.let_pass(ada, 3601)
    requests = shell.people.administer(
        "SELECT endpoint, response_status FROM api_requests WHERE endpoint = 'login' ORDER BY id DESC LIMIT 4"
    )
    assert requests == [("login", 2)] * 4


def test_the_terminal_asks_without_showing_and_the_password_is_in_no_process_list(shell: Shell, ada: str) -> None:
    child = shell.at_terminal("login", "--user", ada)
    child.expect(f"Password of {ada}: ")
    child.waitnoecho(10)
    child.sendline(PASSWORD)
    running = [Path(f"/proc/{child.pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
    child.expect("Logged in as")
    child.expect(pexpect.EOF)
    assert PASSWORD not in str(child.before)
    assert all(PASSWORD.encode() not in text for text in running)
    name = f"new-{secrets.token_hex(4)}"
    child = shell.at_terminal("user", "add", name)
    child.expect(f"Password for {name}: ")
    child.waitnoecho(10)
    child.sendline("one long password")
    child.expect("once more: ")
    child.waitnoecho(10)
    child.sendline("another long password")
    child.expect("The two passwords are not the same")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 2


def test_without_a_terminal_the_password_comes_by_a_descriptor(shell: Shell, ada: str) -> None:
    for arguments in (("login", "--user", ada), ("user", "remove", ada)):
        done = subprocess.run(
            [COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=shell.environment(),
            start_new_session=True,
        )
        assert done.returncode == 2
        assert "There is no terminal" in done.stderr
    assert "cannot be read" in shell.run("login", "--user", ada, "--password-fd", "999").stderr


def test_an_admin_manages_users(shell: Shell, ada: str) -> None:
    shell.log_in(ada)
    name = f"bob-{secrets.token_hex(4)}"
    short = shell.run("user", "add", name, "--password-fd", "{fd}", given="short\n")
    assert (short.returncode, "12 are the least" in short.stderr) == (2, True)
    made = shell.run("user", "add", name, "--password-fd", "{fd}", "--format", "json", given=PASSWORD)
    assert json.loads(made.stdout)["username"] == name
    assert name in shell.run("user", "list").stdout
    bob = Shell(shell.url, shell.home / "bob", shell.people)
    token = bob.log_in(name, "--print-token").stdout.strip()
    denied = bob.run("user", "list", AGENTFORGE_TOKEN=token)
    assert (denied.returncode, "Only admins and auditors" in denied.stderr) == (2, True)
    own = ("user", "passwd", "--password-fd", "{fd}", "--old-password-fd", "{fd}")
    wrong = bob.run(*own, given="no\nanother long one\n", AGENTFORGE_TOKEN=token)
    assert (wrong.returncode, wrong.stderr) == (2, "agentforge: The old password is wrong.\n")
    right = bob.run(*own, given=f"{PASSWORD}\nanother long one\n", AGENTFORGE_TOKEN=token)
    assert right.returncode == 0, right.stderr
    assert bob.run("whoami", AGENTFORGE_TOKEN=token).returncode == 0, "this session goes on"
    assert shell.run("user", "passwd", name, "--password-fd", "{fd}", given="a third long one").returncode == 0
    assert bob.run("whoami", AGENTFORGE_TOKEN=token).returncode == 2, "an admin's new password ends all sessions"
    assert shell.run("user", "role", name, "auditor").stdout == f"{name}: auditor.\n"
    assert shell.run("user", "disable", name).returncode == 0
    assert shell.run("user", "enable", name).returncode == 0
    child = shell.at_terminal("user", "remove", name)
    child.expect_exact("[y/N]")
    child.sendline("y")
    child.expect_exact(f"Removed {name}.")
    child.expect(pexpect.EOF)
    assert shell.run("user", "remove", name, "--yes").stderr.startswith(f"agentforge: There is no user {name}.")


def test_permissions_are_granted_listed_and_revoked(shell: Shell, ada: str) -> None:
    shell.log_in(ada)
    name, key = shell.people.add(), secrets.token_hex(8)
    shell.people.project(key)
    assert shell.run("grant", name, "write", "--project", key).stdout == f"{name}: write on {key}.\n"
    listed = json.loads(shell.run("permissions", "--project", key, "--format", "json").stdout)["permissions"]
    assert (name, "write", ada) in [(row["username"], row["level"], row["granted_by"]) for row in listed]
    assert shell.run("revoke", name, "read", "--project", key).returncode == 2
    assert shell.run("revoke", name, "write", "--project", key).stdout == f"{name} no longer has write on {key}.\n"
    assert name not in shell.run("permissions", "--project", key).stdout


def test_a_session_is_revoked_by_its_number(shell: Shell, ada: str) -> None:
    shell.log_in(ada)
    listed = json.loads(shell.run("sessions", "list", "--format", "json").stdout)["sessions"]
    (mine,) = [row["id"] for row in listed if row["is_current"]]
    assert shell.run("sessions", "revoke", str(mine)).stderr == f"Session {mine} has ended.\n"
    assert shell.run("whoami").returncode == 2


def test_an_operator_is_the_local_user_and_asks_nothing(shell: Shell) -> None:
    url = shell.people.url
    assert shell.run("whoami", AGENTFORGE_DATABASE_URL=url).stdout == "local (admin), no login needed\n"
    own = shell.run("user", "passwd", "--password-fd", "{fd}", given="a long password", AGENTFORGE_DATABASE_URL=url)
    assert (own.returncode, "has no password" in own.stderr) == (2, True)


def test_the_embedded_database_asks_for_no_login(shell: Shell) -> None:
    done = shell.run("login", "--user", "ada", "--password-fd", "{fd}", AGENTFORGE_DATABASE_URL="")
    assert (done.returncode, "one user, local" in done.stderr) == (2, True)
    assert shell.run("logout", AGENTFORGE_DATABASE_URL="").stderr == "You were not logged in.\n"


def test_a_token_goes_to_the_database_that_it_is_for(shell: Shell, ada: str, new_database: object) -> None:
    shell.log_in(ada)
    with psycopg.connect(shell.people.url) as connection:
        assert connection.info.dbname in shell.file.read_text()
    other = make_conninfo(shell.url, dbname="postgres")
    done = shell.run("logout", AGENTFORGE_DATABASE_URL=other)
    assert done.stderr == "You were not logged in.\n"
    assert shell.file.exists()
