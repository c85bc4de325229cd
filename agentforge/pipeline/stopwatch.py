"""Where the time of an analysis goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from agentforge.model import Phase


class Stopwatch:
    """Adds up wall time by phase. A phase inside another one stops the outer one's clock, so the sum is the whole."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._rows: dict[str, int] = {}
        self._running: list[str] = []
        self._since = 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time of the block for a phase."""
        self._turn()
        self._running.append(name)
        self._seconds.setdefault(name, 0.0)
        self._rows.setdefault(name, 0)
        try:
            yield
        finally:
            self._turn()
            self._running.pop()

    def count(self, name: str, rows: int) -> None:
        """Add rows to a phase."""
        self._rows[name] = self._rows.get(name, 0) + rows

    def recount(self, name: str, rows: int) -> None:
        """Set the rows of a phase, whatever an attempt before this one counted."""
        self._rows[name] = rows

    def phases(self) -> tuple[Phase, ...]:
        """All phases in the order in which they first began."""
        return tuple(Phase(name, seconds, self._rows[name]) for name, seconds in self._seconds.items())

    def _turn(self) -> None:
        now = time.perf_counter()
        if self._running:
            self._seconds[self._running[-1]] += now - self._since
        self._since = now
