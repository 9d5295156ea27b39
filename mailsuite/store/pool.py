"""
A named pool of threads for work that blocks, and its way back.

Implementation notes

- Results go into one queue, and the reactor is woken once for all that wait
  there: with many short works, waking it is what costs.
- What one thread posts arrives in the order in which it was posted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

T = TypeVar("T")

Work = Callable[[], None]


class Pool:
    """
    Some threads, started when they are first needed.

    :param name: what the threads are called.
    :param size: the most threads there are.
    :param in_reactor: calls a function soon, in the reactor's thread; may
        itself be called in any thread.
    """

    _log = Logger()

    def __init__(
        self, name: str, size: int, in_reactor: Callable[[Work], object]
    ) -> None:
        self._name = name
        self._size = size
        self._in_reactor = in_reactor
        self._waiting: SimpleQueue[Work | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._under_way = 0
        self._posted: deque[Work] = deque()
        self._woken = False
        self._lock = Lock()

    def submit(self, work: Work) -> None:
        """
        Have a thread call ``work``, which must not raise.
        """
        with self._lock:
            self._under_way += 1
            short = self._under_way > len(self._threads)
            if short and len(self._threads) < self._size:
                thread = Thread(
                    target=self._serve,
                    name=f"{self._name}-{len(self._threads)}",
                    daemon=True,
                )
                self._threads.append(thread)
                thread.start()
        self._waiting.put(work)

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        """
        Have a thread call ``work``; what it returns or raises comes back.
        """
        done: Deferred[T] = Deferred()

        def call() -> None:
            try:
                result = work()
            except BaseException:  # noqa: BLE001 - it is handed on whole
                failure = Failure()
                self.post(lambda: done.errback(failure))
            else:
                self.post(lambda: done.callback(result))

        self.submit(call)
        return done

    def post(self, tell: Work) -> None:
        """
        Call ``tell`` soon, in the reactor's thread.  Called in any thread.
        """
        self._posted.append(tell)
        if not self._woken:
            self._woken = True
            self._in_reactor(self._take_posted)

    def stop(self) -> None:
        """
        End the threads when they have done what waits, and wait for them.
        """
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._take_posted()

    def _serve(self) -> None:
        while (work := self._waiting.get()) is not None:
            try:
                work()
            except Exception:  # noqa: BLE001 - the thread must go on
                self._log.failure("Bug in a thread of {pool}", pool=self._name)
            finally:
                with self._lock:
                    self._under_way -= 1

    def _take_posted(self) -> None:
        # Before the first look: who posts after it wakes the reactor again.
        self._woken = False
        while self._posted:
            tell = self._posted.popleft()
            with self._log.failuresHandled("Bug in what {pool} told") as _:
                tell()
