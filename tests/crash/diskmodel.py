"""
A disk that forgets: what a power cut may leave of recorded steps.

Implementation notes

- What was synced stays.  Of what was not, each entry of a folder is there or
  not, whatever became of the others; a rename inside a folder was made or not;
  one from folder to folder left the old name, both, or the new one.
- An unsynced file is as it was when it was last synced (empty, if never), as
  it is now, or cut in the middle of what is new; one that was appended to may
  have zeros instead.
- Databases are SQLite's own affair and stand outside: see ``replay``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from mailsuite.disksteps import (
    Committed,
    Created,
    Cut,
    FileSynced,
    FolderMade,
    FolderRemoved,
    FolderSynced,
    HardLinked,
    Linked,
    Opened,
    Renamed,
    Step,
    Timed,
    Unlinked,
    Written,
)


@dataclass(eq=False, slots=True)
class FileNode:
    """
    A file.

    :param now: its content.
    :param safe: its content when it was last synced.
    :param time: its modification time in nanoseconds, None if never set.
    :param inode: what tells it from others, whatever its names.
    """

    now: bytes = b""
    safe: bytes = b""
    time: int | None = None
    inode: int = field(default_factory=count().__next__)


@dataclass(eq=False, slots=True)
class FolderNode:
    """
    A folder.

    :param now: its entries.
    :param safe: its entries when it was last synced.
    :param pending: what changed since.
    """

    now: dict[str, Node] = field(default_factory=dict)
    safe: dict[str, Node] = field(default_factory=dict)
    pending: list[Change] = field(default_factory=list)


Node = FileNode | FolderNode


@dataclass(eq=False, slots=True)
class Move:
    """
    A rename from folder to folder, whose halves may part.
    """


@dataclass(eq=False, slots=True)
class Put:
    """
    An entry came.
    """

    name: str
    node: Node
    move: Move | None = None


@dataclass(eq=False, slots=True)
class Take:
    """
    An entry went.
    """

    name: str
    move: Move | None = None


@dataclass(eq=False, slots=True)
class Swap:
    """
    An entry got another name in the same folder.
    """

    old: str
    new: str
    node: Node


Change = Put | Take | Swap

#: What of an unsynced file's new octets is on the disk.
CONTENTS: tuple[Callable[[FileNode], bytes], ...] = (
    lambda file: file.safe,
    lambda file: file.now,
    lambda file: file.now[: (_common(file) + len(file.now)) // 2],
    lambda file: (
        file.now[: _common(file)] + bytes(max(len(file.now) - _common(file), 0))
    ),
)


@dataclass(frozen=True, slots=True)
class Left:
    """
    A file that is on the disk, under one of its names.
    """

    content: bytes
    time: int | None
    inode: int


#: A tree as it is on the disk, by paths; a folder is None.
Tree = dict[str, Left | None]


def _common(file: FileNode) -> int:
    """
    How many of the first octets are as when the file was last synced.
    """
    return len(os.path.commonprefix([file.safe, file.now]))


class DiskModel:
    """
    What is under one folder, kept as the steps are made.

    :param root: the folder; all of it is on the disk.
    :param outside: names that are not kept here.
    """

    def __init__(self, root: str, outside: Callable[[str], bool]) -> None:
        self._root_path = root
        self._outside = outside
        self._files: dict[int, FileNode] = {}
        self.root = self._read(root)

    def _read(self, path: str) -> FolderNode:
        folder = FolderNode()
        for entry in os.scandir(path):
            if entry.is_dir():
                folder.now[entry.name] = self._read(entry.path)
            elif not self._outside(entry.name):
                with open(entry.path, "rb") as file:
                    octets = file.read()
                folder.now[entry.name] = FileNode(
                    octets, octets, entry.stat().st_mtime_ns
                )
        folder.safe = dict(folder.now)
        return folder

    # Steps

    def make(self, step: Step) -> None:
        """
        Take a step over.
        """
        match step:
            case Created(number, path):
                node = self._files[number] = FileNode()
                if path is not None:
                    self._put(path, node)
            case Opened(number, path):
                opened = self._node(path)
                assert isinstance(opened, FileNode)
                self._files[number] = opened
            case Written(number, octets):
                self._files[number].now += octets
            case Cut(number, size):
                self._files[number].now = self._files[number].now[:size]
            case Timed(number, time):
                self._files[number].time = time
            case FileSynced(number):
                self._files[number].safe = self._files[number].now
            case FolderSynced(path):
                folder = self._folder(path)
                folder.safe = dict(folder.now)
                folder.pending.clear()
            case Committed():
                pass
            case _:
                self._make_name(step)

    def _make_name(self, step: Step) -> None:
        match step:
            case Linked(number, path):
                self._put(path, self._files[number])
            case HardLinked(source, path):
                self._put(path, self._node(source))
            case Renamed(old, new):
                self._rename(old, new)
            case Unlinked(path) | FolderRemoved(path):
                folder, name = self._place(path)
                if not self._outside(name):
                    del folder.now[name]
                    folder.pending.append(Take(name))
            case FolderMade(path):
                self._put(path, FolderNode())
            case _:
                raise AssertionError(step)

    def _rename(self, old: str, new: str) -> None:
        source, before = self._place(old)
        destination, after = self._place(new)
        node = source.now.pop(before)
        destination.now[after] = node
        if source is destination:
            source.pending.append(Swap(before, after, node))
        else:
            move = Move()
            destination.pending.append(Put(after, node, move))
            source.pending.append(Take(before, move))

    def _put(self, path: str, node: Node) -> None:
        folder, name = self._place(path)
        if not self._outside(name):
            folder.now[name] = node
            folder.pending.append(Put(name, node))

    def _place(self, path: str) -> tuple[FolderNode, str]:
        folder, name = os.path.split(path)
        return self._folder(folder), name

    def _folder(self, path: str) -> FolderNode:
        node = self._node(path)
        assert isinstance(node, FolderNode), path
        return node

    def _node(self, path: str) -> Node:
        node: Node = self.root
        inner = os.path.relpath(path, self._root_path)
        for name in [] if inner == "." else inner.split("/"):
            assert isinstance(node, FolderNode), path
            node = node.now[name]
        return node

    # After a power cut

    def doubts(self) -> list[Doubt]:
        """
        All that a power cut at this moment leaves to chance.
        """
        folders: list[FolderNode] = []
        files: list[FileNode] = []
        _collect(self.root, folders, files)
        changes = [change for folder in folders for change in folder.pending]
        halves: dict[Move, list[Change]] = {}
        doubts: list[Doubt] = []
        for change in changes:
            if isinstance(change, Put | Take) and change.move is not None:
                halves.setdefault(change.move, []).append(change)
            else:
                doubts.append(Doubt(2, change=change))
        for parts in halves.values():
            if len(parts) == 1:
                doubts.append(Doubt(2, change=parts[0]))
            else:
                put, take = sorted(parts, key=lambda x: isinstance(x, Take))
                doubts.append(Doubt(3, change=put, take=take))
        doubts += [
            Doubt(len(CONTENTS) if file.safe else len(CONTENTS) - 1, file=file)
            for file in files
            if file.now != file.safe
        ]
        return doubts

    def tree(self, doubts: Sequence[Doubt], chances: Sequence[int]) -> Tree:
        """
        What is on the disk if chance had it so.

        :param chances: for each doubt a number below its ``ways``.
        """
        made: set[int] = set()
        contents: dict[int, int] = {}
        for doubt, chance in zip(doubts, chances, strict=True):
            if doubt.file is not None:
                contents[id(doubt.file)] = chance
            else:
                if chance:
                    made.add(id(doubt.change))
                if chance == 2:
                    made.add(id(doubt.take))
        tree: Tree = {}
        _lay_out(self.root, "", tree, made, contents)
        return tree


@dataclass(frozen=True, eq=False, slots=True)
class Doubt:
    """
    Something that is on the disk in one of several ways.

    :param ways: how many there are; 0 is "as it was".
    """

    ways: int
    change: Change | None = None
    take: Change | None = None
    file: FileNode | None = None


def _collect(
    folder: FolderNode, folders: list[FolderNode], files: list[FileNode]
) -> None:
    """
    All that may be found below a folder.
    """
    if any(folder is known for known in folders):
        return
    folders.append(folder)
    nodes = [*folder.safe.values(), *folder.now.values()]
    nodes += [c.node for c in folder.pending if not isinstance(c, Take)]
    for node in nodes:
        if isinstance(node, FolderNode):
            _collect(node, folders, files)
        elif not any(node is known for known in files):
            files.append(node)


def _lay_out(
    folder: FolderNode,
    path: str,
    tree: Tree,
    made: set[int],
    contents: dict[int, int],
) -> None:
    entries = dict(folder.safe)
    for change in folder.pending:
        if id(change) not in made:
            continue
        match change:
            case Put(name, node):
                entries[name] = node
            case Take(name):
                entries.pop(name, None)
            case Swap(old, new, node):
                entries.pop(old, None)
                entries[new] = node
    for name, node in entries.items():
        inner = f"{path}/{name}" if path else name
        if isinstance(node, FolderNode):
            tree[inner] = None
            _lay_out(node, inner, tree, made, contents)
        else:
            way = contents.get(id(node), 1)
            tree[inner] = Left(CONTENTS[way](node), node.time, node.inode)
