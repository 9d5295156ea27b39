"""
Recording a step of the real store, and opening what each crash leaves of it.

Implementation notes

- A crash point is a place in the record; for each, chance decides what of the
  unsynced is on the disk, and which commits of the index are.  All ways are
  tried if they are few, else the extremes, each doubt alone, and a sample,
  the same in every run.
- A settings database is durable at its commits; an index is as of now, as of
  an earlier commit, absent, or garbage.
- States that were seen already, with the same promises due, are not opened
  again, and count once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from random import Random

from mailsuite.disksteps import Committed, Step
from tests.crash.diskmodel import DiskModel, Tree
from tests.crash.running import Running

_DATABASES = (".sqlite3", ".sqlite3-wal", ".sqlite3-shm", ".sqlite3-journal")
_GARBAGE = b"SQLite format 3\0" + bytes(range(256)) * 16


@dataclass(frozen=True, slots=True)
class Answered:
    """
    A client was given its answer.
    """


@dataclass(slots=True)
class Record:
    """
    What happened, in order, on top of what was on the disk.

    :param forgets: steps that are not kept.
    :param commits: the database after each ``Committed``, by its place.
    """

    forgets: Callable[[Step], bool]
    steps: list[Step | Answered] = field(default_factory=list)
    commits: dict[int, bytes] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        """
        Be told of a step.
        """
        if self.forgets(step):
            return
        if isinstance(step, Committed):
            self.commits[len(self.steps)] = _database(step.path)
        self.steps.append(step)


def _database(path: str) -> bytes:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return database.serialize()
    finally:
        database.close()


@dataclass(frozen=True, slots=True)
class CrashState:
    """
    One thing that a crash may leave.

    :param databases: by path, None is absent.
    :param kept_index: paths of indexes that are commits of their own.
    """

    point: int
    answered: bool
    tree: Tree
    databases: dict[str, bytes | None]
    kept_index: frozenset[str]

    def digest(self) -> bytes:
        """
        The same for states that cannot be told apart.
        """
        result = hashlib.sha256(b"1" if self.answered else b"0")
        inodes: dict[int, int] = {}
        for path, left in sorted(self.tree.items()):
            result.update(path.encode() + b"\0")
            if left is not None:
                inode = inodes.setdefault(left.inode, len(inodes))
                result.update(b"%d %d " % (inode, len(left.content)))
                result.update(left.content)
        for path, octets in sorted(self.databases.items()):
            result.update(path.encode() + b"\0" + (octets or b"-"))
        return result.digest()

    def lay_out(self, root: str, inodes: dict[str, int]) -> None:
        """
        Make it so below ``root``.

        :param inodes: of the indexes when they were recorded, by path: a mark
            that names one of these names its copy.
        """
        os.mkdir(root)
        made: dict[int, str] = {}
        for path, left in self.tree.items():
            there = f"{root}/{path}"
            if left is None:
                os.mkdir(there)
            elif left.inode in made:
                os.link(made[left.inode], there)
            else:
                made[left.inode] = there
                with open(there, "wb") as file:
                    file.write(left.content)
                if left.time is not None:
                    os.utime(there, ns=(left.time, left.time))
        for path, octets in self.databases.items():
            there = f"{root}/{path}"
            if octets is not None and os.path.isdir(os.path.dirname(there)):
                with open(there, "wb") as file:
                    file.write(octets)
        for path in self.kept_index & inodes.keys():
            self._name_copy(root, path, inodes[path])

    def _name_copy(self, root: str, path: str, inode: int) -> None:
        mark = f"{root}/{os.path.dirname(path)}/clean"
        if not os.path.exists(mark):
            return
        with open(mark, "rb") as file:
            words = file.read().split()
        if words[1:] == [b"%d" % inode]:
            copy = os.stat(f"{root}/{path}").st_ino
            with open(mark, "wb") as file:
                file.write(words[0] + b" %d\n" % copy)


class Recording:
    """
    A step of the store, recorded from a closed folder to a closed folder.

    :param root: the folder; its databases are closed, or broken.
    :param operate: makes the step; its end is the answer.
    :param forgets: steps that are made, and not recorded.
    """

    def __init__(
        self,
        root: str,
        operate: Callable[[Running], None],
        forgets: Callable[[Step], bool],
    ) -> None:
        self._root = root
        self._model = DiskModel(root, _is_database)
        self._databases: dict[str, list[bytes | None]] = {}
        self.inodes: dict[str, int] = {}
        for folder, _, files in os.walk(root):
            for name in files:
                if name.endswith(".sqlite3"):
                    path = os.path.join(folder, name)
                    inner = os.path.relpath(path, root)
                    with open(path, "rb") as file:
                        self._databases[inner] = [file.read()]
                    self.inodes[inner] = os.stat(path).st_ino
        self._record = Record(forgets)
        running = Running(root, self._record.take)
        operate(running)
        self._record.steps.append(Answered())
        running.close()

    @property
    def points(self) -> int:
        """
        How many crash points there are: before, between and after the steps.
        """
        return len(self._record.steps) + 1

    def states(self, most_a_point: int) -> Iterator[CrashState]:
        """
        What a crash before and after each step may leave.

        :param most_a_point: states for one crash point.
        """
        seen: set[bytes] = set()
        answered = False
        for point in range(len(self._record.steps) + 1):
            for state in self._at(point, answered, most_a_point):
                digest = state.digest()
                if digest not in seen:
                    seen.add(digest)
                    yield state
            if point < len(self._record.steps):
                step = self._record.steps[point]
                if isinstance(step, Answered):
                    answered = True
                else:
                    self._make(point, step)

    def _make(self, point: int, step: Step) -> None:
        self._model.make(step)
        if isinstance(step, Committed):
            inner = os.path.relpath(step.path, self._root)
            versions = self._databases.setdefault(inner, [None])
            versions.append(self._record.commits[point])
            if not _is_index(inner):
                del versions[:-1]

    def _at(
        self, point: int, answered: bool, most: int
    ) -> Iterator[CrashState]:
        doubts = self._model.doubts()
        indexes = [path for path in self._databases if _is_index(path)]
        ways = [doubt.ways for doubt in doubts]
        ways += [len(self._databases[path]) + 2 for path in indexes]
        for chances in _chances(ways, most, Random(point)):
            tree = self._model.tree(doubts, chances[: len(doubts)])
            databases = {
                path: versions[-1]
                for path, versions in self._databases.items()
                if not _is_index(path)
            }
            kept = set()
            for path, chance in zip(
                indexes, chances[len(doubts) :], strict=True
            ):
                # The highest chance is as of now, the lowest is the earliest.
                versions = [None, _GARBAGE, *self._databases[path]]
                databases[path] = versions[chance]
                if chance >= 2:
                    kept.add(path)
            yield CrashState(point, answered, tree, databases, frozenset(kept))


def _is_database(name: str) -> bool:
    return name.endswith(_DATABASES) or name.endswith(".lock")


def _is_index(path: str) -> bool:
    return os.path.basename(path) == "index.sqlite3"


def _chances(
    ways: Sequence[int], most: int, random: Random
) -> Iterator[tuple[int, ...]]:
    """
    Numbers below each of ``ways``: all combinations if they are no more than
    ``most``, else a choice of them.
    """
    if prod(ways) <= most:
        yield from product(*(range(x) for x in ways))
        return
    none = tuple(0 for _ in ways)
    every = tuple(x - 1 for x in ways)
    chosen = dict.fromkeys([none, every])
    for place in range(len(ways)):
        chosen[*none[:place], every[place], *none[place + 1 :]] = None
        chosen[*every[:place], none[place], *every[place + 1 :]] = None
    wanted = list(chosen)
    if len(wanted) > most:
        wanted = wanted[:2] + random.sample(wanted[2:], most - 2)
    yield from wanted
    for _ in range(most - len(wanted)):
        yield tuple(random.randrange(x) for x in ways)


def forget(root: str) -> None:
    """
    Remove a folder with all in it.
    """
    shutil.rmtree(root)
