"""Passwords as the server knows them: never.

The client computes argon2id (RFC 9106) of the password. The result is the proof that it sends to log in, and the
database holds the SHA-256 of the proof, so that what can be read there does not log in. It is written as a PHC string,
`$argon2id$v=19$m=..,t=..,p=..$salt$hash`, whose last part is that SHA-256 and not argon2id's own output.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass

from agentforge.errors import DatabaseError, UsageError

MINIMUM_LENGTH = 12  # NIST SP 800-63B: length counts, composition does not
MAXIMUM_LENGTH = 1024
_SALT_BYTES = 16
_PROOF_BYTES = 32
_PREFIX = re.compile(r"\$argon2id\$v=19\$m=(\d{1,10}),t=(\d{1,5}),p=(\d{1,5})\$([A-Za-z0-9+/]{22,86})")


@dataclass(frozen=True, slots=True)
class Parameters:
    """What one computation costs.

    Attributes:
        memory: KiB.
        passes: over the memory.
        lanes: that may be computed at the same time.
    """

    memory: int
    passes: int
    lanes: int


RECOMMENDED = Parameters(65536, 3, 4)  # the second recommendation of RFC 9106
WEAKEST = Parameters(19456, 2, 1)  # the least that OWASP advises
_DEAREST = Parameters(1024 * 1024, 32, 64)


def check_new(password: str, username: str) -> None:
    """Refuse a password that is easily guessed.

    Raises:
        UsageError: it is shorter than 12 characters, longer than 1024, or the user's own name.
    """
    if len(password) < MINIMUM_LENGTH:
        raise UsageError(
            f"The password has {len(password)} characters, and {MINIMUM_LENGTH} are the least.",
            "A few words in a row are easy to remember and hard to guess.",
        )
    if len(password) > MAXIMUM_LENGTH:
        raise UsageError(f"The password is longer than {MAXIMUM_LENGTH} characters.", "Choose a shorter one.")
    if username.casefold() in (password.casefold(), password.casefold()[::-1]):
        raise UsageError("The password is the user's name.", "Choose another one.")


def digest(password: str, parameters: Parameters = RECOMMENDED) -> str:
    """What the database holds of a new password, with a new salt."""
    salt = secrets.token_bytes(_SALT_BYTES)
    raw = _argon2id(password, salt, parameters)
    costs = f"m={parameters.memory},t={parameters.passes},p={parameters.lanes}"
    return f"$argon2id$v=19${costs}${_encode(salt)}${_encode(hashlib.sha256(raw).digest())}"


def proof(password: str, challenge: str, weakest: Parameters = WEAKEST) -> bytes:
    """What shows the server that the password is known.

    Args:
        password: as the user gave it.
        challenge: `$argon2id$v=19$m=..,t=..,p=..$salt`, from the server.
        weakest: cheaper computations are refused: whoever stands in for the server could guess the password from them.

    Raises:
        DatabaseError: the challenge is no such string, or asks for too little or too much.
    """
    match = _PREFIX.fullmatch(challenge)
    if match is None:
        raise DatabaseError("The server's answer to a login is not understood.", "Upgrade agentforge.")
    asked = Parameters(int(match[1]), int(match[2]), int(match[3]))
    if asked.memory < weakest.memory or asked.passes < weakest.passes:
        raise DatabaseError(
            "The server asks for a digest of the password that is easy to guess from, so it gets none.",
            "Check that this is your server; then let an admin set a new password.",
        )
    if asked.memory > _DEAREST.memory or asked.passes > _DEAREST.passes or asked.lanes > _DEAREST.lanes:
        raise DatabaseError(
            "The server asks for a digest of the password that takes too much memory or time.",
            "Let an admin set a new password.",
        )
    return _argon2id(password, base64.b64decode(match[4] + "=" * (-len(match[4]) % 4)), asked)


def _argon2id(password: str, salt: bytes, parameters: Parameters) -> bytes:
    from argon2.low_level import Type, hash_secret_raw

    # NFKC, so that an accent is the same on every keyboard.
    secret = unicodedata.normalize("NFKC", password).encode()
    costs = parameters.passes, parameters.memory, parameters.lanes
    return hash_secret_raw(secret, salt, *costs, hash_len=_PROOF_BYTES, type=Type.ID)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")
