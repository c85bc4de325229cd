"""What bandit's own documentation says of its tests."""

from __future__ import annotations

import inspect
import re
import sys

from bandit.core import docs_utils, extension_loader

_TITLE = re.compile(r"\*\*B\d+:.*\*\*|=+|B\d+: .*")
_MARKUP = re.compile(r":\w+:`([^`<]*)(?:<[^>]*>)?`|``([^`]*)``|`([^`<]*?)\s*(?:<[^>]*>)?`_+")


def explanation(test_id: str) -> str:
    """Why a test of bandit's matters: the first paragraphs of its plugin's documentation, or its list's sentence.

    Args:
        test_id: `B602`; an unknown one has no explanation.
    """
    manager = extension_loader.MANAGER
    listed = manager.blacklist_by_id.get(test_id)
    if listed is not None:
        return str(listed["message"]).replace("{name}", "it")
    plugin = manager.plugins_by_id.get(test_id)
    if plugin is None:
        return ""
    texts = (plugin.plugin.__doc__, getattr(sys.modules.get(plugin.plugin.__module__), "__doc__", None))
    return next((found for text in texts if text and (found := _prose(text))), "")


def address(test_id: str) -> str:
    """The page of a test in bandit's documentation."""
    return str(docs_utils.get_url(test_id))


def _prose(text: str) -> str:
    """The paragraphs before the first list, example or directive, without reStructuredText's markup, on a line each."""
    paragraphs = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        lines = [line.strip() for line in paragraph.splitlines() if line.strip()]
        lines = [line for line in lines if not _TITLE.fullmatch(line)]
        if not lines:
            continue
        if lines[0].startswith((":Example", ".. ", "- ", "* ", "+-", "See also", "**Config")):
            break
        paragraphs.append(_MARKUP.sub(_plain, " ".join(lines)))
    return "\n".join(paragraphs)


def _plain(match: re.Match[str]) -> str:
    return next(part for part in match.groups() if part is not None)
