"""The mean vectors by which a model is centred, and the functions of which they are counted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentforge.errors import UsageError
from agentforge.model import Centres
from agentforge.store import logins
from agentforge.store.lifecycle import one
from agentforge.store.queries import load

if TYPE_CHECKING:
    from agentforge.store.connection import Connection


@dataclass(frozen=True, slots=True)
class StoredCentres:
    """The means of a model, and the version that weights and means together are."""

    version: str
    centres: Centres


@dataclass(frozen=True, slots=True)
class Sampled:
    """A stored function of which means may be counted."""

    code_hash: str
    language: str
    name: str
    code: str


def holding(connection: Connection, name: str, weights: str) -> StoredCentres | None:
    """The means that hold for a model; None where none were counted yet.

    Args:
        connection: as who may read.
        name: of the model.
        weights: its version before it is centred.
    """
    row = connection.execute(load("centres")["holding"], {"name": name, "weights": weights}).fetchone()
    return None if row is None else centres_of(connection, row[0])


def centres_of(connection: Connection, model_id: int) -> StoredCentres | None:
    """The means of a model; None for one that is not centred."""
    import numpy as np

    rows = connection.execute(load("centres")["centres"], {"model_id": model_id}).fetchall()
    if not rows:
        return None
    means = {language: np.array(mean, np.float16) for _, language, _, mean in rows}
    return StoredCentres(rows[0][0], Centres(means, {language: pieces for _, language, pieces, _ in rows}))


def sample(connection: Connection, most: int) -> list[Sampled]:
    """Functions that the caller may read, equal code once, at most so many of a language, chosen by their hash."""
    return [Sampled(*row) for row in connection.execute(load("centres")["sample"], {"most": most}).fetchall()]


def require_admin(connection: Connection) -> None:
    """Do nothing for an admin.

    Raises:
        UsageError: the user is none.
    """
    me = logins.whoami(connection)
    if me is None or me.role != "admin":
        raise UsageError(
            "Only admins have the means of a model counted anew: what it embedded in all projects is embedded again.",
            "Ask one, or leave --recentre out.",
        )


def ensure(connection: Connection, name: str, weights: str, centres: Centres, *, anew: bool) -> None:
    """Have some means hold for a model, unless others do already.

    Args:
        connection: as who may use a new model; for `anew` as an admin.
        name: of the model.
        weights: its version before it is centred.
        centres: the means.
        anew: let these hold in place of those that do.
    """
    rows = [
        {"language": language, "pieces": centres.pieces[language], "mean": mean.tolist()}
        for language, mean in sorted(centres.means.items())
    ]
    parameters = {"name": name, "weights": weights, "dimension": len(centres.of(None))}
    one(connection, load("centres")["ensure"], {**parameters, "centres": json.dumps(rows), "anew": anew})
