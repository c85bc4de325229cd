"""What is asked of a person: passwords, from the terminal without echo or from a file descriptor, and yes or no."""

from __future__ import annotations

import getpass
import os
import warnings

from agentforge.errors import UsageError

_LONGEST = 16 * 1024  # bytes


def read_password(descriptor: int | None, question: str, option: str = "--password-fd") -> str:
    """A password that exists.

    Args:
        descriptor: an open file, whose next line is read; None to ask on the terminal.
        question: for the terminal, such as `Password of ada`.
        option: that names the descriptor.

    Raises:
        UsageError: there is none to be had.
    """
    password = _ask(question, option) if descriptor is None else _read_line(descriptor)
    if not password:
        raise UsageError("The password is empty.")
    return password


def read_new_password(descriptor: int | None, question: str) -> str:
    """A new password; on the terminal it is asked for twice.

    Raises:
        UsageError: there is none to be had, or the two are not the same.
    """
    password = read_password(descriptor, question)
    if descriptor is None and _ask(f"{question}, once more", "--password-fd") != password:
        raise UsageError("The two passwords are not the same.")
    return password


def read_name(question: str) -> str:
    """A line from the terminal.

    Raises:
        UsageError: there is no terminal.
    """
    _need_terminal("Name the user by --user.")
    with open("/dev/tty", "w+b", buffering=0) as terminal:  # noqa: PTH123 - a device, not a path
        terminal.write(f"{question}: ".encode())
        return terminal.readline().decode(errors="replace").strip()


def confirm(question: str) -> bool:
    """Whether a person says yes.

    Raises:
        UsageError: there is no terminal to ask on.
    """
    _need_terminal("Say --yes to do it without being asked.")
    with open("/dev/tty", "w+b", buffering=0) as terminal:  # noqa: PTH123 - a device, not a path
        terminal.write(f"{question} [y/N] ".encode())
        return terminal.readline().strip().lower() in (b"y", b"yes")


def _ask(question: str, option: str) -> str:
    _need_terminal(f"Give it by {option}: agentforge ... {option} 3 3< file")
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)  # it would show what is typed
        try:
            return getpass.getpass(f"{question}: ")
        except getpass.GetPassWarning as error:
            raise UsageError("The terminal would show the password.", f"Give it by {option}.") from error
        except EOFError:
            return ""


def _need_terminal(hint: str) -> None:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError as error:
        raise UsageError("There is no terminal to ask on.", hint) from error


def _read_line(descriptor: int) -> str:
    """The next line, byte by byte, so that what follows is left for whoever reads next."""
    line = bytearray()
    try:
        while len(line) < _LONGEST and (byte := os.read(descriptor, 1)) not in (b"", b"\n"):
            line += byte
        return line.removesuffix(b"\r").decode()
    except OSError as error:
        raise UsageError(f"File descriptor {descriptor} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError("The password is not UTF-8.") from error
