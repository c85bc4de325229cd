"""The way of a value as a column of `code_violations` holds it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any

from agentforge.model import FlowStep
from agentforge.store.lifecycle import storable


def to_json(flow: Iterable[FlowStep]) -> str | None:
    """The steps as a JSON array of objects; None where there are none."""
    steps = [dataclasses.asdict(step) | {"message": storable(step.message)} for step in flow]
    return json.dumps(steps, ensure_ascii=False) if steps else None


def from_rows(rows: Iterable[Mapping[str, Any]] | None) -> tuple[FlowStep, ...]:
    """The steps of such an array, as psycopg gives it."""
    return tuple(FlowStep(**row) for row in rows or ())
