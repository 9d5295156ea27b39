"""
The lock file beside ``dovecot-uidlist``, which Dovecot honours as we do.

Implementation notes

- It holds ``pid:host``.  One of this host whose process is gone is removed,
  and so is one with our own pid that we do not hold: after a restart in a
  container the pid is often the same.  That of a live process is honoured.
- One that names no process, or one of another host, is removed if it has not
  been touched for two minutes, as Dovecot does.
- Blocking, like all in the store that touches files; waits are short.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock

from mailsuite.disk import Disk
from mailsuite.errors import StoreBusy

#: Seconds after which a lock is stale whose holder cannot be asked for.
_STALE = 120.0

#: Seconds between two looks at a lock that somebody holds.
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Held:
    """
    A lock that is ours.
    """

    path: str
    identity: tuple[int, int]

    def check(self) -> None:
        """
        Make sure that nobody took the lock away; before each write.

        :raises StoreBusy: somebody did.
        """
        if not self.is_ours():
            raise StoreBusy

    def is_ours(self) -> bool:
        """
        Whether the file is the one that we made.
        """
        try:
            return _identity(os.stat(self.path)) == self.identity
        except FileNotFoundError:
            return False


def _identity(status: os.stat_result) -> tuple[int, int]:
    """
    What tells a lock file from a later one, which may have its inode.
    """
    return status.st_ino, status.st_mtime_ns


class Dotlocks:
    """
    All lock files of this process.

    :param seconds: the clock, since 1970.
    :param sleep: waits that many seconds.
    """

    def __init__(
        self,
        disk: Disk,
        seconds: Callable[[], float],
        sleep: Callable[[float], None],
        host: str | None = None,
    ) -> None:
        self._disk = disk
        self._seconds = seconds
        self._sleep = sleep
        self._host = host or socket.gethostname()
        self._held: set[str] = set()
        self._guard = Lock()

    @contextmanager
    def hold(self, path: str, patience: float) -> Iterator[Held]:
        """
        Hold the lock at ``path``.

        :param patience: seconds to wait for its holder; 0 is not at all.
        :raises StoreBusy: the holder outlasted that.
        """
        held = self._take(path, patience)
        try:
            yield held
        finally:
            with self._guard:
                self._held.discard(path)
            if held.is_ours():
                with suppress(FileNotFoundError):
                    self._disk.unlink(path)

    def _take(self, path: str, patience: float) -> Held:
        waited = 0.0
        while True:
            held = self._try(path)
            if held is not None:
                return held
            if self._remove_stale(path):
                continue
            if waited >= patience:
                raise StoreBusy
            self._sleep(_PAUSE)
            waited += _PAUSE

    def _try(self, path: str) -> Held | None:
        with self._guard:
            if path in self._held:
                return None
            with self._disk.create(os.path.dirname(path)) as file:
                file.write(f"{os.getpid()}:{self._host}".encode())
                try:
                    self._disk.link(file, path)
                except FileExistsError:
                    return None
                self._held.add(path)
                return Held(path, _identity(os.fstat(file.descriptor)))

    def _remove_stale(self, path: str) -> bool:
        """
        Remove the lock if nobody holds it.

        :return: whether it is worth trying at once.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        # While the file is open, no other has its inode.
        try:
            status = os.fstat(descriptor)
            holder = os.read(descriptor, 1024)
            if not self._is_stale(path, holder, status.st_mtime):
                return False
            return self._move_away(path, status.st_ino)
        finally:
            os.close(descriptor)

    def _is_stale(self, path: str, holder: bytes, touched: float) -> bool:
        pid, _, host = holder.decode("utf-8", "replace").partition(":")
        if not (host == self._host and pid.isascii() and pid.isdigit()):
            return self._seconds() - touched > _STALE
        if int(pid) == os.getpid():
            return path not in self._held
        try:
            os.kill(int(pid), 0)
        except (ProcessLookupError, OverflowError):
            return True
        except PermissionError:
            return False
        return False

    def _move_away(self, path: str, inode: int) -> bool:
        """
        Remove the stale lock, but not one that took its place meanwhile.
        """
        aside = f"{path}.{os.getpid()}.stale"
        try:
            self._disk.rename(path, aside)
        except FileNotFoundError:
            return True
        if os.stat(aside).st_ino != inode:
            with suppress(FileExistsError):
                self._disk.hard_link(aside, path)
        self._disk.unlink(aside)
        return True
