"""
The kernel's news of folders: who came, went or got another name.

Implementation notes

- Twisted's ``INotify`` is not used: it drops the kernel's word that news were
  lost, and gives up all its watches when one watched folder is removed.
- A watch belongs to the folder itself, not to its name: it goes on when a
  mailbox is renamed.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

_IN_MOVED_FROM = 0x40
_IN_MOVED_TO = 0x80
_IN_CREATE = 0x100
_IN_DELETE = 0x200
_IN_Q_OVERFLOW = 0x4000
_IN_IGNORED = 0x8000
_IN_ONLYDIR = 0x01000000

_NAMES_CHANGE = (
    _IN_CREATE | _IN_DELETE | _IN_MOVED_FROM | _IN_MOVED_TO | _IN_ONLYDIR
)
_EVENT = struct.Struct("=iIII")
_READ_OCTETS = 65536


@implementer(IReadDescriptor)
class FolderNews:
    """
    One inotify instance.

    :param changed: called with a watch's number when names in its folder
        have changed.
    :param gone: called with the number of a watch that has ended, as its
        folder was removed.
    :param lost: called when news were lost.
    :raises OSError: the system has none, or gives no more of them.
    """

    def __init__(
        self,
        reactor: IReactorFDSet,
        *,
        changed: Callable[[int], None],
        gone: Callable[[int], None],
        lost: Callable[[], None],
    ) -> None:
        self._reactor = reactor
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._changed = changed
        self._gone = gone
        self._lost = lost
        self._descriptor = self._call(
            "inotify_init1", os.O_NONBLOCK | os.O_CLOEXEC
        )
        reactor.addReader(self)

    def watch(self, folder: str) -> int:
        """
        Tell of changes of the names in a folder.

        :return: the watch's number; the same as before for the same folder.
        :raises OSError: it is no folder, or there are too many watches.
        """
        return self._call(
            "inotify_add_watch",
            self._descriptor,
            os.fsencode(folder),
            _NAMES_CHANGE,
        )

    def unwatch(self, number: int) -> None:
        """
        End a watch that has not ended.
        """
        self._call("inotify_rm_watch", self._descriptor, number)

    def close(self) -> None:
        """
        End all watches.
        """
        self._reactor.removeReader(self)
        os.close(self._descriptor)

    def fileno(self) -> int:
        """
        For the reactor.  (Name and case are Twisted's.)
        """
        return self._descriptor

    def doRead(self) -> None:
        """
        There is news.
        """
        # The kernel hands out whole events only.
        self._tell(os.read(self._descriptor, _READ_OCTETS))

    def connectionLost(self, reason: Failure) -> None:
        """
        The reactor stops.  (Name and case are Twisted's.)
        """

    def logPrefix(self) -> str:
        """
        For the reactor.  (Name and case are Twisted's.)
        """
        return "inotify"

    def _tell(self, octets: bytes) -> None:
        at = 0
        while at < len(octets):
            number, mask, _, length = _EVENT.unpack_from(octets, at)
            at += _EVENT.size + length
            if mask & _IN_Q_OVERFLOW:
                self._lost()
            elif mask & _IN_IGNORED:
                self._gone(number)
            else:
                self._changed(number)

    def _call(self, name: str, *given: int | bytes) -> int:
        function = getattr(self._libc, name, None)
        if function is None:
            raise OSError(f"no {name} here")
        result = int(function(*given))
        if result < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return result
