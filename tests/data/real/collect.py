"""Make the archives of real code that tests compare with other tools' figures.

    python tests/data/real/collect.py FOLDER

FOLDER holds the unpacked packages that `sources.toml` names. Writes `<language>.tar.xz` beside this file; the same
packages give the same bytes.
"""

from __future__ import annotations

import io
import lzma
import sys
import tarfile
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

from agentforge import languages

HERE = Path(__file__).parent
# Smaller files hold little, larger ones are tables or generated.
MIN_BYTES, MAX_BYTES = 1_500, 120_000
LICENCES = ("LICENSE*", "LICENCE*", "COPYING*", "license*", "copyright")


def candidates(language: str, folder: Path, max_bytes: int) -> list[Path]:
    """The files of a language in a project that hold no tests, by path."""
    spec = languages.get(language)
    found = []
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or file.is_symlink() or not MIN_BYTES <= file.stat().st_size <= max_bytes:
            continue
        path = str(file.relative_to(folder))
        if any(part in path.lower() for part in ("test", ".d.ts", ".min.", "perf/", "spec/", "example", "/files/")):
            continue
        if languages.detect(file.name, file.read_bytes()[:4096]) == language and not spec.is_test(path):
            found.append(file)
    return found


def spread(files: list[Path], lines: int) -> list[Path]:
    """Files of about this many lines in all, evenly spread; all where there are fewer."""
    sizes = {file: file.read_bytes().count(b"\n") for file in files}
    share = min(1.0, lines / (sum(sizes.values()) or 1))
    taken, seen, held = [], 0, 0
    for file in files:
        seen += sizes[file]
        if seen * share >= held + sizes[file] / 2:
            taken.append(file)
            held += sizes[file]
    return taken or files[:1]


def licence(folder: Path, root: Path) -> Path:
    """The licence of a project: the nearest one around its files, else the first one below."""
    for place in (folder, *folder.parents):
        if place == root:
            break
        for pattern in LICENCES:
            if found := sorted(place.glob(pattern)):
                return found[0]
    for pattern in LICENCES:
        if found := sorted(folder.rglob(pattern)):
            return found[0]
    raise SystemExit(f"{folder} has no licence")


def archive(language: str, projects: list[dict[str, Any]], root: Path, lines: int) -> None:
    """Write the archive of a language; what one project lacks of its share, the next ones give."""
    buffer = io.BytesIO()
    held = files = 0
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for number, project in enumerate(projects):
            folder = root / project["folder"]
            wanted = (lines - held) // (len(projects) - number)
            for file in spread(candidates(language, folder, project.get("max_bytes", MAX_BYTES)), wanted):
                data = file.read_bytes()
                held += data.count(b"\n")
                files += 1
                add(tar, f"{project['name']}/{file.relative_to(folder)}", data)
            add(tar, f"{project['name']}/LICENCE.txt", licence(folder, root).read_bytes())
    packed = lzma.compress(buffer.getvalue(), preset=9 | lzma.PRESET_EXTREME)
    (HERE / f"{language}.tar.xz").write_bytes(packed)
    print(f"{language:12} {files:4} files {held:6} lines {len(packed):8} bytes")


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file without anything of where it came from."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def main() -> None:
    """Make all archives."""
    document = tomllib.loads((HERE / "sources.toml").read_text("utf-8"))
    by_language = defaultdict(list)
    for project in document["project"]:
        by_language[project["language"]].append(project)
    for language, projects in by_language.items():
        archive(language, projects, Path(sys.argv[1]), document["lines"])


if __name__ == "__main__":
    main()
