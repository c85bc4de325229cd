"""Findings of other tools, from SARIF into the database."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agentforge.detect.track import Tracked, track
from agentforge.errors import AgentForgeError, DatabaseError, UsageError
from agentforge.model import Project
from agentforge.pipeline.events import Notice, Observer
from agentforge.pipeline.sarif.identity import identify
from agentforge.pipeline.sarif.log import MAX_SIZE, ToolReport, add_run, parse_log, tool_name
from agentforge.pipeline.sarif.paths import Places
from agentforge.pipeline.sarif.values import Object
from agentforge.pipeline.waivers import rescore
from agentforge.report.sarif.uri import file_name
from agentforge.store import imports, lifecycle, waivers
from agentforge.store.imports import Import, Standing, Target
from agentforge.store.retry import retrying
from agentforge.walk import MAX_FILE_SIZE, SourceTree, UnreadableSourceError, escape, read_source, renames
from agentforge.walk.git import identity

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Request:
    """What to import.

    Attributes:
        files: name, as people know it, and bytes of each log.
        tree: that the command was run in, None where there is none.
        folder: of the tree, root-relative, that it was run in; relative paths may count from there.
        project: name or key; None for the project of the tree.
        branch: that the tools looked at; None for what the logs or git say.
        partial: the tools looked at a part of the project: what is in files that no log names stays as it is.
    """

    files: Sequence[tuple[str, bytes]]
    tree: SourceTree | None
    folder: str = ""
    project: str | None = None
    branch: str | None = None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one tool's report. `left_out` says how many results were not taken, by reason."""

    tool: str
    version: str
    project: str
    branch: str
    analysis_id: int
    standing: Standing
    complete: bool
    left_out: dict[str, int]


def import_sarif(connection: Connection, request: Request, observer: Observer) -> list[Imported]:
    """Bring the findings of each tool in some logs into the database, each tool's all or none.

    What a tool found before and does not find now is fixed by its import. Nothing of another tool, and nothing that an
    analysis found, is touched.

    Args:
        connection: to a database with the schema.
        request: what to import.
        observer: is told of what the user should know.

    Raises:
        UsageError: a file is not SARIF, or it is not clear to which project it belongs.
    """
    runs = [run for name, raw in request.files for run in parse_log(raw, name)]
    if not runs:
        raise UsageError("There are no runs in these files.", "Give a SARIF file as the tool wrote it.")
    project = _project(connection, request)
    tree = request.tree if request.tree is not None and request.tree.key == project.key else None
    # What is known of a project that was named stays as it is.
    find = lifecycle.ensure_project if project.id is None else lifecycle.writable_project
    project_id = retrying(connection, lambda: find(connection, project))
    waiting = Notice(f"An analysis of {project.name} is running: waiting for it to finish.")
    with lifecycle.project_lock(connection, project_id, lambda: observer(waiting)):
        work = _Work(connection, request, project, project_id, tree, observer)
        return [work.take(report) for report in work.reports(runs)]


def _project(connection: Connection, request: Request) -> Project:
    if request.project is not None:
        found = imports.project_named(connection, request.project)
        return dataclasses.replace(found, branch=request.branch or "")
    tree = request.tree
    if tree is None:
        raise UsageError(
            "It is not clear to which project this belongs.", "Run it in the project's folder, or give --project."
        )
    return tree.project


class _Work:
    """The imports of one command: they share the connection, the project and the tree."""

    def __init__(
        self,
        connection: Connection,
        request: Request,
        project: Project,
        project_id: int,
        tree: SourceTree | None,
        observer: Observer,
    ) -> None:
        self._connection = connection
        self._request = request
        self._project = project
        self._project_id = project_id
        self._tree = tree
        self._observer = observer
        self._known: dict[str, frozenset[str]] = {}

    def reports(self, runs: Sequence[Object]) -> list[ToolReport]:
        """The report of each tool, whichever files its runs are in.

        Raises:
            UsageError: a log says that it is of another repository, and nobody said that it is not.
        """
        found: dict[str, ToolReport] = {}
        for run in runs:
            name = tool_name(run)
            report = found.setdefault(name, ToolReport(name))
            root = self._tree.root if self._tree is not None else None
            add_run(report, run, Places(run, root, self._request.folder, self._exists))
        for report in found.values():
            self._check_repository(report)
        return list(found.values())

    def _check_repository(self, report: ToolReport) -> None:
        if not report.repository or self._request.project is not None or self._project.repository_url is None:
            return
        if identity(report.repository) != self._project.key:
            raise UsageError(
                f"The report of {report.tool} is of {escape(identity(report.repository))}, not of {self._project.key}.",
                "Run it in that project's folder, or say with --project to which project it belongs.",
            )

    def take(self, report: ToolReport) -> Imported:
        """Import the findings of a tool."""
        branch = self._branch(report)
        commit = report.commit or (self._tree.commit if self._tree is not None else None)
        violations = identify(report.findings, report.tool, self._reader(report))
        target = Target(self._project_id, branch, report.tool)
        work = Import(self._connection, target, report.version, commit)
        with _recorded(self._connection, work):
            known = work.unresolved()
            tracked = track(known, violations, self._renames(work.last_commit()))
            fixed = self._fixed(report, tracked, {item.id: item.path for item in known})

            def complete() -> Standing:
                work.store(tracked.found, fixed)
                rescore(self._connection, waivers.settle(self._connection, self._project_id, branch, work.run.id))
                standing = work.standing(len(fixed))
                totals = {**dataclasses.asdict(standing), "left_out": report.left_out}
                if lifecycle.finish(self._connection, work.run, "imported", results=totals) is None:
                    raise DatabaseError("Another session ended this import.", "Run again; nothing was half-written.")
                return standing

            standing = retrying(self._connection, complete)
        return Imported(
            report.tool,
            report.version,
            self._project.name,
            branch,
            work.run.id,
            standing,
            report.complete,
            report.left_out,
        )

    def _branch(self, report: ToolReport) -> str:
        if self._request.branch is not None:
            return escape(self._request.branch)
        if report.branch:
            return escape(report.branch)
        if self._tree is not None:
            return self._tree.branch
        return imports.latest_branch(self._connection, self._project_id)

    def _fixed(self, report: ToolReport, tracked: Tracked, paths: dict[int, str]) -> list[int]:
        """What is gone; where the report does not cover the project, of the files only that it names."""
        if report.complete and not self._request.partial:
            return list(tracked.gone)
        if not report.complete:
            self._observer(Notice(f"{report.tool} did not finish: only files that its report names are compared."))
        return [id_ for id_ in tracked.gone if paths[id_] in report.paths]

    def _renames(self, last_commit: str | None) -> dict[str, str]:
        return renames(self._tree, last_commit) if self._tree is not None else {}

    def _exists(self, path: str) -> bool:
        """Whether a path is a file of the project, here or as it was analysed."""
        if path.startswith(("/", "../")) or path in ("", ".", ".."):
            return False
        if self._tree is not None:
            return Path(self._tree.root, path).is_file()
        branch = self._request.branch or imports.latest_branch(self._connection, self._project_id)
        if branch not in self._known:
            self._known[branch] = imports.stored_paths(self._connection, self._project_id, branch)
        return escape(path) in self._known[branch]

    def _reader(self, report: ToolReport) -> Callable[[str], bytes | None]:
        """Reads files of the tree, where the tool looked at the commit that is checked out."""
        tree = self._tree
        if tree is None:
            return lambda _path: None
        if report.commit and tree.commit and report.commit != tree.commit:
            self._observer(
                Notice(
                    f"{report.tool} looked at commit {report.commit[:12]}, {tree.commit[:12]} is checked out: "
                    "lines are those that the report quotes."
                )
            )
            return lambda _path: None

        def read(path: str) -> bytes | None:
            try:
                return read_source(os.path.join(tree.root, os.fsdecode(file_name(path))), MAX_FILE_SIZE)  # noqa: PTH118
            except (UnreadableSourceError, ValueError):
                return None

        return read


@contextmanager
def _recorded(connection: Connection, work: Import) -> Iterator[None]:
    """Mark the run as cancelled or failed where the block does not come to its end."""
    try:
        yield
    except KeyboardInterrupt:
        lifecycle.abandon(connection, work.run, "cancelled", None)
        raise
    except BaseException as error:
        reason = error.message if isinstance(error, AgentForgeError) else f"{type(error).__name__}: {error}"
        lifecycle.abandon(connection, work.run, "failed", reason)
        raise


def read_log(location: str, name: str) -> bytes:
    """The bytes of a log.

    Raises:
        UsageError: it cannot be read, or is too large.
    """
    try:
        return read_source(os.path.realpath(location), MAX_SIZE)
    except UnreadableSourceError as error:
        raise UsageError(f"{name} cannot be read: {error}.", "Give a SARIF file.") from None
