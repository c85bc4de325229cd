"""Patterns as data: what whole functions look like that do a certain thing (docs/patterns.md).

A shipped one is a file in `shipped/`; a team's own are in the database. Nothing here knows vectors.
"""

from agentforge.patterns.loader import FOLDER, read, shipped
from agentforge.patterns.pattern import Example, Measured, Pattern

__all__ = ["FOLDER", "Example", "Measured", "Pattern", "read", "shipped"]
