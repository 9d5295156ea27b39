"""
Tests for ``mailsuite.transfer.recorder`` and ``gate``: a disk that fails.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import MailError
from mailsuite.transfer.gate import MOST_UNRECORDED, Gate
from tests.support.queueing import (
    BOB,
    DAVE,
    DEFERRED,
    HOUR,
    MINUTE,
    QueueTestCase,
    now,
)


class FailingDiskTests(QueueTestCase):
    """
    The queue's disk fails.
    """

    def fail(self, step: str, failing: Callable[[], bool]) -> None:
        """
        Have a step of the disk fail while ``failing``.
        """
        real = getattr(self.mail.disk, step)

        def made(*given: object, **named: object) -> object:
            if failing():
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*given, **named)

        self.patch(self.mail.disk, step, made)

    def refused(self, step: str) -> None:
        """
        See that a message is refused for now, and leaves no files.
        """
        before = self.mail.files()
        self.fail(step, lambda: True)

        with self.assertRaises(MailError) as caught:
            self.mail.add(BOB)

        self.assertTrue(caught.exception.temporary)
        self.assertEqual(self.mail.files(), before)
        self.assertEqual(self.elsewhere.tried, [])
        self.assertEqual(self.mail.count(), 0)

    def test_sync_of_a_new_message(self) -> None:
        """
        Nothing is kept when the sync fails.
        """
        self.refused("sync")

    def test_new_file(self) -> None:
        """
        Nothing is kept when there is no room for a file.
        """
        self.refused("create_named")

    def test_results_that_cannot_be_recorded(self) -> None:
        """
        Nothing is sent twice while the disk takes no result, and others wait.
        """
        failing = True
        self.fail("unlink", lambda: failing)
        first = self.mail.add(BOB)
        self.mail.add(DAVE)
        self.clock.pump([MINUTE] * 120)
        self.assertEqual([to for to, _ in self.elsewhere.taken], [BOB])
        self.assertIn(f"{first}.q", self.mail.files())

        failing = False
        self.clock.pump([MINUTE] * 2)

        self.assertEqual([to for to, _ in self.elsewhere.taken], [BOB, DAVE])
        self.assertEqual(self.mail.files(), [])

    def test_stopped_with_results_that_cannot_be_recorded(self) -> None:
        """
        The queue stops all the same, and the next start does not rely on the
        index.
        """
        self.fail("unlink", lambda: True)
        self.mail.add(BOB)
        now(self.mail.queue.stop())

        self.assertNotIn("clean", os.listdir(self.mail.folder))

    def test_line_that_cannot_be_synced(self) -> None:
        """
        After a failed sync the entry is written to a new file.
        """
        self.elsewhere.says[BOB] = DEFERRED
        queue_id = self.mail.add(BOB)
        failing = True
        self.fail("sync", lambda: failing)
        before = os.stat(self.mail.path(queue_id, "q")).st_ino
        self.clock.advance(5 * MINUTE)
        failing = False
        self.clock.advance(MINUTE)

        self.assertNotEqual(
            os.stat(self.mail.path(queue_id, "q")).st_ino, before
        )
        standing = now(self.mail.operator.show(queue_id)).standing
        self.assertEqual(standing.states[0].attempts, 2)

    def test_entry_taken_away_at_its_end(self) -> None:
        """
        An entry that goes during its attempt stops nobody else.
        """
        self.elsewhere.says[BOB] = DEFERRED
        self.elsewhere.waits.add("crepes.fr")
        queue_id = self.mail.add(BOB)
        os.unlink(self.mail.path(queue_id, "q"))
        self.elsewhere.answer("crepes.fr")
        self.mail.add(DAVE)
        self.clock.pump([HOUR] * 2)

        self.assertEqual([to for to, _ in self.elsewhere.taken], [DAVE])
        self.assertEqual(self.mail.count(), 0)

    def test_index_that_cannot_be_written(self) -> None:
        """
        Mail goes on without an index, which is made again.
        """
        self.elsewhere.says[BOB] = DEFERRED
        self.mail.add(BOB)
        self.mail.queue._ledger._index._database.close()
        self.elsewhere.says.clear()
        self.mail.add(DAVE)
        self.assertEqual([to for to, _ in self.elsewhere.taken], [DAVE])
        self.clock.pump([MINUTE] * 10)

        self.assertEqual([to for to, _ in self.elsewhere.taken], [DAVE, BOB])


class GateTests(SynchronousTestCase):
    """
    Tests for ``Gate``.
    """

    def setUp(self) -> None:
        self.gate = Gate()

    def waiting(self) -> Deferred[bool]:
        """
        Somebody who wants to pass.
        """
        return Deferred.fromCoroutine(self.gate.passed())

    def test_closed_by_results(self) -> None:
        """
        With 256 results that wait nobody passes; for each that is recorded,
        one does.
        """
        for _ in range(MOST_UNRECORDED):
            self.assertTrue(self.gate.open)
            self.gate.result_came()
        first, second = self.waiting(), self.waiting()
        self.assertNoResult(first)

        self.gate.result_recorded()

        self.assertTrue(self.successResultOf(first))
        self.assertNoResult(second)

    def test_closed_by_a_failure(self) -> None:
        """
        While results cannot be recorded nobody passes.
        """
        self.gate.close()
        waiting = self.waiting()
        self.assertNoResult(waiting)

        self.gate.reopen()

        self.assertTrue(self.successResultOf(waiting))

    def test_given_up(self) -> None:
        """
        Who gives up waiting takes nobody's turn.
        """
        self.gate.close()
        first, second = self.waiting(), self.waiting()
        first.cancel()
        self.failureResultOf(first)
        self.gate.reopen()

        self.assertTrue(self.successResultOf(second))

    def test_stopped(self) -> None:
        """
        At the end all are sent away.
        """
        self.gate.close()
        waiting = self.waiting()
        self.gate.stop()

        self.assertFalse(self.successResultOf(waiting))
        self.assertFalse(self.successResultOf(self.waiting()))
