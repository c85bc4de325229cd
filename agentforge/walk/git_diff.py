"""What changed in a checkout: since a commit, or what is staged. Names come NUL-separated, contents by object id."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentforge.errors import UsageError
from agentforge.walk import git
from agentforge.walk.git_contents import commit_of, run

_REGULAR_FILE = "100"  # a mode's first digits; 120000 is a symbolic link, 160000 another repository
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


def merge_base(root: str, ref: str) -> str:
    """The commit where HEAD and a ref parted.

    Args:
        root: of the checkout.
        ref: a branch, a tag or anything else that git understands as a commit.

    Raises:
        UsageError: there is no such commit, HEAD has none, or they share none.
    """
    commit = commit_of(root, ref)
    shallow = git.line(root, "rev-parse", "--is-shallow-repository") == "true"
    if commit is None:
        raise UsageError(f"--since: git knows no commit {ref!r} here.", _advice_for_unknown(root, ref, shallow=shallow))
    if commit_of(root, "HEAD") is None:
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
    output = run(root, environment, "diff", "--no-ext-diff", "--no-textconv", "--no-relative", *_DIFF, commit, "--")
    rows = list(_rows(output))
    files = [ChangedFile(row.path, row.old_path, row.old_blobs) for row in rows if row.there]
    output = run(root, environment, "ls-files", "-z", "--others", "--exclude-standard")
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
    empty_tree = run(root, environment, "hash-object", "-t", "tree", "--stdin").decode().strip()
    parents = [commit_of(root, "HEAD") or empty_tree, *_merged_heads(root)]
    sides: list[dict[str, _Row]] = []
    for parent in parents:
        output = run(root, environment, "diff-index", "--cached", *_DIFF, parent, "--")
        sides.append({row.path: row for row in _rows(output) if row.there})
    paths = set(sides[0]).intersection(*sides[1:])
    files = []
    for path in sorted(paths):
        rows = [side[path] for side in sides]
        old_path = next((row.old_path for row in rows if row.old_path is not None), None)
        old_blobs = tuple(dict.fromkeys(blob for row in rows for blob in row.old_blobs))
        files.append(ChangedFile(path, old_path, old_blobs, rows[0].blob))
    return tuple(files)


def is_in_git_folder(root: str, place: Path) -> bool:
    """Whether a file lies in the folder in which git keeps a checkout's index."""
    folder = git.line(root, "rev-parse", "--absolute-git-dir")
    return folder is not None and Path(folder).resolve() in place.parents


def changed_from(root: str, branch: str, path: str) -> bool:
    """Whether a file that a branch has, here or at `origin`, is another one in the working tree.

    Args:
        root: of the checkout.
        branch: name of the branch.
        path: of the file, root-relative.
    """
    commit = commit_of(root, f"refs/remotes/origin/{branch}") or commit_of(root, f"refs/heads/{branch}")
    if commit is None or git.line(root, "rev-parse", "--verify", "--quiet", f"{commit}:{path}") is None:
        return False
    environment = git.safe_environment(root, *git.no_filters(root))
    arguments = ("--literal-pathspecs", "diff", "--no-ext-diff", "--no-textconv", "--raw", "-z", commit, "--", path)
    return bool(run(root, environment, *arguments))


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


def _advice_for_unknown(root: str, ref: str, *, shallow: bool) -> str:
    if commit_of(root, f"origin/{ref}"):
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
    return [commit for name in text.split() if (commit := commit_of(root, name))]
