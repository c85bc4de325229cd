"""The version of everything that an analysis of a file depends on besides the file."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

from agentforge import languages, patterns
from agentforge.detect.bandit import BanditConfig
from agentforge.detect.selection import NOTHING_CHOSEN, Selection

# Raised when more is kept of a function than the data of the languages say: 2 brought what is written about it, 3 more
# of that.
_KEPT = 3
_TOOLS = ("tree-sitter", "radon", "bandit")


def engine_version(version: str, bandit: BanditConfig, selection: Selection = NOTHING_CHOSEN) -> str:
    """The tool's version, `+`, and a digest of what else decides what is found: files of another one are stale.

    That is: the data of the languages (queries, rules), the patterns, the rules that the project chose and its own
    ones, the grammars, radon, bandit and its configuration, and the version of Python, whose own parser reads Python
    files.

    Args:
        version: of agentforge.
        bandit: bandit's configuration in the project.
        selection: of rules by the project.
    """
    digest = _installed().copy()
    if selection != NOTHING_CHOSEN:
        digest.update(selection.digest.encode())
    digest.update(repr((bandit.tests, bandit.skips, bandit.profile)).encode())
    if bandit.file is not None:
        digest.update(Path(bandit.file).read_bytes())
    return f"{version}+{digest.hexdigest()[:12]}"


@cache
def _installed() -> hashlib._Hash:
    """Of what does not change while a process runs."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {_KEPT}".encode())
    grammars = {languages.get(name).grammar[0].replace("_", "-") for name in languages.names()}
    for distribution in (*_TOOLS, *sorted(grammars)):
        digest.update(f"{distribution} {metadata.version(distribution)}\n".encode())
    for folder in (languages.FOLDER, patterns.FOLDER):
        for file in sorted(folder.rglob("*")):
            if file.suffix in {".toml", ".scm"}:
                digest.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return digest
