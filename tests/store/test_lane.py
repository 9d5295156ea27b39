"""
Tests for the lane and its pool.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.store.lane import Lane
from mailsuite.store.pool import Pool


class ManualPool(Pool):
    """
    A pool whose one thread is the test's own, when it says so.
    """

    def __init__(self) -> None:
        super().__init__("manual", 0, lambda wake: None)
        self.works: deque[Callable[[], None]] = deque()

    def submit(self, work: Callable[[], None]) -> None:
        self.works.append(work)

    def turn(self) -> None:
        """
        Do what waits, and tell it.
        """
        while self.works:
            self.works.popleft()()
            self._take_posted()


class LaneTests(SynchronousTestCase):
    """
    Tests for ``Lane``.
    """

    def setUp(self) -> None:
        self.pool = ManualPool()
        self.events: list[str] = []
        self.refusal: Exception | None = None
        self.lane = Lane(
            self.pool, self.holding, lambda: self.events.append("told")
        )

    @contextmanager
    def holding(self) -> Iterator[None]:
        if self.refusal is not None:
            raise self.refusal
        self.events.append("taken")
        yield
        self.events.append("given")

    def step(self, name: str) -> Deferred[str]:
        """
        A step that notes when it is made, and when it is answered.
        """

        def work() -> str:
            self.events.append(name)
            return name

        return self.lane.run(work).addCallback(self.answered)

    def answered(self, name: str) -> str:
        self.events.append(f"answer {name}")
        return name

    def test_steps_in_their_order(self) -> None:
        """
        Steps that wait are made one after another, in one taking.
        """
        self.step("one")
        self.step("two")

        self.pool.turn()

        self.assertEqual(
            self.events,
            ["taken", "one", "told", "two", "told", "given"]
            + ["answer one", "answer two"],
        )

    def test_steps_of_a_kind_are_one(self) -> None:
        """
        Neighbours of one kind are made as one step, each with its result.
        """
        batches: list[list[int]] = []

        def gathered(items: list[int]) -> Sequence[int | Exception]:
            batches.append(items)
            return [x * 2 if x != 2 else ValueError("two") for x in items]

        first = [self.lane.gather("double", gathered, x) for x in (1, 2, 3)]
        self.step("between")
        last = self.lane.gather("double", gathered, 4)
        self.pool.turn()

        self.assertEqual(batches, [[1, 2, 3], [4]])
        self.assertEqual(self.successResultOf(first[0]), 2)
        self.failureResultOf(first[1], ValueError)
        self.assertEqual(self.successResultOf(first[2]), 6)
        self.assertEqual(self.successResultOf(last), 8)

    def test_one_that_fails(self) -> None:
        """
        A step that raises fails alone.
        """
        failing = self.lane.run(lambda: 1 // 0)
        after = self.step("after")

        self.pool.turn()

        self.failureResultOf(failing, ZeroDivisionError)
        self.assertEqual(self.successResultOf(after), "after")

    def test_not_to_be_held(self) -> None:
        """
        Where the account cannot be held, all that wait fail, and later ones
        are tried again.
        """
        self.refusal = OSError("read-only")
        first, second = self.step("first"), self.step("second")
        self.pool.turn()
        self.refusal = None
        third = self.step("third")
        self.pool.turn()

        self.failureResultOf(first, OSError)
        self.failureResultOf(second, OSError)
        self.assertEqual(self.successResultOf(third), "third")

    def test_bare_steps_keep_their_place(self) -> None:
        """
        A bare step is made in its turn, with nothing held.
        """
        self.step("one")
        self.lane.run_bare(lambda: self.events.append("bare"))
        self.step("two")

        self.pool.turn()

        made = [x for x in self.events if x not in ("told",)]
        self.assertEqual(
            made[:7],
            ["taken", "one", "given", "bare", "taken", "two", "given"],
        )

    def test_who_gave_up_is_not_answered(self) -> None:
        """
        A step is made even if nobody waits for it any more.
        """
        step = self.step("one")
        step.cancel()

        self.pool.turn()

        self.failureResultOf(step, CancelledError)
        self.assertIn("one", self.events)

    def test_idle_when_all_is_done(self) -> None:
        """
        ``when_idle`` fires once no step waits.
        """
        self.assertIsNone(self.successResultOf(self.lane.when_idle()))

        self.step("one")
        idle = self.lane.when_idle()
        self.assertTrue(self.lane.busy)
        self.assertNoResult(idle)
        self.pool.turn()

        self.assertIsNone(self.successResultOf(idle))
        self.assertFalse(self.lane.busy)


class PoolTests(SynchronousTestCase):
    """
    Tests for ``Pool``, with real threads that are waited for.
    """

    def setUp(self) -> None:
        self.wakes: deque[Callable[[], None]] = deque()
        self.pool = Pool("test", 2, self.wakes.append)

    def test_results_come_back(self) -> None:
        """
        What the work returns or raises is told in the reactor, not before.
        """
        good = self.pool.run(lambda: 6 * 7)
        bad = self.pool.run(lambda: 1 // 0)
        self.assertNoResult(good)

        self.pool.stop()

        self.assertEqual(self.successResultOf(good), 42)
        self.failureResultOf(bad, ZeroDivisionError)

    def test_one_waking_for_many(self) -> None:
        """
        The reactor is woken once for all that was posted before it woke.
        """
        told: list[int] = []

        for number in range(5):
            self.pool.post(lambda number=number: told.append(number))
        [wake] = self.wakes
        wake()

        self.assertEqual(told, [0, 1, 2, 3, 4])

    def test_a_bug_in_one_keeps_none_of_the_others(self) -> None:
        """
        What is told is told even if something before it raised.
        """
        told: list[str] = []

        self.pool.post(lambda: told.append(str(1 // 0)))
        self.pool.post(lambda: told.append("after"))
        self.wakes.popleft()()

        self.assertEqual(told, ["after"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
