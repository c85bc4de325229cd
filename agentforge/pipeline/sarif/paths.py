"""From the URIs of a log to paths of a project."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from agentforge.pipeline.sarif.values import Object, inside, item, string
from agentforge.walk import escape

_DRIVE = re.compile(r"/?([A-Za-z]):[/\\]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_MAX_BASES = 32


class Places:
    """Resolves the locations of one run.

    An absolute path that is not in the project's folder (it was made on another machine) stands for the longest end of
    it that is a file of the project. Nothing outside of the project is ever named.
    """

    def __init__(self, run: Object, root: str | None, folder: str, exists: Callable[[str], bool]) -> None:
        """Read the bases.

        Args:
            run: of a log.
            root: folder of the project, absolute, None where it is not here.
            folder: the root-relative folder from which relative paths may count, empty for the root.
            exists: whether a root-relative path is a file of the project.
        """
        self._artifacts = run.get("artifacts")
        self._bases = inside(run, "originalUriBaseIds")
        self._root, self._folder, self._exists = root, folder, exists
        self._roots = [path for name in self._bases if (path := self._absolute(name))]

    def path(self, location: Object) -> str | None:
        """The project-relative path of an artifact location, printable as a report shows it; None where it has none."""
        if not location.get("uri"):
            location = inside(item(self._artifacts, location.get("index")), "location")
        uri = self._resolved(location, 0)
        path = _local(uri) if uri else None
        if path is None:
            return None
        relative = self._inside(path) if path.startswith("/") else self._below(path)
        return escape(relative) if relative else None

    def _resolved(self, location: Object, depth: int) -> str:
        """The URI of a location with its bases before it, as far as they are known."""
        uri = string(location.get("uri"))
        base_id = string(location.get("uriBaseId"))
        if not base_id or _SCHEME.match(uri) or uri.startswith("/") or depth > _MAX_BASES:
            return uri
        base = self._resolved(inside(self._bases, base_id), depth + 1)
        return f"{base.rstrip('/')}/{uri}" if base else uri

    def _absolute(self, base_id: str) -> str | None:
        path = _local(self._resolved(inside(self._bases, base_id), 0))
        return path.rstrip("/") if path and path.startswith("/") and path != "/" else None

    def _inside(self, path: str) -> str | None:
        """An absolute path: below the project's folder or a base of the log, or its end that is in the project."""
        path = posixpath.normpath(path)
        for root in (self._root, *sorted(self._roots, key=len)):
            if root and path.startswith(f"{root}/"):
                relative = path[len(root) + 1 :]
                if root == self._root or self._root is None or self._exists(relative):
                    return relative
        parts = path.strip("/").split("/")
        ends = ("/".join(parts[start:]) for start in range(len(parts)))
        return next((end for end in ends if self._exists(end)), None)

    def _below(self, path: str) -> str | None:
        """A relative path: from the root, or from the folder where the tool may have run."""
        path = posixpath.normpath(path)
        beside = posixpath.normpath(posixpath.join(self._folder, path)) if self._folder else path
        if beside != path and self._exists(beside) and not self._exists(path):
            path = beside
        return None if path in (".", "..") or path.startswith("../") else path


def _local(uri: str) -> str | None:
    """The path that a URI names on its machine, `/` between parts; None where it names none."""
    if not uri or "\0" in uri:
        return None
    if _DRIVE.match(uri) is None and _SCHEME.match(uri):
        try:
            parts = urlsplit(uri)
        except ValueError:
            return None
        if parts.scheme.lower() != "file":
            return None
        uri = parts.path
    elif _DRIVE.match(uri) is None:
        uri = re.split(r"[?#]", uri, maxsplit=1)[0]
    path = os.fsdecode(unquote(uri, errors="surrogateescape").encode("utf-8", "surrogateescape")).replace("\\", "/")
    drive = _DRIVE.match(path)
    path = f"/{path[drive.end() :]}" if drive else path
    return None if "\0" in path else path
