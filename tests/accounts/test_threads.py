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

    async def test_stop_finishes_what_runs(self) -> None:
        """
        What runs is finished, and what waits is not begun; nor is what comes
        then.
        """
        threads = NamedThreads(IReactorFromThreads(reactor), "hash", 1, 2)
        threads.start()
        begun, gate = threading.Event(), threading.Event()

        def work() -> str:
            begun.set()
            gate.wait()
            return "done"

        running = Deferred.fromCoroutine(threads.run(work))
        waiting = Deferred.fromCoroutine(threads.run(lambda: "begun"))
        begun.wait()
        threading.Timer(0.05, gate.set).start()
        threads.stop()

        self.assertTrue(gate.is_set())
        self.assertEqual(await running, "done")
        with self.assertRaises(LoginUnavailable):
            await waiting
        with self.assertRaises(LoginUnavailable):
            await threads.run(lambda: "late")

    async def test_stop_has_an_end(self) -> None:
        """
        What runs for ever is not waited for, by us or by the interpreter.
        """
        threads = NamedThreads(
            IReactorFromThreads(reactor), "hash", 1, 1, patience_seconds=0.05
        )
        threads.start()
        gate = threading.Event()
        self.addCleanup(gate.set)
        found: list[threading.Thread] = []
        begun = threading.Event()

        def work() -> str:
            found.append(threading.current_thread())
            begun.set()
            gate.wait()
            return "done"

        running = Deferred.fromCoroutine(threads.run(work))
        begun.wait()
        threads.stop()

        self.assertFalse(gate.is_set())
        self.assertTrue(found[0].daemon)
        gate.set()
        self.assertEqual(await running, "done")


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
