"""Functions from archives of packages, as pickles that training/teacher.py reads.

    python training/harvest.py SOURCES WORK

SOURCES holds wheels, sdists, npm tarballs and Debian source archives in any folders (training/README.md lists those
that were taken). Each archive gives WORK/fn/PACKAGE__ARCHIVE.pickle: rows of (package, path, language, name,
qualified_name, signature, code, code_hash, features). No file is unpacked to disk; of each language
`FILES_PER_LANGUAGE` files of an archive are read, tests left out, and `FUNCTIONS_PER_LANGUAGE` functions of 4 to 150
lines kept. An archive that was read before is skipped.
"""

from __future__ import annotations

import argparse
import pickle
import random
import sys
import tarfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from agentforge import languages, parse
from agentforge.embed.features import extract
from agentforge.measure import measure

FILES_PER_LANGUAGE = 60
FUNCTIONS_PER_LANGUAGE = 250
MAX_BYTES = 200_000
MAX_CODE = 12_000
ENDINGS = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".zip", ".whl")


@cache
def extensions() -> frozenset[str]:
    """All file name extensions of the languages."""
    return frozenset(extension for name in languages.names() for extension in languages.get(name).extensions)


def wanted(path: str, size: int) -> bool:
    """Whether a member may hold functions to learn from."""
    lower = "/" + path.lower()
    odd = "/test" in lower or "/vendor/" in lower or ".min." in lower or "/_vendor/" in lower or ".bundle." in lower
    return size <= MAX_BYTES and not odd and PurePosixPath(path).suffix in extensions()


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """(path, content) of the sampled files of an archive, in one pass."""
    if archive.suffix in (".zip", ".whl"):
        with zipfile.ZipFile(archive) as opened:
            names = [item.filename for item in opened.infolist() if wanted(item.filename, item.file_size)]
            for name in sample(archive.name, names):
                yield name, opened.read(name)
        return
    with tarfile.open(archive) as opened:
        found = {item.name: item for item in opened if item.isfile() and wanted(item.name, item.size)}
        chosen = set(sample(archive.name, list(found)))
        for name, item in found.items():  # in their order in the file: to seek back means to decompress again
            if name in chosen and (stream := opened.extractfile(item)):
                yield name, stream.read()


def sample(seed: str, names: list[str]) -> list[str]:
    """Some of the names, by extension."""
    by_extension: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        by_extension[PurePosixPath(name).suffix].append(name)
    rng = random.Random(seed)
    return [name for found in by_extension.values() for name in rng.sample(found, min(FILES_PER_LANGUAGE, len(found)))]


def functions(package: str, path: str, content: bytes) -> Iterator[tuple[Any, ...]]:
    """The rows of one file; nothing where it is in no known language or takes the parser too long."""
    language = languages.detect(PurePosixPath(path).name, content[:4096])
    if not language:
        return
    decoded = parse.decode(content)
    try:
        parsed = parse.parse(language, decoded)
    except parse.ParseTimeoutError:
        return
    found = [
        item
        for item in measure(parsed, decoded).functions
        if 4 <= item.lines_of_code <= 150 and len(item.code) < MAX_CODE
    ]
    features = extract(parsed, [(item.start_byte, item.end_byte) for item in found])
    for item, packed in zip(found, features, strict=True):
        yield (
            package,
            path,
            language,
            item.name,
            item.qualified_name,
            item.signature,
            item.code,
            item.code_hash,
            packed,
        )


def package_of(archive: Path) -> str:
    """The name of a package: of the folder, or for loose archives of the archive without its version."""
    parent = archive.parent.name
    return archive.name.rsplit("-", 1)[0] if parent == "npm" else parent


def main() -> None:
    """Read all archives that were not read yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path)
    parser.add_argument("work", type=Path)
    arguments = parser.parse_args()
    (arguments.work / "fn").mkdir(parents=True, exist_ok=True)
    for archive in sorted(arguments.sources.rglob("*")):
        if not archive.name.endswith(ENDINGS) or ".debian.tar" in archive.name:
            continue
        package = package_of(archive)
        output = arguments.work / "fn" / f"{package}__{archive.name}.pickle"
        if output.exists():
            continue
        counts: Counter[str] = Counter()
        rows = []
        try:
            for path, content in members(archive):
                for row in functions(package, path, content):
                    if counts[row[2]] < FUNCTIONS_PER_LANGUAGE:
                        counts[row[2]] += 1
                        rows.append(row)
        except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
            print(f"{archive}: {error}", file=sys.stderr)
        output.write_bytes(pickle.dumps(rows))
        print(archive.name, len(rows), dict(counts), flush=True)


if __name__ == "__main__":
    main()
