"""Every failure that a user can cause or meet, each with a sentence that says what to do.

The command line shows `str(error)` and exits with `error.exit_code`; it shows a traceback only under `--debug`.
"""

from __future__ import annotations

EXIT_CLEAN = 0
EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_INTERNAL = 3
EXIT_INTERRUPTED = 130  # what a shell makes of Ctrl-C


class AgentForgeError(Exception):
    """Base of all errors that are shown to the user as one message, without a traceback.

    Args:
        message: what happened, in one sentence.
        hint: what to do about it, in one sentence; empty where nothing can be advised.
    """

    exit_code = EXIT_INTERNAL

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(AgentForgeError):
    """The command line, the configuration or the input is not usable as given."""

    exit_code = EXIT_USAGE


class DatabaseError(AgentForgeError):
    """The database could not be reached, refused, or failed in the middle of something."""


class EmbeddedServerError(DatabaseError):
    """The embedded PostgreSQL could not be set up, started or stopped."""


class AnalysisCancelled(AgentForgeError):  # noqa: N818 - it is a request of the user, not a fault
    """The user interrupted the analysis; what was stored before is untouched."""

    exit_code = EXIT_INTERRUPTED
