"""
An account's modseqs: one rising row of numbers that survives the index.

Implementation notes

- A modseq is the clock's microseconds since 1970, or one more than the last.
  The clock also serves a tree that comes from elsewhere, or from a backup,
  whose clients hold numbers that we know nothing of.
- All are below the ceiling, a number in a file of its own that is raised,
  durably, before it is reached: where the index was lost, or may have lost its
  last commits, the row goes on at the ceiling.
- The mark ``clean`` says that the index is whole: it is there only while
  nothing has changed since an orderly close.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from mailsuite.disk import Disk
from mailsuite.mail.uids import ModSeq

#: How far ahead the ceiling is raised: a day, in microseconds.
AHEAD = 86_400_000_000


class ModSeqs:
    """
    The modseqs of one account.

    :param path: of the file with the ceiling.
    :param clock: seconds since 1970.
    """

    def __init__(
        self, path: str, disk: Disk, clock: Callable[[], float]
    ) -> None:
        self._path = path
        self._disk = disk
        self._clock = clock
        self.last = 0
        self._ceiling = 0

    def start(self, last: int, *, certain: bool) -> None:
        """
        Go on after ``last``; at the ceiling if that is not certain to be the
        last modseq that was told.
        """
        self._ceiling = self._read() or 0
        self.last = last if certain else max(last, self._ceiling)
        if self._ceiling <= max(self.last, 1):
            # On a full disk mail can still be read: it is raised when the
            # first change needs it.
            with suppress(OSError):
                self._raise_above(max(self.last, self._now()))

    def next(self) -> ModSeq:
        """
        A modseq above all before it.
        """
        modseq = max(self.last + 1, self._now())
        if modseq >= self._ceiling:
            self._raise_above(modseq)
        self.last = modseq
        return ModSeq(modseq)

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)

    def _raise_above(self, modseq: int) -> None:
        # Another process may have raised it higher.
        ceiling = max(modseq + AHEAD, self._read() or 0)
        self._disk.replace(self._path, b"%d\n" % ceiling)
        self._ceiling = ceiling

    def _read(self) -> int | None:
        return read_number(self._path)


def read_number(path: str) -> int | None:
    """
    The number that a file consists of, None if there is none.
    """
    try:
        with open(path, "rb") as file:
            return int(file.read(32))
    except (FileNotFoundError, ValueError):
        return None


class CleanMark:
    """
    The file that says that an index was closed in order.
    """

    def __init__(self, path: str, disk: Disk) -> None:
        self._path = path
        self._disk = disk

    def matches(self, modseq: int, inode: int) -> bool:
        """
        Whether this index is the one that was closed, with nothing missing.
        """
        try:
            with open(self._path, "rb") as file:
                return file.read(64).split() == [
                    b"%d" % modseq,
                    b"%d" % inode,
                ]
        except FileNotFoundError:
            return False

    def write(self, modseq: int, inode: int) -> None:
        """
        Say that the index is whole; durable on return.
        """
        self._disk.replace(self._path, b"%d %d\n" % (modseq, inode))

    def remove(self) -> None:
        """
        Say so no more; durable on return.
        """
        if not os.path.exists(self._path):
            return
        with suppress(FileNotFoundError):
            self._disk.unlink(self._path)
            self._disk.sync(folders=[os.path.dirname(self._path)])
