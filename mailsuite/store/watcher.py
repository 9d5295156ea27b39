"""
Notices what other programs do in maildirs that somebody has open.

Implementation notes

- All watches share one inotify instance, of which a user gets 128 by default.
- Many changes at once are one call: a program that delivers a hundred
  messages makes a mailbox look a few times, not a hundred.
- Without inotify, or beyond its limit of watches, mailboxes are still looked
  at when they are selected; only news from outside come later.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from mailsuite.store.inotify import FolderNews

#: Changes within so many seconds are one call.
_GATHERED_SECONDS = 0.02

_FOLDERS = ("new", "cur")

_Callback = Callable[[], None]


class _Watch:
    """
    One caller's interest in one mailbox.
    """

    __slots__ = ("callback", "numbers")

    def __init__(self, callback: _Callback) -> None:
        self.callback = callback
        self.numbers: set[int] = set()


class Watcher:
    """
    Tells of changes in the folders of mailboxes.

    :param reactor: provides IReactorFDSet and IReactorTime; there is no one
        interface of Twisted's for both, hence Any.
    """

    _log = Logger()

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._news: FolderNews | None = None
        self._watches: dict[int, set[_Watch]] = {}
        self._pending: set[_Watch] = set()
        self._timer: IDelayedCall | None = None
        self._told_of_failure = False

    def watch(self, folder: str, callback: _Callback) -> _Callback:
        """
        Call ``callback`` some time after names in a maildir's ``new`` or
        ``cur`` have changed, by us or by others, until the result is called.

        It is called in the reactor's thread, and must not wait or raise.
        """
        watch = _Watch(callback)
        try:
            news = self._opened()
            for name in _FOLDERS:
                number = news.watch(os.path.join(folder, name))
                self._watches.setdefault(number, set()).add(watch)
                watch.numbers.add(number)
        except OSError as error:
            self._tell_of_failure(folder, error)
        return lambda: self._unwatch(watch)

    def stop(self) -> None:
        """
        Tell of nothing more, and close everything.
        """
        self._watches.clear()
        self._pending.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._news is not None:
            self._news.close()
            self._news = None

    def _opened(self) -> FolderNews:
        if self._news is None:
            self._news = FolderNews(
                self._reactor,
                changed=self._changed,
                gone=self._gone,
                lost=self._lost,
            )
        return self._news

    def _unwatch(self, watch: _Watch) -> None:
        self._pending.discard(watch)
        for number in watch.numbers:
            watches = self._watches.get(number, set())
            watches.discard(watch)
            if not watches and self._watches.pop(number, None) is not None:
                assert self._news is not None
                self._news.unwatch(number)
        watch.numbers.clear()

    # What the kernel tells

    def _changed(self, number: int) -> None:
        self._call_soon(self._watches.get(number, set()))

    def _gone(self, number: int) -> None:
        self._call_soon(self._watches.pop(number, set()))

    def _lost(self) -> None:
        self._log.warn("Changes in maildirs were missed; looking at all")
        for watches in self._watches.values():
            self._call_soon(watches)

    def _call_soon(self, watches: set[_Watch]) -> None:
        self._pending |= watches
        if self._pending and self._timer is None:
            self._timer = self._reactor.callLater(_GATHERED_SECONDS, self._call)

    def _call(self) -> None:
        self._timer = None
        pending, self._pending = self._pending, set()
        for watch in pending:
            with self._log.failuresHandled("Looking at a changed maildir"):
                watch.callback()

    def _tell_of_failure(self, folder: str, error: OSError) -> None:
        """
        Once is enough: the limit that was met will be met again.
        """
        if error.errno == errno.ENOENT or self._told_of_failure:
            return
        self._told_of_failure = True
        self._log.warn(
            "Changes in {folder} and others made by other programs are"
            " noticed only when a mailbox is selected: {reason}",
            folder=folder,
            reason=error.strerror or str(error),
        )
