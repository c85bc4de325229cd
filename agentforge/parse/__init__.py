"""Bytes to text to tree: one parse a file, shared by all that follows."""

from agentforge.parse.decode import Decoded, decode
from agentforge.parse.tree import (
    MATCH_LIMIT,
    ParsedFile,
    ParseTimeoutError,
    captures,
    grammar,
    keep_patterns,
    parse,
    query,
    query_text,
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
    "keep_patterns",
    "parse",
    "query",
    "query_text",
]
