"""Bytes to text to tree: one parse a file, shared by all that follows."""

from agentforge.parse.decode import Decoded, decode
from agentforge.parse.tree import (
    MATCH_LIMIT,
    ParsedFile,
    ParseTimeoutError,
    captures,
    grammar,
    parse,
    query,
    query_text,
    switch_off,
)
from agentforge.parse.vocabulary import Vocabulary

__all__ = [
    "MATCH_LIMIT",
    "Decoded",
    "ParseTimeoutError",
    "ParsedFile",
    "Vocabulary",
    "captures",
    "decode",
    "grammar",
    "parse",
    "query",
    "query_text",
    "switch_off",
]
