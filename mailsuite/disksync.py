"""
Syncs of many threads, made together.

Implementation notes

- Who comes while a round of syncs runs waits for the next round, and one of
  those that wait makes it for all.
- A round of several files is one syncfs.  That tells of errors since Linux
  5.8, once, and to a descriptor that is older than the write: one is kept open
  for each file system.
- A failed sync is never tried again.  On ext4, xfs and btrfs the next one
  says "ok" over data that is lost.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from threading import Condition
from typing import NamedTuple

#: A round with more descriptors than this is one syncfs.
FEW = 3

#: SYNC_FILE_RANGE_WRITE
_WRITE = 2

_libc = ctypes.CDLL(None, use_errno=True)

#: File systems whose syncfs is known to tell of errors, by statfs's f_type:
#: ext4, xfs, btrfs.
_SYNCFS_TELLS = frozenset({0xEF53, 0x58465342, 0x9123683E})


class Wanted(NamedTuple):
    """
    One descriptor to sync, with its content alone or with its inode.
    """

    descriptor: int
    data_only: bool


class _Round:
    """
    The syncs that are made together, and how that ended.
    """

    __slots__ = ("done", "failure", "wanted")

    def __init__(self) -> None:
        self.wanted: list[Wanted] = []
        self.done = False
        self.failure: OSError | None = None


class FileSystem:
    """
    One mounted file system, whose syncs are made in rounds.
    """

    def __init__(self, folder: str) -> None:
        self.descriptor = os.open(
            folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        )
        self._whole = _syncfs_tells(self.descriptor)
        self._turn = Condition()
        self._running = False
        self._next = _Round()

    def sync(self, wanted: Sequence[Wanted]) -> None:
        """
        On return all of ``wanted`` is durable.

        :raises OSError: the whole round failed, and nothing is known of any
            of its files.
        """
        with self._turn:
            mine = self._next
            mine.wanted.extend(wanted)
            while self._running and not mine.done:
                self._turn.wait()
            leading = not mine.done
            if leading:
                self._running = True
                self._next = _Round()
        if leading:
            self._lead(mine)
        if mine.failure is not None:
            raise OSError(
                mine.failure.errno, os.strerror(mine.failure.errno or 0)
            ) from mine.failure

    def _lead(self, mine: _Round) -> None:
        try:
            self._make_durable(mine.wanted)
        except OSError as failure:
            mine.failure = failure
        finally:
            with self._turn:
                mine.done = True
                self._running = False
                self._turn.notify_all()

    def _make_durable(self, wanted: list[Wanted]) -> None:
        if self._whole and len(wanted) > FEW:
            _syncfs(self.descriptor)
            return
        for descriptor, data_only in wanted:
            if data_only:
                os.fdatasync(descriptor)
            else:
                os.fsync(descriptor)


def start_write_back(descriptor: int) -> None:
    """
    Begin to write out a file's content without waiting for it; a failure is
    told by the sync that follows.
    """
    _libc.sync_file_range(
        descriptor, ctypes.c_int64(0), ctypes.c_int64(0), _WRITE
    )


def _syncfs(descriptor: int) -> None:
    if _libc.syncfs(descriptor) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _syncfs_tells(descriptor: int) -> bool:
    """
    Whether syncfs on this file system tells of every error.
    """
    release = os.uname().release.split(".")
    if tuple(int(part) for part in release[:2] if part.isdigit()) < (5, 8):
        return False
    answer = (ctypes.c_long * 64)()
    if _libc.fstatfs(descriptor, answer) != 0:
        return False
    return int(answer[0]) in _SYNCFS_TELLS
