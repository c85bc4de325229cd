from collections.abc import Callable

import pytest

from agentforge import parse
from agentforge.embed.features import extract
from agentforge.embed.interface import Snippet


def features_of(code: str, language: str = "python") -> bytes:
    parsed = parse.parse(language, parse.decode(code.encode()))
    return extract(parsed, [(0, len(parsed.data.rstrip()))])[0]


@pytest.fixture
def snippet() -> Callable[..., Snippet]:
    """Code of one function -> its snippet."""

    def make(code: str, language: str = "python") -> Snippet:
        return Snippet(language, "", code, features_of(code, language))

    return make
