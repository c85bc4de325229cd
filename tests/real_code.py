"""Ten thousand lines of real code of each language; `tests/data/real/sources.toml` says whose."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import rich

REAL = Path(__file__).parent / "data" / "real"
LICENCE = "LICENCE.txt"


def files(language: str) -> Iterator[tuple[str, bytes]]:
    """The paths and contents of real files of a language. Python's are those of rich, which is installed anyway."""
    if language == "python":
        root = Path(rich.__file__).parent
        yield from ((str(file.relative_to(root)), file.read_bytes()) for file in sorted(root.rglob("*.py")))
        return
    with tarfile.open(REAL / f"{language}.tar.xz") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None and not member.name.endswith(LICENCE):
                yield member.name, content.read()
