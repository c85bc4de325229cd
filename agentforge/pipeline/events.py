"""What an analysis tells its observer while it runs; the command line draws these, tests collect them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """A phase begins; `total` is how many steps it has, None where that is not known, and `unit` what a step is."""

    name: str
    total: int | None = None
    unit: str = "files"


@dataclass(frozen=True, slots=True)
class PhaseAdvanced:
    """`steps` more of the current phase are done."""

    steps: int = 1


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the user should know while it happens (waiting for a lock, first start of the server)."""

    text: str


Event = PhaseStarted | PhaseAdvanced | Notice
Observer = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """The observer of whoever does not want to be told."""
