"""Asking git about a checkout: with no hook, no helper and no prompt of the repository's or the user's running."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from agentforge.errors import AgentForgeError, UsageError

_TIMEOUT_SECONDS = 120
_CLONE_TIMEOUT_SECONDS = 1800
_SCP_LIKE = re.compile(r"(?:[\w.-]+@)?([\w.-]+):(?!//)(.+)")
_SCHEMES = ("https", "http", "ssh", "git", "file")


def safe_environment(root: str | None, *settings_of_call: tuple[str, str]) -> dict[str, str]:
    """The caller's environment without what would point git elsewhere, and with the checkout marked as trusted.

    The mark matters to root, who analyses other users' checkouts; git reads it from the environment's configuration.

    Args:
        root: of the checkout, None where there is none.
        settings_of_call: more configuration, which goes before the repository's and the user's.
    """
    settings = [("core.fsmonitor", "false"), ("core.hooksPath", os.devnull), ("core.quotePath", "false")]
    if root is not None:
        settings.append(("safe.directory", root))
    settings.extend(settings_of_call)
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("GIT_") or key in ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_ASKPASS")
    }
    environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    environment["GIT_CONFIG_COUNT"] = str(len(settings))
    for number, (key, value) in enumerate(settings):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment


def ask(root: str, *arguments: str, settings: Sequence[tuple[str, str]] = ()) -> bytes | None:
    """What a git command prints, or None where git is not there, fails or takes too long.

    Args:
        root: folder to run it in.
        arguments: of the command; paths among them after `--`.
        settings: configuration that goes before the repository's and the user's.
    """
    try:
        done = subprocess.run(
            ["git", "-C", root, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=safe_environment(root, *settings),
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def no_filters(root: str) -> list[tuple[str, str]]:
    """Settings that switch off every filter, a program that git may run on the files that it compares."""
    output = ask(root, "config", "-z", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|required)$")
    names = {os.fsdecode(key).rpartition(".")[0] for key in (output or b"").split(b"\0") if key}
    off = (("clean", ""), ("process", ""), ("required", "false"))
    return [(f"{name}.{key}", value) for name in sorted(names) for key, value in off]


def line(root: str, *arguments: str) -> str | None:
    """The one line that a git command prints, or None."""
    output = ask(root, *arguments)
    return os.fsdecode(output.rstrip(b"\n")) or None if output is not None else None


def checkout_root(folder: str) -> str | None:
    """The root of the checkout that a folder lies in and is not ignored by, or None."""
    if not any((parent / ".git").exists() for parent in (Path(folder), *Path(folder).parents)):
        return None  # the common case of no checkout costs no process
    for candidate in (Path(folder), *Path(folder).parents):
        if (candidate / ".git").exists():
            root = str(candidate)
            if line(root, "rev-parse", "--is-inside-work-tree") != "true":
                return None
            ignored = root != folder and ask(root, "check-ignore", "-q", "--", folder) is not None
            return None if ignored else root
    return None


def list_files(root: str, scopes: tuple[str, ...]) -> list[str] | None:
    """Tracked and untracked-not-ignored files, root-relative in `os.fsdecode` form, sorted; None if git cannot say."""
    # A file may be called `:(top)` or `*`: the scopes are names, never patterns.
    which = ("--cached", "--others", "--exclude-standard", "--deduplicate")
    output = ask(root, "--literal-pathspecs", "ls-files", "-z", *which, "--", *scopes or (".",))
    if output is None:
        return None
    return sorted({os.fsdecode(name) for name in output.split(b"\0") if name})


def renamed(root: str, since_commit: str) -> dict[str, str] | None:
    """Old to new path of each file that git sees as renamed between a commit and the working tree."""
    arguments = ("--name-status", "-z", "-M", "--diff-filter=R", "--end-of-options", since_commit, "--")
    output = ask(root, "diff", *arguments, settings=no_filters(root))
    if output is None:
        return None
    fields = [os.fsdecode(field) for field in output.split(b"\0")]
    return {
        fields[index + 1]: fields[index + 2] for index in range(0, len(fields) - 2, 3) if fields[index].startswith("R")
    }


def default_branch(root: str) -> tuple[str, bool] | None:
    """The default branch of a checkout's repository, and whether git says so: `origin/HEAD`, which a clone has.

    Without it `main` or `master` is taken, whichever is there; None where neither is.
    """
    head = line(root, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    if head is not None and head.startswith("origin/"):
        return head.removeprefix("origin/"), True
    for name in ("main", "master"):
        if line(root, "for-each-ref", "--count=1", f"refs/heads/{name}", f"refs/remotes/origin/{name}") is not None:
            return name, False
    return None


def without_credentials(url: str) -> str:
    """A repository URL without user name and password."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


def identity(url: str) -> str:
    """`host/owner/name` of a repository URL: the same for https, ssh and git@host:path."""
    if "://" in url:
        parts = urlsplit(url)
        name = f"{parts.hostname or ''}/{parts.path.strip('/')}"
    elif match := _SCP_LIKE.fullmatch(url):
        name = f"{match[1]}/{match[2].strip('/')}"
    else:
        name = str(Path(url).resolve())
    return name.removesuffix(".git").lower() if "://" in url or "@" in url else name.removesuffix(".git")


def is_url(text: str) -> bool:
    """Whether an argument names a repository to be cloned, not a path."""
    scheme, separator, _ = text.partition("://")
    if separator:
        return scheme in _SCHEMES
    return bool(_SCP_LIKE.fullmatch(text)) and "@" in text.split(":", 1)[0] and not Path(text).exists()


def clone(url: str, folder: str) -> None:
    """Clone a repository's newest commit into an empty folder.

    Args:
        url: one for which `is_url` holds.
        folder: that does not exist yet.

    Raises:
        UsageError: it is no such URL.
        AgentForgeError: git is missing or could not clone; the message holds no credentials.
    """
    if not is_url(url) or url.startswith("-"):
        raise UsageError(
            f"{without_credentials(url)} is not a git URL.", "Use https://, ssh://, git@host:path or file://."
        )
    environment = safe_environment(None) | {"GIT_ALLOW_PROTOCOL": ":".join(_SCHEMES)}
    shown = without_credentials(url)
    try:
        done = subprocess.run(
            ["git", "clone", "--quiet", "--depth", "1", "--no-tags", "--", url, folder],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            timeout=_CLONE_TIMEOUT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise AgentForgeError(
            f"{shown} cannot be cloned: git is not installed.", "Install git, or give a folder."
        ) from None
    except subprocess.TimeoutExpired:
        raise AgentForgeError(f"Cloning {shown} took too long.", "Clone it yourself and give the folder.") from None
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().replace(url, shown).splitlines()
        raise AgentForgeError(
            f"{shown} could not be cloned: {reason[-1] if reason else 'git failed'}",
            "Check the address and that you may read it.",
        )
