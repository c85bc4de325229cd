"""Functions and what is written about them, from archives of packages, as pickles that training/teacher.py reads.

    python training/harvest.py WORK SOURCES...

SOURCES hold wheels, sdists, npm tarballs and Debian's source archives and packages in any folders. Each archive gives
WORK/fn/PACKAGE__ARCHIVE.pickle: rows of (package, path, language, name, qualified_name, signature, code, code_hash,
description). No file is unpacked to disk; of each language `FILES_PER_LANGUAGE` files of an archive are read, tests
left out, and `FUNCTIONS_PER_LANGUAGE` functions of 3 to 150 lines kept, described ones first. Which, depends on paths
and names alone, so that two versions of a package give the same functions. An archive that was read before is skipped.
"""

from __future__ import annotations

import argparse
import io
import pickle
import re
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import licences

from agentforge import languages, parse
from agentforge.measure import measure

FILES_PER_LANGUAGE = 250
FUNCTIONS_PER_LANGUAGE = 1200
MAX_BYTES = 200_000
MAX_CODE = 12_000
ENDINGS = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".zip", ".whl", ".deb")
# Files under copyleft in packages that are not.
_COPYLEFT = (b"General Public License", b"Mozilla Public License", b"GPL-", b"MPL-", b"Eclipse Public License")


@cache
def extensions() -> frozenset[str]:
    """All file name extensions of the languages."""
    return frozenset(extension for name in languages.names() for extension in languages.get(name).extensions)


def wanted(path: str, size: int) -> bool:
    """Whether a member may hold functions to learn from."""
    lower = "/" + path.lower()
    odd = any(
        part in lower for part in ("/test", "/vendor", ".min.", "/_vendor", ".bundle.", "/third_party", "/node_modules")
    )
    return size <= MAX_BYTES and not odd and PurePosixPath(path).suffix in extensions()


def members(archive: Path, choose: Callable[[dict[str, int]], Iterable[str]]) -> Iterator[tuple[str, bytes]]:
    """(path, content) of the files of an archive that `choose` picks from their sizes, in one pass."""
    if archive.suffix in (".zip", ".whl"):
        with zipfile.ZipFile(archive) as zipped:
            for name in choose({item.filename: item.file_size for item in zipped.infolist() if not item.is_dir()}):
                yield name, zipped.read(name)
        return
    with opened_tar(archive) as opened:
        found = {item.name: item for item in opened if item.isfile()}
        chosen = set(choose({name: item.size for name, item in found.items()}))
        for name, item in found.items():  # in their order in the file: to seek back means to decompress again
            if name in chosen and (stream := opened.extractfile(item)):
                yield name, stream.read()


def opened_tar(archive: Path) -> tarfile.TarFile:
    """An archive; of a Debian package what it installs."""
    if archive.suffix != ".deb":
        return tarfile.open(archive)
    data = subprocess.run(["dpkg-deb", "--fsys-tarfile", archive], check=True, capture_output=True).stdout
    return tarfile.open(fileobj=io.BytesIO(data))


def key(text: str) -> int:
    """A number that orders paths and names by chance, but the same always."""
    return zlib.crc32(text.encode("utf-8", "replace"))


def inner(path: str) -> str:
    """A path without the folder of the version that it begins with, or the one that Debian puts it into."""
    path = re.sub(r"^\./usr/share/(?:cargo/registry|gocode/src|doc/[^/]+|[^/]+)/|^\./usr/lib/", "", path)
    first, _, rest = path.partition("/")
    return rest if any(character.isdigit() for character in first) else path


def sample(sizes: dict[str, int]) -> list[str]:
    """Some of the files with functions, by extension."""
    by_extension: dict[str, list[str]] = defaultdict(list)
    for name, size in sizes.items():
        if wanted(name, size):
            by_extension[PurePosixPath(name).suffix].append(name)
    return [
        name
        for found in by_extension.values()
        for name in sorted(found, key=lambda name: key(inner(name)))[:FILES_PER_LANGUAGE]
    ]


def functions(package: str, path: str, content: bytes) -> Iterator[tuple[Any, ...]]:
    """The rows of one file; nothing where it is in no known language or takes the parser too long."""
    language = languages.detect(PurePosixPath(path).name, content[:4096])
    if not language or any(mark in content[:4096] for mark in _COPYLEFT):
        return
    decoded = parse.decode(content)
    try:
        parsed = parse.parse(language, decoded)
    except parse.ParseTimeoutError:
        return
    for item in measure(parsed, decoded).functions:
        if not 3 <= item.lines_of_code <= 150 or len(item.code) >= MAX_CODE:
            continue
        text = item.description if _latin(item.description) else ""
        names = (item.name, item.qualified_name, item.signature)
        yield (package, inner(path), language, *names, item.code, item.code_hash, text)


def _latin(text: str) -> bool:
    """Whether nearly all of a text is ASCII letters and blanks: the student reads English."""
    return sum(sign.isascii() and (sign.isalpha() or sign == " ") for sign in text) >= 0.8 * len(text)


def package_of(archive: Path) -> str:
    """The name of a package: of the folder, or for loose archives of the archive without its version."""
    parent = archive.parent.name
    return "npm-" + archive.name.rsplit("-", 1)[0] if parent.endswith("npm") else parent


def archives(sources: Iterable[Path], debian: bool = False) -> Iterator[Path]:
    """The archives below some folders; `debian` with what Debian adds, where its copyright file is."""
    for folder in sources:
        for archive in sorted(folder.rglob("*")):
            if archive.name.endswith(ENDINGS) and (debian or ".debian.tar" not in archive.name):
                yield archive


def licence_files(archive: Path) -> list[tuple[str, str]]:
    """The texts of licence files and manifests of an archive."""

    def choose(sizes: dict[str, int]) -> list[str]:
        found = [name for name in sizes if licences.is_licence(name) or licences.is_manifest(name)]
        return [name for name in sorted(found, key=len)[:12] if sizes[name] < licences.MOST_BYTES]

    try:
        return [(name, content.decode("utf-8", "replace")) for name, content in members(archive, choose)]
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, KeyError) as error:
        print(f"{archive}: {error}", file=sys.stderr)
        return []


def harvest(archive: Path, output: Path) -> str:
    """Write the functions of one archive; says what it held."""
    package = package_of(archive)
    by_language: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    try:
        for path, content in members(archive, sample):
            for row in functions(package, path, content):
                by_language[row[2]].append(row)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        return f"{archive}: {error}"
    rows = []
    for found in by_language.values():
        found.sort(key=lambda row: (not row[8], key(row[1] + row[4])))
        rows += found[:FUNCTIONS_PER_LANGUAGE]
    output.write_bytes(pickle.dumps(rows))
    return f"{archive.name}: {len(rows)} functions, {sum(bool(row[8]) for row in rows)} described"


def main() -> None:
    """Read all archives that were not read yet, in two processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("sources", type=Path, nargs="+")
    arguments = parser.parse_args()
    folder = arguments.work / "fn"
    folder.mkdir(parents=True, exist_ok=True)
    todo = []
    for archive in archives(arguments.sources):
        output = folder / f"{package_of(archive)}__{archive.name}.pickle"
        if not output.exists():
            todo.append((archive, output))
    with ProcessPoolExecutor(2) as pool:
        for told in pool.map(harvest, *zip(*todo, strict=True)) if todo else ():
            print(told, flush=True)


if __name__ == "__main__":
    main()
