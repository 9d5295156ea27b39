"""
Recording what the queue does, and starting from what each crash leaves of it.

Implementation notes

- A state is a tree of files, as ``DiskModel`` has it, with the index as of one
  of its commits, absent, or garbage; the history is absent.
- What is promised and what is known is noted between the steps: a message that
  was answered for, a copy that a host or an account took, an outcome that was
  recorded.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from math import prod
from random import Random

from mailsuite.disk import Disk
from mailsuite.disksteps import Committed, Step
from tests.crash.diskmodel import DiskModel, Left, Tree
from tests.support.queueing import Queueing

STATES = int(os.environ.get("MAILSUITE_CRASH_STATES", "24"))

_INDEX = "queue/index.sqlite3"
_GARBAGE = b"SQLite format 3\0" + bytes(range(256)) * 16


@dataclass(frozen=True, slots=True)
class Promised:
    """
    Success was answered: this copy reaches its recipient, or its sender is
    told.

    :param copy: address and message.
    """

    copy: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Taken:
    """
    Somebody has the copy.
    """

    copy: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Settled:
    """
    The queue knows for good that a copy was taken, or was given up.
    """

    copy: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Forgone:
    """
    The operator wants a copy no more.
    """

    copy: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Named:
    """
    The log has named a message with an id of this shard.
    """

    shard: str


Note = Promised | Taken | Settled | Forgone | Named


@dataclass(slots=True)
class Known:
    """
    What the world knows at a moment.
    """

    promised: set[tuple[str, str]] = field(default_factory=set)
    taken: set[tuple[str, str]] = field(default_factory=set)
    settled: set[tuple[str, str]] = field(default_factory=set)
    shards: set[str] = field(default_factory=set)

    def learn(self, note: Note) -> None:
        """
        Know one thing more.
        """
        match note:
            case Promised(copy):
                self.promised.add(copy)
            case Taken(copy):
                self.taken.add(copy)
            case Settled(copy):
                self.settled.add(copy)
            case Forgone(copy):
                self.promised.remove(copy)
            case Named(shard):
                self.shards.add(shard)


@dataclass
class Recording:
    """
    What happens in a folder, in order.
    """

    root: str
    steps: list[Step | Note] = field(default_factory=list)
    _indexes: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.model = DiskModel(self.root, _is_database)
        self.mail = Queueing(os.path.join(self.root, "queue"), Disk(self._take))

    def _take(self, step: Step) -> None:
        if isinstance(step, Committed) and step.path.endswith(_INDEX):
            self._indexes[len(self.steps)] = _database(step.path)
        self.steps.append(step)

    def states(self) -> Iterator[tuple[Known, Tree, bytes | None]]:
        """
        What a crash at each point leaves: what is known, the files, and the
        index.
        """
        known = Known()
        indexes: list[bytes] = []
        for point in range(len(self.steps) + 1):
            for number, tree in enumerate(self._trees(point)):
                for index in _indexes_beside(tree, indexes, number):
                    yield known, tree, index
            if point == len(self.steps):
                return
            match self.steps[point]:
                case (
                    Promised() | Taken() | Settled() | Forgone() | Named()
                ) as note:
                    known.learn(note)
                case step:
                    self.model.make(step)
            if point in self._indexes:
                indexes.append(self._indexes[point])

    def _trees(self, point: int) -> Iterator[Tree]:
        doubts = self.model.doubts()
        ways = [doubt.ways for doubt in doubts]
        if prod(ways) <= STATES:
            chances = list(product(*(range(x) for x in ways)))
        else:
            pick = Random(point)
            chances = [
                tuple(pick.randrange(x) for x in ways) for _ in range(STATES)
            ]
            chances.append(tuple(0 for _ in ways))
            chances.append(tuple(x - 1 for x in ways))
        for chance in dict.fromkeys(chances):
            yield self.model.tree(doubts, chance)


def lay_out(root: str, tree: Tree, index: bytes | None) -> None:
    """
    Make it so below ``root``; a mark that the index was closed names the
    index that is laid out.
    """
    os.mkdir(root)
    made: dict[int, str] = {}
    for path, left in tree.items():
        there = f"{root}/{path}"
        if left is None:
            os.mkdir(there)
        elif left.inode in made:
            os.link(made[left.inode], there)
        else:
            made[left.inode] = there
            _write(there, left.content)
    if index is not None and os.path.isdir(f"{root}/queue"):
        there = f"{root}/{_INDEX}"
        _write(there, index)
        if _mark(tree) is not None:
            inode = os.stat(there).st_ino
            _write(f"{root}/queue/clean", b"%d\n" % inode)


def _indexes_beside(
    tree: Tree, indexes: list[bytes], number: int
) -> list[bytes | None]:
    """
    The indexes that may be found beside these files; of earlier ones each has
    its turn.
    """
    if _mark(tree) is not None:
        # Closed in order, so it is durable as it was then.
        return [indexes[-1] if indexes else None]
    found: list[bytes | None] = [(None, _GARBAGE)[number % 2]]
    if indexes:
        found.append(indexes[-1 - number % len(indexes)])
    return found


def _mark(tree: Tree) -> Left | None:
    """
    The mark that the index was closed, if it is whole.
    """
    mark = tree.get("queue/clean")
    return mark if mark is not None and mark.content.endswith(b"\n") else None


def _is_database(name: str) -> bool:
    return ".sqlite3" in name


def _database(path: str) -> bytes:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return database.serialize()
    finally:
        database.close()


def _write(path: str, octets: bytes) -> None:
    with open(path, "wb") as file:
        file.write(octets)
