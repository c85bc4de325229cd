"""The token of the user's session."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentforge.store.connection import DatabaseSettings


def token(settings: DatabaseSettings) -> str:
    """What `AGENTFORGE_TOKEN` holds; empty for none."""
    return os.environ.get("AGENTFORGE_TOKEN", "")
