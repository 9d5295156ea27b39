"""
Tests for ``mailsuite.transfer.queue``, with the attempts and files below it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import MailError, NoSuchRecipient, StoreBusy, StoreFull
from mailsuite.interfaces import AccountRecord
from tests.support.queues import (
    BOB,
    CAROL,
    HOUR,
    KETCHUP,
    MINUTE,
    QueueTestCase,
)
from tests.support.transferring import Transferring, at_once, now, write


class AttemptTests(QueueTestCase):
    """
    What is tried, and when.
    """

    def test_tried_after_five_minutes(self) -> None:
        """
        The first attempt comes after 5 minutes, not before; Bob is spared.
        """
        self.cheer_up(self.carol)
        self.clock.advance(5 * MINUTE - 1)
        self.assertEqual(self.mail.inbox(self.carol), [])

        self.clock.advance(1)

        self.assertEqual(self.mail.inbox(self.carol), self.mail.inbox(self.bob))
        self.assertEqual(len(self.mail.inbox(self.bob)), 1)
        self.assertEqual(len(self.mail.queue), 0)
        self.assertEqual(self.files(), [])

    def test_schedule(self) -> None:
        """
        5, 10, 15, 30, 60 minutes, 2 hours, then each 4 hours; for good.
        """
        asked = self.times_of_attempts()
        self.clock.pump([MINUTE] * (7 * 24 * 60))

        minutes = [(t - self.start) / MINUTE for t in asked]
        self.assertEqual(minutes[:8], [5, 15, 30, 60, 120, 240, 480, 720])
        self.assertEqual(len(self.mail.queue), 1)
        self.assertGreater(minutes[-1], 6 * 24 * 60)

    def times_of_attempts(self) -> list[float]:
        """
        A list that each attempt adds its time to.
        """
        times: list[float] = []
        self.start = self.clock.seconds()
        deliver = self.mail.store.deliver

        async def timed(
            content: object, accounts: list[AccountRecord]
        ) -> tuple[MailError | None, ...]:
            times.append(self.clock.seconds())
            return await deliver(content, accounts)

        self.patch(self.mail.store, "deliver", timed)
        return times

    def test_renamed_account(self) -> None:
        """
        The account's number counts, not the address it had.
        """
        self.cheer_up(self.carol)
        self.mail.directory.remove(CAROL)
        stranger = self.mail.directory.add_account("stranger@hamburger.edu")
        self.mail.directory.add_alias(CAROL, stranger, self.carol)
        self.clock.advance(5 * MINUTE)

        self.assertEqual(len(self.mail.inbox(self.carol)), 1)
        self.assertEqual(self.mail.inbox(stranger), [])

    def test_removed_account(self) -> None:
        """
        Mail for somebody who is gone stays in the queue.
        """
        self.cheer_up(self.carol)
        self.mail.directory.remove(CAROL)
        self.clock.advance(5 * MINUTE)

        self.assertEqual(len(self.mail.queue), 1)
        with open(self.path("q"), "rb") as file:
            self.assertIn(NoSuchRecipient.public.encode(), file.read())

    def test_stopped(self) -> None:
        """
        A queue that was stopped tries nothing.
        """
        now(self.mail.queue.stop())
        self.cheer_up(self.carol)
        self.clock.advance(HOUR)

        self.assertEqual(self.mail.inbox(self.carol), [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_every_line_bears_the_id(self) -> None:
        """
        What the log says of a message bears its queue id.
        """
        log = EventLoggingObserver()
        globalLogPublisher.addObserver(log)
        self.addCleanup(globalLogPublisher.removeObserver, log)
        self.clock.advance(5 * MINUTE)
        self.cheer_up(self.carol)
        self.clock.advance(10 * MINUTE)

        told = [
            (event["log_format"].split()[0], event["queue_id"])
            for event in log
            if "mailsuite" in event["log_namespace"]
        ]
        self.assertEqual(
            told,
            [("Deferred", self.queue_id), ("Delivered", self.queue_id)],
        )


class FullShardTests(QueueTestCase):
    """
    Many entries.
    """

    def test_another_shard_is_begun(self) -> None:
        """
        A folder holds a thousand entries or so, and all are found again.
        """
        for _ in range(1030):
            transaction = self.mail.begin(BOB, CAROL)
            now(transaction.commit())
        shards = [n for n in os.listdir(self.folder) if n != "broken"]
        self.assertEqual(len(shards), 2)

        self.again()
        self.assertEqual(len(self.mail.queue), 1031)


class GivenUpTests(SynchronousTestCase):
    """
    A client that goes away while its message is being queued.
    """

    def test_nothing_is_left(self) -> None:
        """
        The content is discarded under our hands: no entry, no end of work.
        """
        works: list[Callable[[], None]] = []

        def in_pool(work: Callable[[], object]) -> Deferred[object]:
            done: Deferred[object] = Deferred()
            works.append(lambda: at_once(work).chainDeferred(done))
            return done

        folder = self.mktemp()
        mail = Transferring(folder).start()
        bob, carol = map(mail.directory.add_account, (BOB, CAROL))
        mail.store.moods[carol.number] = StoreBusy()
        self.patch(mail.queue, "_in_pool", in_pool)
        transaction = mail.begin(BOB, CAROL)
        write(transaction, KETCHUP)
        committing = Deferred.fromCoroutine(transaction.commit())
        committing.cancel()
        self.failureResultOf(committing, CancelledError)

        while works:
            works.pop(0)()

        self.assertEqual(len(mail.queue), 0)
        self.assertEqual(len(mail.inbox(bob)), 1)
        shards = set(os.listdir(folder)) - {"broken"}
        self.assertEqual(os.listdir(os.path.join(folder, shards.pop())), [])


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

    def test_nothing_is_kept_when_the_sync_fails(self) -> None:
        """
        A message that cannot be queued is refused for now, and leaves no
        files.
        """
        before = self.files()
        self.fail("sync", lambda: True)
        transaction = self.mail.begin(BOB, CAROL)
        write(transaction, KETCHUP)

        with self.assertRaises(MailError) as caught:
            now(transaction.commit())

        self.assertTrue(caught.exception.temporary)
        self.assertEqual(self.files(), before)

    def test_results_that_cannot_be_recorded(self) -> None:
        """
        Nothing is delivered twice while the disk takes no line.
        """
        failing = True
        self.fail("unlink", lambda: failing)
        self.cheer_up(self.carol)
        self.clock.pump([MINUTE] * 120)
        self.assertEqual(len(self.mail.inbox(self.carol)), 1)
        self.assertEqual(len(self.files()), 2)

        failing = False
        transaction = self.another()
        self.clock.pump([MINUTE] * 120)

        self.assertEqual(len(self.mail.inbox(self.carol)), 2)
        self.assertEqual(self.files(), [])
        self.assertNotEqual(transaction, self.queue_id)

    def test_line_that_cannot_be_synced(self) -> None:
        """
        After a failed sync the entry is written to a new file.
        """
        failing = True
        self.fail("append", lambda: failing)
        before = os.stat(self.path("q")).st_ino
        self.clock.advance(5 * MINUTE)

        self.assertEqual(self.mail.spool.read(self.queue_id).attempts, 2)
        self.assertNotEqual(os.stat(self.path("q")).st_ino, before)

    def test_store_that_takes_no_content(self) -> None:
        """
        A store that is full defers all.
        """

        async def full(expected: int | None) -> object:
            raise StoreFull

        self.patch(self.mail.store, "incoming", full)
        self.clock.advance(5 * MINUTE)

        self.assertEqual(self.mail.spool.read(self.queue_id).attempts, 2)

    def test_bug_in_an_attempt(self) -> None:
        """
        A bug is told, and the message is tried again.
        """
        broken = True
        incoming = self.mail.store.incoming

        async def buggy(expected: int | None) -> object:
            return await (1 / 0 if broken else incoming(expected))

        self.patch(self.mail.store, "incoming", buggy)
        self.cheer_up(self.carol)
        self.clock.advance(5 * MINUTE)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        broken = False
        self.clock.advance(5 * MINUTE)

        self.assertEqual(len(self.mail.inbox(self.carol)), 1)

    def another(self) -> str:
        """
        One more message that waits for Carol.
        """
        self.mail.store.moods[self.carol.number] = StoreBusy()
        transaction = self.mail.begin(BOB, CAROL)
        write(transaction, KETCHUP)
        now(transaction.commit())
        self.cheer_up(self.carol)
        return transaction.queue_id

    def test_no_attempt_while_results_are_owed(self) -> None:
        """
        Other messages wait until the results of one are on the disk.
        """
        self.another()
        failing = True
        self.fail("unlink", lambda: failing)
        self.clock.pump([MINUTE] * 120)

        self.assertEqual(len(self.mail.inbox(self.carol)), 1)

        failing = False
        self.clock.pump([MINUTE] * 2)
        self.assertEqual(len(self.mail.inbox(self.carol)), 2)
        self.assertEqual(self.files(), [])
