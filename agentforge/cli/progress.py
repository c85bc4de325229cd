"""The live progress bar on stderr."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from agentforge.pipeline.events import Event, Notice, PhaseAdvanced, PhaseStarted


class ProgressBar:
    """Observes an analysis and draws it: phase, files, rate and remaining time. Draws nothing where nobody looks."""

    def __init__(self, *, quiet: bool) -> None:
        console = Console(stderr=True)
        self._console = console
        self._quiet = quiet
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=quiet or not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._unit = "files"

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Draw what happened."""
        match event:
            case PhaseStarted(name, total, unit):
                self._unit = unit
                if self._task is not None:
                    self._progress.remove_task(self._task)
                self._task = self._progress.add_task(name, total=total, rate="")
            case PhaseAdvanced(steps):
                if self._task is not None:
                    self._progress.advance(self._task, steps)
                    speed = self._progress.tasks[0].speed
                    self._progress.update(self._task, rate=f"{speed:,.0f} {self._unit}/s" if speed else "")
            case Notice(text):
                if not self._quiet:
                    self._console.print(text, markup=False, highlight=False)
