"""
The queue's index and history as the reactor's thread sees them.

Implementation notes

- Changes are gathered for a second and written together; what comes and goes
  in between is never written.
- A database that fails is deleted: the index is made again from the entries
  (see ``recovery``), the history begins anew.  Mail goes on meanwhile.
- ``FOLDER/clean`` says that the index was closed in order, and by its inode
  which one.  It goes before anything is changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from mailsuite.disk import Disk
from mailsuite.transfer.database import DatabaseLost
from mailsuite.transfer.history import Ended, History
from mailsuite.transfer.index import Index, Listed
from mailsuite.transfer.threads import InPool

T = TypeVar("T")

#: How long changes wait for others, seconds.
_GATHERED = 1.0

#: Changes that wait at most.
_MOST_WAITING = 2000


class Ledger:
    """
    What waits, and what became of the rest.
    """

    _log = Logger()

    def __init__(
        self, disk: Disk, folder: str, clock: IReactorTime, in_pool: InPool
    ) -> None:
        self._disk = disk
        self._folder = folder
        self._clock = clock
        self._in_pool = in_pool
        self._index: Index | None = None
        self._history: History | None = None
        self._rows: dict[str, Listed | None] = {}
        self._arrived: set[str] = set()
        self._ended: list[Ended] = []
        self._timer: IDelayedCall | None = None
        self._turn: DeferredLock = DeferredLock()

    @property
    def lost(self) -> bool:
        """
        Whether the index is to be made again.
        """
        return self._index is None

    async def open(self) -> bool:
        """
        Open what there is, or make it.

        :return: whether the index knows all that waits.
        """
        return await self._alone(self._open)

    async def close(self, *, clean: bool) -> None:
        """
        Write all that waits; on return nothing is open.

        :param clean: the next start may rely on the index.
        """
        self._stop_timer()
        await self._alone(partial(self._close, clean=clean))

    # Changes

    def put(self, row: Listed, *, arrived: bool = False) -> None:
        """
        This is how things stand for a message.

        :param arrived: nothing was known of it before.
        """
        if arrived:
            self._arrived.add(row.queue_id)
        self._rows[row.queue_id] = row
        self._set_timer()

    def drop(self, queue_id: str, ended: Ended | None = None) -> None:
        """
        A message is no longer in the queue.

        :param ended: how it stood at its end, if that is known.
        """
        if ended is not None:
            self._ended.append(ended)
        if queue_id in self._arrived:
            self._arrived.remove(queue_id)
            del self._rows[queue_id]
        else:
            self._rows[queue_id] = None
        self._set_timer()

    def note(self, ended: Ended) -> None:
        """
        A message came and went without being queued.
        """
        self._ended.append(ended)
        self._set_timer()

    async def put_off(self, queue_id: str, due: float) -> None:
        """
        There is nothing to do for a message before ``due``, whatever it is.
        """
        await self.ask(lambda index: index.put_off(queue_id, due))

    # Questions

    async def ask(self, question: Callable[[Index], T]) -> T:
        """
        What the index answers, all changes so far included.

        :raises DatabaseLost: it must be made again; ``lost`` from here on.
        """
        return await self._alone(partial(self._answer, question))

    async def remember(self, question: Callable[[History], T]) -> T:
        """
        What the history answers, all changes so far included.

        :raises DatabaseLost: nothing is known.
        """
        return await self._alone(partial(self._recall, question))

    # When

    def _set_timer(self) -> None:
        if self._timer is None:
            self._timer = self._clock.callLater(_GATHERED, self._flush)
        elif len(self._rows) == _MOST_WAITING:
            self._timer.reset(0)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _flush(self) -> None:
        self._timer = None
        Deferred.fromCoroutine(self._flushed()).addErrback(
            lambda failure: self._log.failure("Bug in the index", failure)
        )

    async def _flushed(self) -> None:
        await self._alone(lambda: None)

    async def _alone(self, work: Callable[[], T]) -> T:
        """
        What ``work`` returns, done in a thread while nothing else is; what
        waits is written before.
        """
        await self._turn.acquire()
        done: Deferred[T] = Deferred()
        Deferred.fromCoroutine(self._work(work)).addCallbacks(
            done.callback, done.errback
        )
        return await done

    async def _work(self, work: Callable[[], T]) -> T:
        rows, self._rows = self._rows, {}
        ended, self._ended = self._ended, []
        self._arrived.clear()
        try:
            return await self._in_pool(
                partial(self._after_writing, rows, ended, work)
            )
        finally:
            self._turn.release()

    # In a thread

    def _after_writing(
        self,
        rows: dict[str, Listed | None],
        ended: list[Ended],
        work: Callable[[], T],
    ) -> T:
        if self._history is not None and ended:
            try:
                self._history.add(ended)
            except DatabaseLost as error:
                self._lose_history(error)
        if self._index is not None and rows:
            present = [row for row in rows.values() if row is not None]
            absent = [queue_id for queue_id, row in rows.items() if not row]
            try:
                self._index.change(present, absent)
            except DatabaseLost as error:
                self._lose_index(error)
        return work()

    def _open(self) -> bool:
        mark = self._path("clean")
        try:
            with open(mark, encoding="ascii") as file:
                inode = file.read().strip()
            self._disk.unlink(mark)
            self._disk.sync(folders=[self._folder])
        except FileNotFoundError:
            inode = ""
        self._index = Index(self._path("index.sqlite3"), self._disk)
        self._open_history()
        return not self._index.fresh and str(self._index.inode) == inode

    def _open_history(self) -> None:
        try:
            self._history = History(self._path("history.sqlite3"), self._disk)
        except DatabaseLost as error:
            self._tell("history", error)

    def _close(self, *, clean: bool) -> None:
        if self._history is not None:
            self._history.close()
            self._history = None
        if self._index is not None:
            self._index.close()
            if clean:
                self._leave_mark(self._index.inode)
            self._index = None

    def _leave_mark(self, inode: int) -> None:
        mark = f"{inode}\n".encode()
        try:
            self._disk.replace(self._path("clean"), mark)
        except OSError as error:
            self._log.warn(
                "Queue leaves no mark that it was closed: {reason}",
                reason=str(error),
            )

    def _answer(self, question: Callable[[Index], T]) -> T:
        if self._index is None:
            raise DatabaseLost("the index is being made again")
        try:
            return question(self._index)
        except DatabaseLost as error:
            self._lose_index(error)
            raise

    def _recall(self, question: Callable[[History], T]) -> T:
        if self._history is None:
            raise DatabaseLost("there is no history")
        try:
            return question(self._history)
        except DatabaseLost as error:
            self._lose_history(error)
            raise

    def _lose_index(self, error: DatabaseLost) -> None:
        self._tell("index", error)
        if self._index is not None:
            with suppress(OSError):
                self._index.remove()
            self._index = None

    def _lose_history(self, error: DatabaseLost) -> None:
        self._tell("history", error)
        if self._history is not None:
            with suppress(OSError):
                self._history.remove()
            self._history = None
            self._open_history()

    def _tell(self, name: str, error: DatabaseLost) -> None:
        self._log.error(
            "The queue's {database} is made anew: {reason}",
            database=name,
            reason=str(error),
        )

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)
