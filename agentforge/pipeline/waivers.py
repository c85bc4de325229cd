"""The scores of stored files after somebody waived a violation in them, or a waiver ended."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from agentforge.measure.scores import violation_scores
from agentforge.store import waivers

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


def rescore(connection: Connection, files: Collection[int]) -> None:
    """Compute the quality and security of some stored files again from the violations that are not waived.

    Args:
        connection: inside the transaction that changed the waivers.
        files: ids of current files; others are left alone.
    """
    if not files:
        return
    waivers.store_scores(
        connection,
        {
            file.id: violation_scores(file.counted, parse_error=file.parse_error, error_share=file.error_share)
            for file in waivers.scored_files(connection, files)
        },
    )
