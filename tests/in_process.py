"""A command in the process of the tests, which is many times faster than one of its own."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from agentforge import cli


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str, cwd: Path | None = None, stdin: str | bytes = "", **environment: str) -> Done:
    """What becomes of `agentforge ARGUMENTS...`.

    Args:
        arguments: without the program's name.
        cwd: the folder that it runs in, None for that of the tests.
        stdin: what it may read.
        environment: variables beside those of the tests, of which none of agentforge's own count.
    """
    read = stdin.encode() if isinstance(stdin, str) else stdin
    given, out, error = (io.TextIOWrapper(io.BytesIO(text), "utf-8") for text in (read, b"", b""))
    others = {name: value for name, value in os.environ.items() if not name.startswith("AGENTFORGE_")}
    with (
        mock.patch("sys.stdin", given),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(error),
        mock.patch.dict(os.environ, others | environment, clear=True),
        contextlib.chdir(cwd or Path.cwd()),
    ):
        code = cli.run(list(arguments))
    return Done(code, _written(out), _written(error))


def _written(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
