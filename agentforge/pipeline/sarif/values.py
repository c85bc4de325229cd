"""Values out of JSON that anybody may have written: of the right type, or nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_MAX_INTEGER = 2**31 - 1

Object = Mapping[str, Any]
_NOTHING: Object = {}


def objects(value: Any) -> Iterator[Object]:
    """The objects of a list; what is none is passed over."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def inside(value: Any, *keys: str) -> Object:
    """The object at the end of some keys, an empty one where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else _NOTHING


def string(value: Any) -> str:
    """A text that the database can hold, empty where it is none: no NUL, no half of a surrogate pair."""
    if not isinstance(value, str):
        return ""
    text = value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def whole(value: Any, least: int, default: int) -> int:
    """A whole number between `least` and the database's largest, else the default."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        return default
    return min(value, _MAX_INTEGER)


def number(value: Any) -> float | None:
    """A number, which may be written as text (`"7.5"`)."""
    try:
        found = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return None if found is None or math.isnan(found) else found


def item(values: Any, index: Any) -> Object:
    """The object of a list at an index, an empty one where there is none."""
    if not isinstance(values, list) or not isinstance(index, int) or not 0 <= index < len(values):
        return _NOTHING
    return values[index] if isinstance(values[index], dict) else _NOTHING


def strings(value: Any) -> Sequence[str]:
    """The texts of a list, or the one text."""
    if isinstance(value, str):
        return (string(value),)
    return tuple(string(entry) for entry in value if isinstance(entry, str)) if isinstance(value, list) else ()
