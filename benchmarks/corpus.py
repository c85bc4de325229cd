"""Real functions and edited copies of them, with their vectors, for benchmarks.

The functions are those of the Python sources below some folders (site-packages, unpacked sdists), measured by the
product itself and embedded by its default model. At least half are edited copies, as in forks and vendored code: of the
features and of the words of a real function 5 to 40 % are dropped and as many of another function's put in their place,
and what comes out is embedded anew. So vectors cluster as those of code do, and none is random. What is stored as the
code of a copy is that of its original.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agentforge import parse
from agentforge.embed import features
from agentforge.embed.features import HEADER
from agentforge.embed.interface import Snippet, load
from agentforge.measure import measure

if TYPE_CHECKING:
    from numpy.typing import NDArray


BATCH = 20_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A real function."""

    name: str
    qualified_name: str
    signature: str
    code: str
    lines: int
    cyclomatic: int
    features: bytes


@dataclass(frozen=True, slots=True)
class Corpus:
    """Vectors of real functions and of edited copies.

    Attributes:
        pieces: the real functions.
        vectors: float16, one row each.
        origin: index of the real function that each row is (a copy of).
    """

    pieces: list[Piece]
    vectors: NDArray[np.float16]
    origin: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with a session, who may read and write some projects."""

    token: str
    projects: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Database:
    """A filled database.

    Attributes:
        url: as a superuser.
        model_id: of all vectors.
        function_ids: in the order of the corpus.
        projects: of each function.
        wanted: of each function, whether it lies in a branch that is searched.
        languages: of each function.
        sizes: functions of each project, by its id.
        users: a hundred, who may each write half of the projects.
    """

    url: str
    model_id: int
    function_ids: NDArray[np.int64]
    projects: NDArray[np.int64]
    wanted: NDArray[np.bool_]
    languages: NDArray[np.str_]
    sizes: dict[int, int]
    users: list[User]


def harvest(roots: Iterable[Path]) -> Iterator[Piece]:
    """The functions of all Python files below some folders, package by package."""
    for path in sorted(path for root in roots for path in root.rglob("*.py")):
        if not path.is_file() or path.stat().st_size > 500_000:
            continue
        decoded = parse.decode(path.read_bytes())
        parsed = parse.parse("python", decoded)
        found = measure(parsed, decoded).functions
        packed = features.extract(parsed, [(item.start_byte, item.end_byte) for item in found])
        for item, data in zip(found, packed, strict=True):
            code = item.code.replace("\0", "").encode("utf-8", "replace").decode()
            signature = item.signature.replace("\0", "").encode("utf-8", "replace").decode()
            yield Piece(
                item.name, item.qualified_name, signature, code, max(1, item.lines_of_code), item.cyclomatic, data
            )


def build(roots: Sequence[Path], count: int, cache: Path) -> Corpus:
    """`count` vectors, half of them of a random part of the real functions; kept in a folder `cache`."""
    cache.mkdir(parents=True, exist_ok=True)
    stored = kept(cache, "corpus", count)
    if stored.exists():
        return pickle.loads(stored.read_bytes())
    real = _pieces(roots, cache)
    random = np.random.default_rng(0)
    chosen = np.sort(random.permutation(len(real))[: count // 2]).tolist()
    pieces = [real[index] for index in chosen]
    origin = np.arange(count, dtype=np.int32) % len(pieces)
    embedder = load()
    vectors = np.empty((count, embedder.dimension), dtype=np.float16)
    for start in range(0, count, BATCH):
        rows = range(start, min(start + BATCH, count))
        vectors[rows.start : rows.stop] = embedder.embed(
            [snippet(pieces[row]) if row < len(pieces) else edited(pieces, int(origin[row]), random) for row in rows]
        )
    corpus = Corpus(pieces, vectors, origin)
    stored.write_bytes(pickle.dumps(corpus, protocol=5))
    return corpus


def kept(cache: Path, kind: str, count: int) -> Path:
    """Where a corpus or what is known of its database is kept, for this version of the model."""
    return cache / f"{kind}-{count}-{load().version}.pickle"


def changed_vectors(corpus: Corpus, rows: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.float16]:
    """Vectors of some rows' functions after another edit."""
    copies = [edited(corpus.pieces, int(corpus.origin[row]), random) for row in rows]
    return load().embed(copies).astype(np.float16)


def _pieces(roots: Sequence[Path], cache: Path) -> list[Piece]:
    stored = cache / "pieces.pickle"
    if not stored.exists():
        print(f"harvesting below {', '.join(map(str, roots))}: some minutes", file=sys.stderr)
        pieces = list({hashlib.sha256(piece.code.encode()).digest(): piece for piece in harvest(roots)}.values())
        stored.write_bytes(pickle.dumps(pieces, protocol=5))
    return pickle.loads(stored.read_bytes())


def snippet(piece: Piece) -> Snippet:
    """A real function, to be embedded."""
    return Snippet("python", piece.name, piece.code, piece.features)


def edited(pieces: Sequence[Piece], index: int, random: np.random.Generator) -> Snippet:
    """A function after an edit."""
    share = random.uniform(0.05, 0.4)
    piece, other = pieces[index], pieces[int(random.integers(len(pieces)))]
    return Snippet("python", piece.name, _words(piece, other, share, random), _features(piece, other, share, random))


def _words(piece: Piece, other: Piece, share: float, random: np.random.Generator) -> str:
    """The code without a share of its words, and as many of another function's behind it."""
    words = piece.code.split()
    kept = random.random(len(words)) >= share
    return " ".join([*compress(words, kept), *other.code.split()[: len(words) - int(kept.sum())]])


def _features(piece: Piece, other: Piece, share: float, random: np.random.Generator) -> bytes:
    """The same with features."""
    channels, counts = [], []
    for (ids, times), (other_ids, other_times) in zip(
        _channels(piece.features), _channels(other.features), strict=True
    ):
        kept = random.random(len(ids)) >= share
        added = min(len(other_ids), len(ids) - int(kept.sum()))
        channels.append(np.concatenate([ids[kept], other_ids[:added]]))
        counts.append(np.concatenate([times[kept], other_times[:added]]))
    header = HEADER.pack(len(channels[0]), len(channels[1]))
    return header + b"".join(part.tobytes() for part in (*channels, *counts))


def _channels(packed: bytes) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    words, nodes = HEADER.unpack_from(packed)
    ids = np.frombuffer(packed, "<u4", words + nodes, HEADER.size)
    counts = np.frombuffer(packed, np.uint8, words + nodes, HEADER.size + 4 * (words + nodes))
    return [(ids[:words], counts[:words]), (ids[words:], counts[words:])]
