"""Python's own syntax tree of a file: one, shared by all tools that want it."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PythonAst:
    """A file as Python itself reads it.

    Attributes:
        module: its syntax tree, None where Python refuses the file.
        text: decoded by its coding cookie, line ends as `\\n`; empty where that is not possible.
        error: why there is no tree; empty where there is one.
    """

    module: ast.Module | None
    text: str
    error: str = ""


def parse_python(raw: bytes) -> PythonAst:
    """Parse a file with the running interpreter's grammar. Never raises: what it refuses comes back as `error`."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        text = io.TextIOWrapper(io.BytesIO(raw), encoding).read()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a file's invalid escapes are not our output
            return PythonAst(ast.parse(text), text)
    except SyntaxError as error:
        place = f" (line {error.lineno})" if error.lineno else ""
        return PythonAst(None, "", f"{error.msg}{place}")
    except (ValueError, LookupError) as error:
        return PythonAst(None, "", str(error))
    except (RecursionError, MemoryError):
        return PythonAst(None, "", "nested too deeply for Python's parser")
