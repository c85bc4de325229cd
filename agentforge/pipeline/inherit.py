"""What a branch has from the default branch: a violation that is there, too, is not new here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentforge.detect.track import Tracked, track
from agentforge.store.baseline import Analysed, default_branch_analysis
from agentforge.store.load import unresolved
from agentforge.walk import SourceTree, renames

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


def find_base(connection: Connection, project_id: int, branch: str) -> Analysed | None:
    """The last analysis of the default branch; None for that branch itself, and where there is none."""
    base = default_branch_analysis(connection, project_id)
    return None if base is None or base.branch == branch else base


def inherited(
    connection: Connection, project_id: int, base: Analysed | None, tree: SourceTree, tracked: Tracked
) -> dict[int, int]:
    """Which of the violations that were not known on a branch the default branch has.

    Args:
        connection: to the database.
        project_id: of the project.
        base: the last analysis of the default branch, None where there is nothing to compare with.
        tree: that was analysed; git says which of its files have another name there.
        tracked: all violations found in the files that were analysed, and what is known of them on their branch.

    Returns:
        Index in `tracked.found` to the id of the violation on the default branch.
    """
    paths = {violation.path for violation, known in tracked.found if known is None}
    if base is None or not paths:
        return {}
    moved = {old: new for old, new in renames(tree, base.commit).items() if new in paths}
    there = unresolved(connection, project_id, base.branch, sorted(paths | set(moved)))
    # All of a file's violations take part, so that the twin of a known one is not taken for a new one.
    places = [place for place, (violation, _) in enumerate(tracked.found) if violation.path in paths]
    matched = track(there, [tracked.found[place][0] for place in places], moved)
    return {
        place: id_
        for place, (_, id_) in zip(places, matched.found, strict=True)
        if id_ is not None and tracked.found[place][1] is None
    }
