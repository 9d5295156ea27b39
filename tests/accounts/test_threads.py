"""
Tests for ``mailsuite.accounts.threads``.
"""

from __future__ import annotations

import threading

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import SynchronousTestCase, TestCase

from mailsuite.accounts.threads import NamedThreads, SameThread
from mailsuite.errors import LoginUnavailable


class NamedThreadsTests(TestCase):
    """
    Tests for ``NamedThreads``, with the real reactor.
    """

    def threads(self, waiting: int) -> NamedThreads:
        """
        One thread, started.
        """
        threads = NamedThreads(IReactorFromThreads(reactor), "hash", 1, waiting)
        threads.start()
        self.addCleanup(threads.stop)
        return threads

    async def test_runs_elsewhere(self) -> None:
        """
        The function runs in a thread that bears our name.
        """
        threads = self.threads(waiting=1)
        name = await threads.run(lambda: threading.current_thread().name)
        self.assertIn("hash", name)

    async def test_raises(self) -> None:
        """
        What the function raises is raised.
        """
        threads = self.threads(waiting=1)
        with self.assertRaises(ZeroDivisionError):
            await threads.run(lambda: 1 // 0)

    async def test_queue_is_bounded(self) -> None:
        """
        What finds the queue full is refused at once; what waits is done.
        """
        threads = self.threads(waiting=1)
        gate = threading.Event()
        running = Deferred.fromCoroutine(threads.run(gate.wait))
        waiting = Deferred.fromCoroutine(threads.run(lambda: "done"))

        with self.assertRaises(LoginUnavailable):
            await threads.run(lambda: "late")
        gate.set()

        self.assertTrue(await running)
        self.assertEqual(await waiting, "done")
        self.assertEqual(await threads.run(lambda: "again"), "again")


class SameThreadTests(SynchronousTestCase):
    """
    Tests for ``SameThread``.
    """

    def test_runs_here(self) -> None:
        """
        The function has run when the coroutine begins to wait.
        """
        run = Deferred.fromCoroutine(SameThread().run(threading.current_thread))
        self.assertIs(self.successResultOf(run), threading.current_thread())
