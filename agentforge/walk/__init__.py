"""Paths to source files: git-aware, .gitignore honoured, with a reason for each file that is left out."""

from agentforge.walk.discover import DefaultBranch, SourceTree, default_branch, discover
from agentforge.walk.git import clone
from agentforge.walk.git import is_url as is_git_url
from agentforge.walk.source import UnreadableSourceError, escape, read_source
from agentforge.walk.walk import MAX_FILE_SIZE, WalkOptions, chosen_names, classified, looked_at, renames, walk

__all__ = [
    "MAX_FILE_SIZE",
    "DefaultBranch",
    "SourceTree",
    "UnreadableSourceError",
    "WalkOptions",
    "chosen_names",
    "classified",
    "clone",
    "default_branch",
    "discover",
    "escape",
    "is_git_url",
    "looked_at",
    "read_source",
    "renames",
    "walk",
]
