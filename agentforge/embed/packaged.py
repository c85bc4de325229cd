"""Reading the files that ship with the embedder: one that is missing or damaged is said in a sentence."""

from __future__ import annotations

import io
import tomllib
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zipfile import BadZipFile

from agentforge.errors import AgentForgeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]

Made = TypeVar("Made")

FOLDER = Path(__file__).parent
REMEDY = "Install agentforge again."
# What numpy and zipfile raise of a file that is cut short or overwritten, and what uses arrays that are not there.
DAMAGE = (OSError, ValueError, LookupError, EOFError, TypeError, AttributeError, BadZipFile, zlib.error)


@contextmanager
def intact(what: str, remedy: str = REMEDY) -> Iterator[None]:
    """Within, a failure to read something means that it is damaged.

    Args:
        what: is read, with its verb: `The file kinds.toml of agentforge is`.
        remedy: what to do about it.

    Raises:
        AgentForgeError: it is damaged.
    """
    try:
        yield
    except DAMAGE as error:
        raise AgentForgeError(f"{what} damaged.", remedy) from error


def content(path: Path, what: str, remedy: str = REMEDY) -> bytes:
    """The bytes of a file.

    Args:
        path: of the file.
        what: lies in it, with its verb: `The weights of the embedder are`.
        remedy: what to do where it cannot be read.

    Raises:
        AgentForgeError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise AgentForgeError(f"{what} missing: {path} cannot be read.", remedy) from error


def unpacked(packed: bytes, make: Callable[[Arrays], Made]) -> Made:
    """What is made of the arrays of an npz file, each read when it is asked for. Call it inside `intact`."""
    import numpy as np

    with np.load(io.BytesIO(packed), allow_pickle=False) as stored:
        return make(stored)


def table(name: str, wanted: Collection[str]) -> dict[str, Any]:
    """The data of a TOML file.

    Args:
        name: of the file.
        wanted: members that it must have: one that is cut short is TOML, too.

    Raises:
        AgentForgeError: it is missing or damaged.
    """
    with intact(f"The file {name} of agentforge is"):
        found = tomllib.loads((FOLDER / name).read_text("utf-8"))
        return {**found, **{member: found[member] for member in wanted}}
