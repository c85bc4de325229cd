"""The functions that training/student.py learns from, and the batches that are drawn of them."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass

import sample
import teacher

from agentforge.embed import subtokens

GROUPS, GROUP = 5, 32
CHANGED = 48  # of a batch
MORE_TEXTS = 128
SEED = 5
LIMIT = 128
UNNAMED = 0.1  # of the functions do not say their language
RENAMED = 0.3  # of the functions and their texts have some of the words that they share replaced, in both by the same


@dataclass(frozen=True, slots=True)
class Batch:
    """Functions, some of them in another form too, and texts.

    `pieces` are the rows of the vocabulary of all: of the functions in `places`, then of those whose numbers are in
    `twice` in their other form, then of the `texts`, the first of which are about the functions. `kept` says of each
    text, and so of its function, whether its words are its own.
    """

    places: list[int]
    twice: list[int]
    texts: list[str]
    kept: list[bool]
    pieces: list[list[int]]


class Functions:
    """The functions as rows of the vocabulary, and what is done to them in training."""

    def __init__(self, rows: list[sample.Row], pairs: dict[int, list[int]], vocabulary: subtokens.Vocabulary) -> None:
        self.rng = random.Random(SEED)
        self.size = vocabulary.size
        self.fixed = {
            row for row, word in enumerate(vocabulary.words, 1) if word in subtokens.KEYWORDS or not word.isalpha()
        }
        self.pairs = pairs
        self.names = [row[3] for row in rows]
        self.code: list[list[int]] = []
        self.owner: list[list[int]] = []
        for row in rows:
            words, owners = subtokens.units(row[6], row[2], LIMIT)
            numbers = {"": -1, row[3]: 0}
            self.owner.append([numbers.setdefault(owner, len(numbers)) for owner in owners])
            self.code.append([vocabulary.row(word) for word in words])
        self.called = [teacher.called(row) for row in rows]
        self.described = [row[8] for row in rows]
        self.text_rows = {text: vocabulary.rows(text, "text") for text in {*self.called, *self.described} if text}
        self.text_rows = {text: found for text, found in self.text_rows.items() if len(found) > 1}
        groups: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for place, row in enumerate(rows):
            if self.called[place] in self.text_rows:
                groups[row[2]][row[0]].append(place)
        self.groups = [
            (
                sum(map(len, packages.values())) ** 0.5,
                list(packages.values()),
                [len(it) ** 0.7 for it in packages.values()],
            )
            for packages in groups.values()
        ]

    def batch(self) -> list[int]:
        """Places of `GROUPS` times `GROUP` functions, each group of one package and language where it has so many."""
        rng, found = self.rng, []
        for _, packages, weights in rng.choices(self.groups, [group[0] for group in self.groups], k=GROUPS):
            here: set[int] = set()
            for _ in range(8):
                package = rng.choices(packages, weights)[0]
                here |= set(rng.sample(package, min(GROUP - len(here), len(package))))
                if len(here) == GROUP:
                    break
            found += sorted(here)
        return list(dict.fromkeys(found))

    def draw(self) -> Batch:
        """One batch."""
        places = self.batch()
        rng, size = self.rng, len(places)
        texts = [self.text(place) for place in places]
        nameless = [text == self.called[place] or rng.random() < 0.5 for place, text in zip(places, texts, strict=True)]
        more = [rng.choice(self.described) or self.called[0] for _ in range(MORE_TEXTS)]
        texts += [text for text in more if text in self.text_rows]
        pieces = [self.plain(*item) or self.code[item[0]] for item in zip(places, nameless, strict=True)]
        twice = rng.sample(range(size), min(CHANGED, size))
        pieces += [self.other(places[number], nameless[number]) or self.code[places[number]] for number in twice]
        pieces = [piece[1:] if len(piece) > 1 and rng.random() < UNNAMED else piece for piece in pieces]
        spoken = [self.shortened(text) for text in texts]
        kept = [rng.random() >= RENAMED for _ in places] + [True] * (len(texts) - size)
        for number in range(size):
            if not kept[number]:
                pieces[number], spoken[number] = self.renamed(pieces[number], spoken[number])
        return Batch(places, twice, texts, kept, pieces + spoken)

    def plain(self, place: int, nameless: bool) -> list[int]:
        """As it is, or without its own name."""
        if not nameless:
            return self.code[place]
        return [row for row, owner in zip(self.code[place], self.owner[place], strict=True) if owner != 0]

    def changed(self, place: int, nameless: bool) -> list[int]:
        """Some of its names replaced, each by the same everywhere; one or two spans dropped."""
        rng = self.rng
        share = rng.choice((0.0, 0.3, 0.7, 1.0))
        others: dict[tuple[int, int], int] = {}
        replaced: dict[int, bool] = {-1: False}
        code = []
        for row, owner in zip(self.code[place], self.owner[place], strict=True):
            if nameless and owner == 0:
                continue
            if owner not in replaced:
                replaced[owner] = rng.random() < share
            if replaced[owner]:
                row = others.setdefault((owner, row), 1 + int(self.size * rng.random() ** 2.5) % (self.size - 1))
            code.append(row)
        for _ in range(rng.randrange(3)):
            width = max(1, len(code) // 10)
            if len(code) > 12:
                start = rng.randrange(len(code))
                del code[start : start + width]
        return code or self.code[place]

    def other(self, place: int, nameless: bool) -> list[int]:
        """Another one that does the same."""
        if place in self.pairs and self.rng.random() < 0.7:
            return self.plain(self.rng.choice(self.pairs[place]), nameless)
        return self.changed(place, nameless)

    def text(self, place: int) -> str:
        """What is written about it, or its name."""
        text = self.described[place]
        return text if text in self.text_rows and self.rng.random() < 0.8 else self.called[place]

    def renamed(self, code: list[int], text: list[int]) -> tuple[list[int], list[int]]:
        """Some words that a function and its text share replaced: what they mean then, only each other says."""
        shared = sorted(set(code) & set(text) - self.fixed)
        others = {row: self.rng.randrange(1, self.size) for row in shared if self.rng.random() < 0.7}
        return [others.get(row, row) for row in code], [others.get(row, row) for row in text]

    def shortened(self, text: str) -> list[int]:
        """The rows of a text, of its beginning, or of some of its words, as people ask in few words."""
        rows, rng = self.text_rows[text], self.rng
        chance = rng.random()
        if len(rows) < 6 or chance < 0.4:
            return rows
        if chance < 0.7:
            return rows[: rng.randrange(5, len(rows) + 1)]
        kept = rng.uniform(0.5, 0.9)
        return rows[:1] + ([row for row in rows[1:] if rng.random() < kept] or rows[1:])
