"""What git holds: commits, files at a commit, contents by object id, and where two texts differ."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from agentforge.errors import AgentForgeError
from agentforge.walk import git

_TIMEOUT_SECONDS = 300
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that differ: `old_count` from `old_start` on became `new_count` from `new_start` on; both count from 1."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int


def run(root: str, environment: dict[str, str], *arguments: str, allowed: Sequence[int] = (0,)) -> bytes:
    """What a git command prints.

    Args:
        root: folder to run it in.
        environment: of it, from `git.safe_environment`.
        arguments: of the command.
        allowed: exit codes that are no failure.

    Raises:
        AgentForgeError: git is missing, failed or took too long.
    """
    try:
        done = subprocess.run(
            ["git", "-C", root, *arguments],
            input=b"",
            capture_output=True,
            env=environment,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise AgentForgeError("git is not installed.", "Install it, or leave the option out.") from None
    except subprocess.TimeoutExpired:
        raise AgentForgeError(f"git {arguments[0]} took too long.", "Run git status in the repository.") from None
    if done.returncode not in allowed:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise AgentForgeError(f"git {arguments[0]} failed: {_last(reason)}", "Run git fsck in the repository.")
    return done.stdout


def _last(lines: Sequence[str]) -> str:
    """The last line of what git complained of."""
    return lines[-1] if lines else "it did not say why"


def commit_of(root: str, ref: str) -> str | None:
    """The full id of the commit that a ref names, or None."""
    return git.line(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}") if ref else None


def read_blobs(root: str, ids: Sequence[str], max_size: int) -> Iterator[bytes | None]:
    """What is in each of some objects, in order; None for what is missing or larger than `max_size` bytes."""
    if not ids:
        return
    with _batch(root) as (asked, answers):
        for object_id in ids:
            asked.write(f"{object_id}\n".encode())
            asked.flush()
            head = answers.readline().split()
            if not head:
                raise AgentForgeError("git ended while it was read from.", "Run git fsck in the repository.")
            if len(head) != 3:
                yield None  # `missing`
                continue
            raw = _take(answers, int(head[2]), max_size)
            answers.read(1)  # the line end after it
            yield raw if head[1] == b"blob" else None


def _take(stream: IO[bytes], size: int, max_size: int) -> bytes | None:
    """The next `size` bytes of a stream; what is too large is passed over, not kept."""
    if size <= max_size:
        return stream.read(size)
    while size:
        size -= len(stream.read(min(size, 1 << 20))) or size
    return None


def read_file_at(root: str, ref: str, path: str, max_size: int) -> bytes | None:
    """What a file held at a commit; None where there is no such commit or file, or it is larger than `max_size`."""
    commit = commit_of(root, ref)
    blob = (
        git.line(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}:{path}") if commit else None
    )
    return next(read_blobs(root, [blob], max_size)) if blob else None


def hunks(folder: str) -> dict[str, tuple[Hunk, ...]]:
    """Where files of one name in `old` and `new` differ in more than white space, by name; none for those that do not.

    Args:
        folder: that holds both; the names in them are plain words, the texts UTF-8.

    Raises:
        AgentForgeError: git failed.
    """
    environment = git.safe_environment(None) | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(Path(folder).parent),
    }
    how = (
        "-U0",
        "-w",
        "--text",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        "--inter-hunk-context=0",
    )
    output = run(folder, environment, "diff", "--no-index", *how, "--", "old", "new", allowed=(0, 1))
    return _hunks(output.split(b"\n"))


def _hunks(lines: Sequence[bytes]) -> dict[str, tuple[Hunk, ...]]:
    """Read a patch without context. A hunk's lines are counted, so that none of them is taken for a header."""
    found: dict[str, list[Hunk]] = {}
    name, skip = "", 0
    for line in lines:
        if skip:
            skip -= not line.startswith(b"\\")  # `\\ No newline at end of file` is none of them
        elif line.startswith(b"diff --git "):
            name = line.rpartition(b"/")[2].decode()
        elif match := _HUNK.match(line):
            numbers = [int(number) if number else 1 for number in match.groups()]
            hunk = Hunk(*numbers)
            found.setdefault(name, []).append(hunk)
            skip = hunk.old_count + hunk.new_count
    return {name: tuple(rows) for name, rows in found.items()}


@contextmanager
def _batch(root: str) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Where git takes ids of objects, and where it answers."""
    with subprocess.Popen(
        ["git", "-C", root, "cat-file", "--batch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=git.safe_environment(root),
    ) as process:
        yield cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
