"""What changed in a checkout: since a commit, or what is staged. Names come NUL-separated, contents by object id."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from agentforge.errors import AgentForgeError, UsageError
from agentforge.walk import git

_TIMEOUT_SECONDS = 300
_REGULAR_FILE = "100"  # a mode's first digits; 120000 is a symbolic link, 160000 another repository
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_DIFF = ("--raw", "-z", "--no-abbrev", "-M", "-l2000", "--ignore-submodules=all")
_FETCH_ALL = (
    "Fetch the whole history: git fetch --unshallow; fetch-depth: 0 for actions/checkout; GIT_DEPTH: 0 in GitLab."
)


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that is there now and was not there before, or was another.

    Attributes:
        path: root-relative, in `os.fsdecode` form.
        old_path: what it was called before, None where it is new.
        old_blobs: object ids of what was in it before, several in a merge; empty where it is new.
        blob: object id of what is staged, None where the working tree counts.
    """

    path: str
    old_path: str | None
    old_blobs: tuple[str, ...]
    blob: str | None = None


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that differ: `old_count` from `old_start` on became `new_count` from `new_start` on; both count from 1."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int


def merge_base(root: str, ref: str) -> str:
    """The commit where HEAD and a ref parted.

    Args:
        root: of the checkout.
        ref: a branch, a tag or anything else that git understands as a commit.

    Raises:
        UsageError: there is no such commit, HEAD has none, or they share none.
    """
    commit = _commit(root, ref)
    shallow = git.line(root, "rev-parse", "--is-shallow-repository") == "true"
    if commit is None:
        raise UsageError(f"--since: git knows no commit {ref!r} here.", _advice_for_unknown(root, ref, shallow=shallow))
    if _commit(root, "HEAD") is None:
        raise UsageError("--since: this repository has no commit yet.", "Commit first, or use --staged.")
    base = git.line(root, "merge-base", commit, "HEAD")
    if base is None:
        hint = _FETCH_ALL if shallow else "Name a ref that this branch came from."
        why = " in this shallow clone" if shallow else ""
        raise UsageError(f"--since: HEAD and {ref!r} have no commit in common{why}.", hint)
    return base


def changed_since(root: str, commit: str) -> tuple[ChangedFile, ...]:
    """The regular files of the working tree that differ from a commit, those that git does not track yet included.

    Args:
        root: of the checkout.
        commit: full object id.

    Raises:
        AgentForgeError: git failed.
    """
    # A clean filter is a program that the repository's configuration names; it must not run here.
    environment = git.safe_environment(root, *git.no_filters(root))
    output = _run(root, environment, "diff", "--no-ext-diff", "--no-textconv", "--no-relative", *_DIFF, commit, "--")
    rows = list(_rows(output))
    files = [ChangedFile(row.path, row.old_path, row.old_blobs) for row in rows if row.there]
    output = _run(root, environment, "ls-files", "-z", "--others", "--exclude-standard")
    untracked = [os.fsdecode(name) for name in output.split(b"\0") if name]
    gone = {row.old_blobs[0]: row.old_path for row in rows if row.status == "D" and row.old_blobs}
    files.extend(_moved(root, path, gone) for path in untracked)
    return tuple(sorted(files, key=lambda file: file.path))


def staged(root: str, index_file: str | None = None) -> tuple[ChangedFile, ...]:
    """The regular files of the index that differ from HEAD; in a merge, from each of its parents.

    Args:
        root: of the checkout.
        index_file: that git told its hook to use (`GIT_INDEX_FILE`), None for the checkout's own.

    Raises:
        AgentForgeError: git failed.
    """
    environment = git.safe_environment(root)
    if index_file is not None:
        environment["GIT_INDEX_FILE"] = index_file
    empty_tree = _run(root, environment, "hash-object", "-t", "tree", "--stdin").decode().strip()
    parents = [_commit(root, "HEAD") or empty_tree, *_merged_heads(root)]
    sides: list[dict[str, _Row]] = []
    for parent in parents:
        output = _run(root, environment, "diff-index", "--cached", *_DIFF, parent, "--")
        sides.append({row.path: row for row in _rows(output) if row.there})
    paths = set(sides[0]).intersection(*sides[1:])
    files = []
    for path in sorted(paths):
        rows = [side[path] for side in sides]
        old_path = next((row.old_path for row in rows if row.old_path is not None), None)
        old_blobs = tuple(dict.fromkeys(blob for row in rows for blob in row.old_blobs))
        files.append(ChangedFile(path, old_path, old_blobs, rows[0].blob))
    return tuple(files)


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
    output = _run(folder, environment, "diff", "--no-index", *how, "--", "old", "new", allowed=(0, 1))
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


def is_in_git_folder(root: str, place: Path) -> bool:
    """Whether a file lies in the folder in which git keeps a checkout's index."""
    folder = git.line(root, "rev-parse", "--absolute-git-dir")
    return folder is not None and Path(folder).resolve() in place.parents


def read_blobs(root: str, ids: Sequence[str], max_size: int) -> Iterator[bytes | None]:
    """What is in each of some objects, in order; None for what is missing or larger than `max_size` bytes."""
    if not ids:
        return
    with _batch(root) as process:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101 - both are pipes
        for object_id in ids:
            process.stdin.write(f"{object_id}\n".encode())
            process.stdin.flush()
            head = process.stdout.readline().split()
            if not head:
                raise AgentForgeError("git ended while it was read from.", "Run git fsck in the repository.")
            if len(head) != 3:
                yield None  # `missing`
                continue
            raw = _take(process.stdout, int(head[2]), max_size)
            process.stdout.read(1)  # the line end after it
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
    commit = _commit(root, ref)
    blob = (
        git.line(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}:{path}") if commit else None
    )
    return next(read_blobs(root, [blob], max_size)) if blob else None


def changed_from(root: str, branch: str, path: str) -> bool:
    """Whether a file that a branch has, here or at `origin`, is another one in the working tree.

    Args:
        root: of the checkout.
        branch: name of the branch.
        path: of the file, root-relative.
    """
    commit = _commit(root, f"refs/remotes/origin/{branch}") or _commit(root, f"refs/heads/{branch}")
    if commit is None or git.line(root, "rev-parse", "--verify", "--quiet", f"{commit}:{path}") is None:
        return False
    environment = git.safe_environment(root, *git.no_filters(root))
    arguments = ("--literal-pathspecs", "diff", "--no-ext-diff", "--no-textconv", "--raw", "-z", commit, "--", path)
    return bool(_run(root, environment, *arguments))


@dataclass(frozen=True, slots=True)
class _Row:
    """One record of `git diff --raw`."""

    status: str
    path: str
    old_path: str | None
    old_blobs: tuple[str, ...]
    blob: str
    there: bool


def _rows(output: bytes) -> Iterator[_Row]:
    """`:mode mode id id status NUL path NUL`, and a second path where it was renamed; gitformat: git-diff(1), raw."""
    fields = iter(output.split(b"\0"))
    for field in fields:
        if not field:
            continue
        old_mode, mode, old_id, new_id, status = field.decode("ascii").lstrip(":").split(" ")
        first = os.fsdecode(next(fields))
        path = os.fsdecode(next(fields)) if status[0] in "RC" else first
        was_there = old_mode.startswith(_REGULAR_FILE)
        yield _Row(
            status=status[0],
            path=path,
            old_path=first if was_there else None,
            old_blobs=(old_id,) if was_there and old_id.strip("0") else (),
            blob=new_id,
            there=mode.startswith(_REGULAR_FILE) and status[0] not in "DU",
        )


def _moved(root: str, path: str, gone: dict[str, str | None]) -> ChangedFile:
    """An untracked file: one that was only moved is found again by what is in it."""
    if gone and (old := next((blob for blob in _object_ids(f"{root}/{path}") if blob in gone), None)):
        return ChangedFile(path, gone.pop(old), (old,))
    return ChangedFile(path, None, ())


def _object_ids(location: str) -> tuple[str, ...]:
    """The ids that git gives a file, in repositories of either kind; none where it cannot be read."""
    try:
        if not Path(location).is_file() or Path(location).is_symlink():
            return ()
        raw = Path(location).read_bytes()
    except OSError:
        return ()
    data = b"blob %d\0" % len(raw) + raw
    return hashlib.sha1(data, usedforsecurity=False).hexdigest(), hashlib.sha256(data).hexdigest()


def _commit(root: str, ref: str) -> str | None:
    return git.line(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}") if ref else None


def _advice_for_unknown(root: str, ref: str, *, shallow: bool) -> str:
    if _commit(root, f"origin/{ref}"):
        return f"Did you mean origin/{ref}?"
    return _FETCH_ALL if shallow else "Fetch it first, and look with: git branch --all"


def _merged_heads(root: str) -> list[str]:
    """The commits that are being merged, empty where there is no merge."""
    place = git.line(root, "rev-parse", "--git-path", "MERGE_HEAD")
    if place is None:
        return []
    try:
        text = (Path(root) / place).read_text("ascii")
    except (OSError, ValueError):
        return []
    return [commit for name in text.split() if (commit := _commit(root, name))]


def _run(root: str, environment: dict[str, str], *arguments: str, allowed: Sequence[int] = (0,)) -> bytes:
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


@contextmanager
def _batch(root: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        ["git", "-C", root, "cat-file", "--batch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=git.safe_environment(root),
    )
    try:
        yield process
    finally:
        process.stdin.close()  # type: ignore[union-attr]  # it is a pipe
        process.stdout.close()  # type: ignore[union-attr]
        process.wait()
