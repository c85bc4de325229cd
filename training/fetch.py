"""Fetch what the student learns from: the archives of sources.toml.

    python training/fetch.py SOURCES

Needs pip, npm, and for Debian's archives apt-get (1.3 GB in all). What is there is not fetched again; what an index
has no more is said and left out.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LIST = tomllib.loads(Path(__file__).with_name("sources.toml").read_text("utf-8"))
AT_ONCE = 4
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


def run(command: list[str], folder: Path, what: str, *, in_parts: bool = False) -> None:
    """One download into a folder; `in_parts` where some of it is enough: an archive without its signature."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode and not (in_parts and any(folder.iterdir())):
        print(f"{what}: {(done.stderr.strip().splitlines() or ['?'])[-1]}", file=sys.stderr)


def python_packages(folder: Path) -> None:
    """Wheels, each in a folder of its package."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for wanted in LIST["pypi"]:
            name, version = wanted.split("==")
            own = folder / f"py-{re.sub('_', '-', name.lower())}"
            if not any(own.glob(f"*-{version}*")):
                threads.submit(run, [*pip, wanted], own, wanted)


def npm_packages(folder: Path) -> None:
    """Tarballs, all in one folder."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for wanted in LIST["npm"]:
            if not (folder / f"{wanted.removeprefix('@').replace('/', '-').replace('@', '-')}.tgz").exists():
                threads.submit(run, ["npm", "pack", "--silent", wanted], folder, wanted)


def debian_packages(folder: Path, kind: str) -> None:
    """Archives of sources or installable packages of a suite, each in a folder of its own; apt's state beside them."""
    suite, what = kind.split()
    state = folder / f".apt-{suite}-{what}"
    (state / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (state / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    mirror = next(iter(re.findall(r"^URIs: *(\S+)", Path("/etc/apt/sources.list.d/debian.sources").read_text(), re.M)))
    line = f"{'deb-src' if what == 'sources' else 'deb'} [signed-by={KEYS}] {mirror} {suite} main\n"
    (state / "sources.list").write_text(line)
    settings = {
        "Dir::Etc::SourceList": state / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": state / "lists",
        "Dir::Cache": state / "cache",
    }
    apt = ["apt-get", "--quiet", "--quiet", *(f"--option={key}={value}" for key, value in settings.items())]
    run([*apt, "update"], state, f"the list of {kind}")
    for wanted in LIST["debian"][kind]:
        own = folder / (wanted if what == "sources" else wanted.removeprefix("lib").removesuffix("-dev"))
        if not any(own.glob("*")):
            how = ["source", "--download-only"] if what == "sources" else ["download"]
            run([*apt, *how, wanted], own, f"{wanted} ({suite})", in_parts=True)


def main() -> None:
    """Fetch all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path)
    sources = parser.parse_args().sources.resolve()
    python_packages(sources / "pypi")
    npm_packages(sources / "npm")
    for kind in LIST["debian"]:
        debian_packages(sources / f"debian-{kind.replace(' ', '-')}", kind)


if __name__ == "__main__":
    main()
