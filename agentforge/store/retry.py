"""Doing a write again that PostgreSQL ended only because another session was in its way."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from agentforge.store.connection import Connection

T = TypeVar("T")

ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0


def again(attempt: Callable[[], T], *, attempts: int = ATTEMPTS, sleep: Callable[[float], None] = time.sleep) -> T:
    """What `attempt` returns, called again after a deadlock or a serialization failure.

    The pauses are random, so that two sessions do not meet again, and grow.

    Args:
        attempt: a whole transaction; one that fails must leave nothing.
        attempts: at most so many, at least 1.
        sleep: waits so many seconds.

    Raises:
        psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected: at the last attempt, too.
    """
    from psycopg.errors import DeadlockDetected, SerializationFailure

    for number in range(1, attempts):
        try:
            return attempt()
        except (DeadlockDetected, SerializationFailure):
            longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**number)
            sleep(random.uniform(0, longest))  # nosec B311  # noqa: S311 - keeps no secret
    return attempt()


def retrying(
    connection: Connection,
    work: Callable[[], T],
    *,
    attempts: int = ATTEMPTS,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """What `work` returns, run in a transaction of its own, and again as by `again`.

    An attempt that failed leaves nothing in the database, in temporary tables neither; `work` must leave nothing of it
    in memory.

    Args:
        connection: outside a transaction; `work` writes through it.
        work: may run several times, once to its end.
        attempts: at most so many, at least 1.
        sleep: waits so many seconds.

    Raises:
        psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected: at the last attempt, too.
    """

    def attempt() -> T:
        with connection.transaction():
            return work()

    return again(attempt, attempts=attempts, sleep=sleep)
