"""The command line: `main` is the entry point of the installed command."""

from __future__ import annotations

import gc
import os
import sys

from agentforge.errors import EXIT_CLEAN, EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_USAGE, AgentForgeError, UsageError


def main() -> None:
    """Run the command line and exit: 0 clean, 1 findings, 2 usage or configuration, 3 internal or database."""
    # Importing makes no garbage; looking for it takes a tenth of a short command. What runs long turns it on again.
    gc.disable()
    # Threads of numpy's that wait for each other spin: on busy cores products of matrices took seven times as long.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and give its exit code; every failure becomes one message on stderr.

    Args:
        arguments: of the command line, without the program's name.
    """
    import typer

    from agentforge.cli.app import app

    debug = "--debug" in arguments
    try:
        _refuse_empty(arguments)
        result = app(args=arguments, standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else EXIT_CLEAN
    except typer.TyperException as error:
        error.show()  # type: ignore[attr-defined]  # every exception for users of its parser has it
        return EXIT_USAGE
    except (typer.Abort, KeyboardInterrupt):
        _complain("Interrupted.")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _nobody_reads()
    except SystemExit as ended:
        # So typer and rich end a command whose output nobody reads any more, with the code that means findings here.
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        return _nobody_reads()
    except AgentForgeError as error:
        if debug:
            _show_where()
        else:
            _complain(str(error))
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - nobody else would say anything
        if debug:
            _show_where()
            return EXIT_INTERNAL
        notes = "".join(f"{note}\n" for note in getattr(error, "__notes__", ()))
        _complain(
            f"Internal error: {type(error).__name__}: {error}\n{notes}"
            "Run it again with --debug to see where, and report it."
        )
        return EXIT_INTERNAL


def _refuse_empty(arguments: list[str]) -> None:
    """An empty name names nothing, and an empty folder would be the current one.

    Raises:
        UsageError: an argument, or the value of an option, is empty.
    """
    for before, argument in zip(["agentforge", *arguments], arguments, strict=False):
        option, equals, value = argument.partition("=")
        if not argument.strip() or (option.startswith("--") and equals and not value.strip()):
            raise UsageError(
                f"The value after {option if equals else before} is empty.",
                "Give one, or leave it out. Does a variable of the shell have none?",
            )


def _nobody_reads() -> int:
    """The reader of a pipe has seen enough; Python must not complain about it again when it shuts down."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    return EXIT_CLEAN


def _show_where() -> None:
    import traceback

    traceback.print_exc()


def _complain(message: str) -> None:
    """Say on stderr what went wrong. What moves the cursor or reorders text is escaped: much of it is from files."""
    shown = "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in message)
    sys.stderr.write(f"agentforge: {shown}\n")
