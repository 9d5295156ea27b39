"""
A folder's ``dovecot-uidlist`` on the disk: read again when it changed, locked,
appended to, written anew.

Implementation notes

- A UID is given by its line: only once that is durable may anybody hear of it.
- One bad line and Dovecot throws the list away.  A failed append is cut back,
  or else the list is written to a new file, before anything else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from mailsuite.disk import Disk, as_mail_error
from mailsuite.store.dotlock import Dotlocks, Held
from mailsuite.store.uidlist import (
    LOCK,
    NAME,
    Line,
    UIDList,
    parse,
    parse_appended,
)

#: How long an append waits for another program's lock, in seconds.
PATIENCE = 10.0


class UIDs:
    """
    The list of one folder.

    :param path: of the folder.
    :ivar uidnext: above every UID in the list as it was last read.
    """

    def __init__(self, path: str, disk: Disk, dotlocks: Dotlocks) -> None:
        self._path = f"{path}/{NAME}"
        self._lock = f"{path}/{LOCK}"
        self._disk = disk
        self._dotlocks = dotlocks
        self._inode = 0
        self._size = 0
        self._held: Held | None = None
        self.uidnext = 1

    @property
    def stamp(self) -> str:
        """
        What of the file has been read.
        """
        return f"{self._inode}:{self._size}"

    @property
    def size(self) -> int:
        """
        Octets of the file that were read.
        """
        return self._size

    def trust(self, stamp: str, uidnext: int) -> None:
        """
        Take what was read earlier for granted.
        """
        inode, _, size = stamp.partition(":")
        if size.isdigit() and inode.isdigit():
            self._inode, self._size = int(inode), int(size)
            self.uidnext = uidnext

    def distrust(self) -> None:
        """
        Read the whole file at the next look.
        """
        self._inode = self._size = 0

    def unchanged(self) -> bool:
        """
        Whether the file is as it was when it was read.
        """
        return self._stat() == (self._inode, self._size)

    def _stat(self) -> tuple[int, int]:
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return 0, 0
        return status.st_ino, status.st_size

    @contextmanager
    def locked(self) -> Iterator[None]:
        """
        Nobody else changes the list meanwhile.

        :raises StoreBusy: somebody held it too long.
        :raises StoreFull, StoreUnavailable: no lock can be made.
        """
        if self._held is not None:
            yield
            return
        with ExitStack() as locks:
            try:
                self._held = locks.enter_context(
                    self._dotlocks.hold(self._lock, PATIENCE)
                )
            except OSError as error:
                raise as_mail_error(error) from error
            try:
                yield
            finally:
                self._held = None

    def appended(self) -> list[Line] | None:
        """
        Lines that others added since it was read; None if it must be read
        whole.
        """
        inode, size = self._stat()
        if inode != self._inode or size < self._size or not inode:
            return None
        if size == self._size:
            return []
        with open(self._path, "rb") as file:
            file.seek(self._size)
            octets = file.read(size - self._size)
        lines = parse_appended(octets, self.uidnext - 1)
        if lines is not None:
            self._size += len(octets)
            if lines:
                self.uidnext = lines[-1].uid + 1
        return lines

    def read(self) -> tuple[UIDList | None, tuple[str, ...]]:
        """
        The whole list, None if there is none that can be used; and what is
        wrong with it.
        """
        try:
            with open(self._path, "rb") as file:
                inode = os.fstat(file.fileno()).st_ino
                octets = file.read()
        except FileNotFoundError:
            return None, ()
        parsed = parse(octets)
        if parsed.uids is not None and not parsed.faults:
            self._inode, self._size = inode, len(octets)
        if parsed.uids is not None:
            self.uidnext = max(self.uidnext, parsed.uids.uidnext)
        return parsed.uids, parsed.faults

    def append(self, lines: Sequence[Line]) -> None:
        """
        Give UIDs; durable on return.  Under the lock only.

        :raises OSError: none was given.
        """
        assert self._held is not None
        self._held.check()
        octets = b"".join([line.printed() for line in lines])
        try:
            self._disk.append(self._path, octets)
        except OSError:
            self._mend()
            raise
        self._size += len(octets)
        self.uidnext = lines[-1].uid + 1

    def rewrite(self, uids: UIDList) -> None:
        """
        Write the list anew; durable on return.  Under the lock only.
        """
        assert self._held is not None
        self._held.check()
        # N is never lowered.
        uids.uidnext = max(uids.uidnext, self.uidnext)
        self._disk.replace(self._path, uids.printed())
        self._inode, self._size = self._stat()
        self.uidnext = uids.uidnext

    def _mend(self) -> None:
        """
        Write the list to a new file, as it was before an append that failed.
        """
        with open(self._path, "rb") as file:
            octets = file.read(self._size)
        self._disk.replace(self._path, octets)
        self._inode, self._size = self._stat()
