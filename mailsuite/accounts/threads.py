"""
Where blocking work runs: named threads with a bounded queue, or right here.

Implementation notes

- A hash cannot be interrupted.  The threads are daemons, and are waited for
  no longer than is told, so that none of them keeps the process from ending.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any, ParamSpec, Protocol, TypeVar

from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from mailsuite.errors import LoginUnavailable

P = ParamSpec("P")
T = TypeVar("T")


class Threads(Protocol):
    """
    What runs a function where it may block.
    """

    async def run(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """
        Run it and hand on what it returns or raises.

        :raises LoginUnavailable: too much is waiting already.
        """


class _DaemonThread(Thread):
    """
    A thread that the process does not wait for at its end.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, daemon=True, **kwargs)


class NamedThreads:
    """
    A pool of our own, never the reactor's.
    """

    def __init__(
        self,
        reactor: IReactorFromThreads,
        name: str,
        threads: int = 1,
        waiting: int = 1000,
        patience_seconds: float = 5.0,
    ) -> None:
        """
        :param threads: how many calls run at once.
        :param waiting: how many may wait beside those that run.
        :param patience_seconds: how long to wait for them at the end.
        """
        self._reactor = reactor
        self._name = name
        self._patience_seconds = patience_seconds
        self._stopping = False
        self._pool = ThreadPool(minthreads=0, maxthreads=threads, name=name)
        self._pool.threadFactory = _DaemonThread
        self._limit = threads + waiting
        self._under_way = 0

    def start(self) -> None:
        """
        Take work; not before the process has forked.
        """
        self._pool.start()

    def stop(self) -> None:
        """
        Begin nothing more, what waits included, and finish what runs; what
        runs for too long is left to itself.
        """
        self._stopping = True
        stopping = _DaemonThread(
            target=self._pool.stop, name=f"{self._name}-stop"
        )
        stopping.start()
        stopping.join(self._patience_seconds)

    async def run(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """
        See ``Threads.run``.
        """
        if self._stopping or self._under_way >= self._limit:
            raise LoginUnavailable
        self._under_way += 1
        try:
            return await deferToThreadPool(
                self._reactor,
                self._pool,
                self._begin,
                partial(function, *args, **kwargs),
            )
        finally:
            self._under_way -= 1

    # In a thread

    def _begin(self, work: Callable[[], T]) -> T:
        if self._stopping:
            raise LoginUnavailable
        return work()


class SameThread:
    """
    No other thread: for a command line that has nothing else to do.
    """

    async def run(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """
        See ``Threads.run``.
        """
        return function(*args, **kwargs)
