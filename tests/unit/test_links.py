"""A link of the documentation leads to a file that is there, and to a heading of it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT) for place in ("*.md", "docs/**/*.md", "training/**/*.md") for path in ROOT.glob(place)
)
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)#?([^)\s]*)\)")


@cache
def text(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


@cache
def headings(page: Path) -> frozenset[str]:
    """As GitHub calls them in a link."""
    plain = [re.sub(r"\[(.*?)\]\(.*?\)", r"\1", line) for line in re.findall(r"^#+ (.*)$", text(page), re.MULTILINE)]
    return frozenset(re.sub(r"[^\w\- ]", "", line.strip().lower()).replace(" ", "-") for line in plain)


def broken(page: Path) -> list[str]:
    found = []
    for path, heading in LINK.findall(text(page)):
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (heading and target.suffix == ".md" and heading not in headings(target)):
            found.append(f"{path}#{heading}".removesuffix("#"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(ROOT / page) == []


def test_a_link_to_nothing_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "# The `one` here\n[x](b.md) [y](a.md#the-one-here) [z](#two) [w](https://example.org)\n"
    )
    assert broken(tmp_path / "a.md") == ["b.md", "#two"]
