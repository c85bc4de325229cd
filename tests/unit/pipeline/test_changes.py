"""What must be analysed again, and what is gone."""

from __future__ import annotations

import pytest

from agentforge.model import SkippedFile, SourceFile
from agentforge.pipeline.changes import Changes, find_changes
from agentforge.store.lifecycle import Version


def version(content: str) -> Version:
    return Version(content * 64, "engine", 1)


def source(path: str, content: str) -> SourceFile:
    return SourceFile(path, f"/{path}", 1, content * 64, None)


def changes(
    found: list[SourceFile | SkippedFile], stored: dict[str, Version], renames: dict[str, str] | None = None
) -> Changes:
    def wanted(file: SourceFile) -> Version:
        return Version(file.content_hash, "engine", 1)

    return find_changes(found, stored, wanted, lambda path: not path.startswith("elsewhere/"), renames or {})


def test_only_another_content_engine_or_model_is_a_change() -> None:
    stored = {
        "same": version("a"),
        "content": version("b"),
        "engine": Version("a" * 64, "old", 1),
        "model": Version("a" * 64, "engine", 2),
    }
    found = changes([source(path, "a") for path in ("same", "content", "engine", "model", "new")], stored)
    assert [file.path for file in found.changed] == ["content", "engine", "model", "new"]
    assert (found.unchanged, found.gone) == (1, [])


@pytest.mark.parametrize(
    ("reason", "gone"),
    [
        ("no permission", []),
        ("cannot be read: Input/output error", []),
        ("excluded", []),
        ("binary", ["dir/file"]),
        ("vanished", ["dir/file"]),
    ],
)
@pytest.mark.parametrize("path", ["dir", "dir/file"])
def test_what_could_not_be_read_is_not_gone(path: str, reason: str, gone: list[str]) -> None:
    stored = {"dir/file": version("a"), "elsewhere/file": version("a")}
    assert changes([SkippedFile(path, reason)], stored).gone == gone


def test_renames_are_git_s_and_else_those_of_equal_content() -> None:
    stored = {"old": version("a"), "moved": version("b"), "twin1": version("c"), "twin2": version("c")}
    arrived = [source("new", "d"), source("sub/moved", "b"), source("twin3", "c")]
    found = changes([*arrived], stored, {"old": "new", "moved": "nowhere", "unknown": "new"})
    assert found.renames == {"old": "new", "moved": "sub/moved"}
    assert found.gone == list(stored)
