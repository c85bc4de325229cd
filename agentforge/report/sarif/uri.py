"""Paths of a report and repository addresses as URIs."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit, urlunsplit

# What `agentforge.model.SourceFile.path` writes instead of characters that cannot be shown.
_ESCAPE = re.compile(r"\\(\\|x[0-9a-f]{2}|u[0-9a-f]{4})")
_SCP_LIKE = re.compile(r"(?:[^@/:]+@)?([\w.-]+):(?!//)(.+)")
_SAFE = "/:@!$&'()*+,;=~"


def file_name(path: str) -> bytes:
    """The bytes of a file's name, of which a report's path is the printable form."""

    def character(match: re.Match[str]) -> str:
        code = match[1]
        if code == "\\":
            return "\\"
        number = int(code[1:], 16)
        return chr(number + 0xDC00 if code[0] == "x" and number >= 0x80 else number)

    return _ESCAPE.sub(character, path).encode("utf-8", "surrogateescape")


def relative_uri(path: str) -> str:
    """A path of a report as a relative reference: percent-encoded, and never taken for a scheme or a host."""
    quoted = quote(file_name(path), safe="/!$&'()*+,;=~")
    return f"./{quoted.lstrip('/')}" if quoted.startswith("/") else quoted


def repository_uri(url: str) -> str | None:
    """A repository's address as an absolute URI without user, password, query and fragment; None where it is none."""
    if "://" not in url:
        match = _SCP_LIKE.fullmatch(url)
        if match:
            return f"ssh://{match[1]}/{quote(match[2].lstrip('/'), safe=_SAFE)}"
        return f"file://{quote(url, safe=_SAFE)}" if url.startswith("/") else None
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    host = parts.hostname or ""
    return urlunsplit((parts.scheme, f"{host}{port}", quote(parts.path, safe=f"{_SAFE}%"), "", ""))
