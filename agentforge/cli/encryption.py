"""The audit encryption key that the command line and the environment name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentforge.store.audit_key import AuditKey

KEY_VARIABLE = "AGENTFORGE_AUDIT_ENCRYPTION_KEY"


def encryption_key(file: str | None) -> AuditKey | None:
    """The key of the file, else that of the variable, else None.

    Args:
        file: that the option or its variable names; None or empty for none.

    Raises:
        UsageError: it is no key, or others may read it.
    """
    text = os.environ.get(KEY_VARIABLE)
    if not file and not text:
        return None
    from agentforge.store.audit_key import read_key, read_key_file

    return read_key_file(Path(file)) if file else read_key(text or "")
