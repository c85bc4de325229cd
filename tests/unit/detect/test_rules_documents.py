"""docs/rules is what docs/generate_rules.py makes of the rules; the catalogue knows each of bandit's tests."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from bandit.core import extension_loader

from agentforge.detect import catalogue
from agentforge.errors import UsageError

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_rules", DOCS / "generate_rules.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_current(generator: ModuleType) -> None:
    pages = generator.pages()
    on_disk = {file.name: file.read_text("utf-8") for file in (DOCS / "rules").glob("*.md")}
    assert pages == {name: text for name, text in on_disk.items() if name in pages}, "run docs/generate_rules.py"
    assert len(on_disk) <= len(pages) + 1, "a page of a language that is gone"


def test_every_rule_has_its_anchor_on_its_page_and_on_those_of_its_languages() -> None:
    pages = {file.stem: file.read_text("utf-8") for file in (DOCS / "rules").glob("*.md")}
    anchors = {
        name: {*re.findall(r"^### (\S+)$", text, re.MULTILINE), *re.findall(r'<a id="([^"]+)">', text)}
        for name, text in pages.items()
    }
    for entry in catalogue.entries():
        file, _, anchor = entry.page.partition(".md#")
        assert anchor in anchors[file]
        for language in entry.languages:
            assert entry.rule.id.lower() in anchors[language]


def test_the_catalogue_knows_bandits_tests_and_no_others() -> None:
    manager = extension_loader.MANAGER
    real = {plugin.plugin._test_id: plugin.name for plugin in manager.plugins}
    real |= {id_: item["name"] for id_, item in manager.blacklist_by_id.items()}
    # bandit itself writes some names with `-` once it was asked for the page of such a test
    known = {entry.rule.id: entry.rule.name for entry in catalogue.bandit()}
    assert known == {id_: name.replace("-", "_") for id_, name in real.items()}
    for entry in catalogue.bandit():
        item = manager.blacklist_by_id.get(entry.rule.id)
        if item is not None:
            assert (entry.rule.severity.upper(), entry.rule.cwe) == (item["level"], item["cwe"])


def test_an_unknown_id_is_answered_with_the_nearest() -> None:
    assert catalogue.entry("b608").rule.id == "B608"
    with pytest.raises(UsageError, match="Did you mean `go-defer-in-loop`"):
        catalogue.entry("go-defer-loop")


def test_what_was_measured_is_of_rules_that_there_are() -> None:
    ids = {entry.rule.id for entry in catalogue.entries()}
    for id_, found in catalogue.precision().items():
        assert id_ in ids
        assert 0 <= found.right <= found.read <= found.hits
