"""Bytes to text to tree: one parse a file, shared by all that follows."""

from agentforge.parse.decode import Decoded, decode
from agentforge.parse.tree import ParsedFile, ParseTimeoutError, captures, grammar, parse, query, split_query

__all__ = [
    "Decoded",
    "ParseTimeoutError",
    "ParsedFile",
    "captures",
    "decode",
    "grammar",
    "parse",
    "query",
    "split_query",
]
