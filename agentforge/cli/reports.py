"""Writing the report of a run: to standard output, to files, or both."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import agentforge
from agentforge.cli.output import say, stdout
from agentforge.config.settings import OutputFile
from agentforge.errors import AgentForgeError, UsageError
from agentforge.model import Report
from agentforge.report import table
from agentforge.report.formats import EXTENSIONS, Context, ReportFormat, render
from agentforge.report.sarif.uri import file_name
from agentforge.walk import UnreadableSourceError, escape, read_source

_MAX_SOURCE = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where reports go.

    Attributes:
        stdout: format of standard output; None where nothing is printed.
        files: format and path of each file.
    """

    stdout: ReportFormat | None
    files: tuple[tuple[ReportFormat, str], ...] = ()

    @property
    def need_rows(self) -> bool:
        """Whether a format shows all files and violations, not only the summary."""
        return any(item is not ReportFormat.TABLE for item in (self.stdout, *(item for item, _ in self.files)) if item)


def outputs(wanted: str, output_files: Sequence[OutputFile]) -> Outputs:
    """What the settings `format` and `output-files` ask for.

    A path without a format gets `wanted` where its extension allows that, else the format of its extension. Standard
    output shows `wanted`, unless a file has it; `-` as a path is standard output.

    Args:
        wanted: name of the format of standard output.
        output_files: the other reports.

    Raises:
        UsageError: a file cannot be written.
    """
    shown = ReportFormat(wanted)
    stdout: ReportFormat | None = shown
    files: list[tuple[ReportFormat, str]] = []
    printed: list[ReportFormat] = []
    for item in output_files:
        chosen = _format(item, shown)
        if item.path == "-":
            printed.append(chosen)
            continue
        _check(item.path)
        if os.path.realpath(item.path) in {os.path.realpath(other) for _, other in files}:
            raise UsageError(f"{escape(item.path)} is written twice.", "Give each --output-file a path of its own.")
        files.append((chosen, item.path))
        if chosen is shown:
            stdout = None
    if len(printed) > 1:
        raise UsageError("Only one report can go to standard output.", "Write the others to files.")
    return Outputs(printed[0] if printed else stdout, tuple(files))


def _format(item: OutputFile, wanted: ReportFormat) -> ReportFormat:
    if item.format:
        return ReportFormat(item.format)
    allowed = next((formats for end, formats in EXTENSIONS.items() if item.path.lower().endswith(end)), (wanted,))
    return wanted if wanted in allowed else allowed[0]


def _check(path: str) -> None:
    """Refuse, before the work begins, what cannot be written after it."""
    shown, target = escape(path), Path(path)
    folder = Path(os.path.realpath(path)).parent
    try:
        if target.is_dir():
            raise UsageError(f"{shown} is a folder.", "Give --output-file the path of a file.")
        if not folder.is_dir():
            raise UsageError(
                f"{shown} cannot be written: there is no folder {escape(str(folder))}.", "Create it, or choose another."
            )
    except (OSError, ValueError) as error:  # a name that is too long, or holds a NUL
        raise UsageError(f"{shown} cannot be written: {error}", "Choose another path.") from None
    place = target if _in_place(target) else folder
    if not os.access(place, os.W_OK):
        raise UsageError(
            f"{shown} cannot be written: no permission for {escape(str(place))}.", "Choose a folder that you may write."
        )


def _in_place(target: Path) -> bool:
    """Whether a file is written to, not replaced: a device, a pipe, or a file in a folder where none can be made."""
    return target.exists() and (not target.is_file() or not os.access(target.resolve().parent, os.W_OK))


def write(report: Report, wanted: Outputs) -> None:
    """Write the report everywhere it is wanted, files first. Call it while the tree is there.

    Raises:
        UsageError: a file cannot be written.
        AgentForgeError: the disk is full, or failed.
    """
    context = Context(agentforge.__version__, _reader(report.project.root), os.environ.get("GITHUB_ACTIONS") == "true")
    notes: dict[str, None] = {}
    for chosen, path in wanted.files:
        rendered = render(report, chosen, context)
        _write_file(path, rendered.pieces)
        notes |= dict.fromkeys(rendered.notes)
    if wanted.stdout is ReportFormat.TABLE:
        table.print_summary(report, stdout(width=table.WIDTH, soft_wrap=False))
    elif wanted.stdout is not None:
        rendered = render(report, wanted.stdout, context)
        _print(rendered.pieces)
        notes |= dict.fromkeys(rendered.notes)
    for note in notes:
        say(note)


def _reader(root: str) -> Callable[[str], bytes | None]:
    def read(path: str) -> bytes | None:
        try:
            return read_source(os.path.join(root, os.fsdecode(file_name(path))), _MAX_SOURCE)  # noqa: PTH118
        except (UnreadableSourceError, ValueError):
            return None

    return read


def _print(pieces: Iterable[str]) -> None:
    """In UTF-8, whatever the terminal's encoding: these are documents."""
    sys.stdout.flush()
    for piece in pieces:
        sys.stdout.buffer.write(_encoded(piece))
    sys.stdout.buffer.flush()


def _write_file(path: str, pieces: Iterable[str]) -> None:
    """Write a file as a whole or not at all: into one beside it, which then takes its name and keeps its mode.

    What a symbolic link points to is replaced, not the link. What cannot be replaced is written to.
    """
    target = Path(os.path.realpath(path))
    try:
        if _in_place(target):
            with target.open("wb") as stream:
                stream.writelines(map(_encoded, pieces))
            return
        _replace(target, pieces)
    except OSError as error:
        reason = f"{escape(path)} could not be written: {error.strerror or error}."
        if isinstance(error, PermissionError | FileNotFoundError | NotADirectoryError | IsADirectoryError):
            raise UsageError(reason, "Choose a folder that exists and that you may write.") from None
        raise AgentForgeError(reason, "Make room, or choose another place.") from None


def _replace(target: Path, pieces: Iterable[str]) -> None:
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else None
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with os.fdopen(descriptor, "wb") as stream:
            if mode is not None:
                os.fchmod(descriptor, mode)
            stream.writelines(map(_encoded, pieces))
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _encoded(piece: str) -> bytes:
    """Half a surrogate pair, which source code may spell in a string, becomes a question mark."""
    return piece.encode("utf-8", "replace")
