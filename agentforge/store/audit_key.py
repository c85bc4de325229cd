"""The key that makes audit values confidential and their hash chain impossible to compute anew without it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentforge.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = 1
_MEMBERS = {"v", "key", "nonce", "data"}


@dataclass(frozen=True, slots=True)
class AuditKey:
    """One encryption key, and what is derived from it for each use.

    Attributes:
        id: 16 hexadecimal digits that tell keys apart and say nothing of them.
        chain_secret: 32 bytes for the HMAC of the hash chain.
    """

    id: str
    chain_secret: bytes = field(repr=False)
    _cipher: AESGCM = field(repr=False)

    def encrypt(self, text: str, log_id: int, column: str) -> str:
        """The JSON that stands in a column of audit_logs instead of `text`, bound to its row and column."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        data = self._cipher.encrypt(nonce, text.encode(), _place(log_id, column))
        members = {"v": _VERSION, "key": self.id, "nonce": _to_text(nonce), "data": _to_text(data)}
        return json.dumps(members, separators=(",", ":"))

    def decrypt(self, value: dict[str, Any], log_id: int, column: str) -> str:
        """The text that was encrypted.

        Args:
            value: for which `is_encrypted` holds.
            log_id: id of the row that it was found in.
            column: that it was found in.

        Raises:
            UsageError: it was encrypted with another key, or for another place, or was damaged.
        """
        from cryptography.exceptions import InvalidTag

        with suppress(InvalidTag, binascii.Error, ValueError, TypeError):
            if value["key"] == self.id:
                nonce, data = base64.b64decode(value["nonce"]), base64.b64decode(value["data"])
                return self._cipher.decrypt(nonce, data, _place(log_id, column)).decode()
        raise UsageError(
            f"{column} of row {log_id} of audit_logs cannot be decrypted with this key.",
            "Use the key with which it was encrypted; `agentforge audit verify` says whether the row was changed.",
        )


def is_encrypted(value: Any) -> bool:
    """Whether the JSON of a column of audit_logs is a ciphertext."""
    return isinstance(value, dict) and value.keys() == _MEMBERS and value["v"] == _VERSION


def read_key(text: str) -> AuditKey:
    """A key from its text.

    Args:
        text: 32 bytes in base64; white space around it is ignored.

    Raises:
        UsageError: it is no key, or the package cryptography is missing. The message does not hold it.
    """
    try:
        secret = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != KEY_BYTES:
        raise UsageError(
            f"The audit encryption key is not {KEY_BYTES} bytes in base64.",
            "Create one with `agentforge audit key FILE`.",
        )
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise UsageError(
            "An audit encryption key is set, and the package cryptography is not installed.",
            "Install it: pip install 'agentforge[encryption]'.",
        ) from None
    identity = hashlib.sha256(_derive(secret, b"agentforge audit key id")).hexdigest()[:16]
    cipher = AESGCM(_derive(secret, b"agentforge audit values"))
    return AuditKey(identity, _derive(secret, b"agentforge audit chain"), cipher)


def read_key_file(file: Path) -> AuditKey:
    """A key from a file that nobody else may read.

    Raises:
        UsageError: it cannot be read, others may read it, or it holds no key.
    """
    try:
        with file.open("rb") as opened:
            others = os.fstat(opened.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO)
            text = opened.read(1024).decode("ascii", "replace")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", "Name a file with the audit key.") from None
    if others:
        raise UsageError(f"Others than you may read {file}.", f"Forbid it: chmod 600 {file}.")
    return read_key(text)


def create_key_file(file: Path) -> AuditKey:
    """Write a new key to a new file with mode 0600.

    Raises:
        UsageError: there is such a file already, or it cannot be written.
    """
    text = _to_text(secrets.token_bytes(KEY_BYTES))
    key = read_key(text)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{file} exists already.", "A lost key is lost for ever: choose another name.") from None
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.", "Choose another folder.") from None
    with os.fdopen(handle, "w") as opened:
        opened.write(text + "\n")
        opened.flush()
        os.fsync(opened.fileno())
    return key


def _derive(secret: bytes, purpose: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), KEY_BYTES, None, purpose).derive(secret)


def _place(log_id: int, column: str) -> bytes:
    return f"{log_id}:{column}".encode()


def _to_text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
