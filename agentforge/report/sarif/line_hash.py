"""`primaryLocationLineHash`, as GitHub computes it where a file has none.

github/codeql-action, `src/fingerprints.ts`: of each line, the polynomial hash (base 37, modulo 2**64) of the hundred
UTF-16 code units from its beginning on, without spaces and tabs, every line end as a line feed, the end of the file as
65535 and zeros behind it; then a colon and the how-manieth line of the file it is with that hash.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from itertools import accumulate

_BLOCK, _BASE, _MASK = 100, 37, (1 << 64) - 1
_FIRST = pow(_BASE, _BLOCK, 1 << 64)
_LINE_ENDS = re.compile("\r\n|\r")
_END_OF_FILE = 65535
_IGNORED = str.maketrans("", "", " \t")


def line_hashes(raw: bytes) -> list[str]:
    """The hash of each line of a file, in order. Bytes that are not UTF-8 count as U+FFFD."""
    text = _normalised(raw.decode("utf-8", "replace"))
    units = array("H", text.encode("utf-16-le", "surrogatepass"))
    if array("H", b"\1\0")[0] != 1:
        units.byteswap()
    units.append(_END_OF_FILE)
    size = len(units)
    # sums[n] is the hash of all units before n, so that one line's is the difference of two.
    sums = array("Q", accumulate(units, lambda total, unit: (total * _BASE + unit) & _MASK, initial=0))
    sums.extend(_padding(sums[-1]))
    starts = [0, *(index + 1 for index in range(size - 1) if units[index] == 10)]
    seen: Counter[int] = Counter()
    hashes = []
    for start in starts:
        value = (sums[start + _BLOCK] - sums[start] * _FIRST) & _MASK
        seen[value] += 1
        hashes.append(f"{value:x}:{seen[value]}")
    return hashes


def _padding(last: int) -> list[int]:
    return list(accumulate(range(_BLOCK), lambda total, _: total * _BASE & _MASK, initial=last))[1:]


def _normalised(text: str) -> str:
    """A line feed that follows a carriage return is skipped by that tool only where it follows at once."""
    return _LINE_ENDS.sub("\n", text).translate(_IGNORED)
