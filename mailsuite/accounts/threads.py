"""
Where blocking work runs: named threads with a bounded queue, or right here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

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
    ) -> None:
        """
        :param threads: how many calls run at once.
        :param waiting: how many may wait beside those that run.
        """
        self._reactor = reactor
        self._pool = ThreadPool(minthreads=0, maxthreads=threads, name=name)
        self._limit = threads + waiting
        self._under_way = 0

    def start(self) -> None:
        """
        Take work; not before the process has forked.
        """
        self._pool.start()

    def stop(self) -> None:
        """
        Finish what waits, and return then.
        """
        self._pool.stop()

    async def run(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """
        See ``Threads.run``.
        """
        if self._under_way >= self._limit:
            raise LoginUnavailable
        self._under_way += 1
        try:
            return await deferToThreadPool(
                self._reactor, self._pool, function, *args, **kwargs
            )
        finally:
            self._under_way -= 1


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
